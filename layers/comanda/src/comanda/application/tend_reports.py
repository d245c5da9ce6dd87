"""Every minute: make the status of reports tell the truth where their message was dead-lettered (P8), as for orders
(steward.py).

It is simpler than for orders: a report is a message group of its own, so that every dead letter can be seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from comanda.application.ports import Clock, Journal, Overtaken
from comanda.application.report_ports import ReportDeadLetters, ReportPublisher, Reports
from comanda.domain.messages import ReportDelivery, ReportMessage
from comanda.domain.report import Report, ReportFailure, ReportStatus


@dataclass(frozen=True)
class TendReports:
    reports: Reports
    publisher: ReportPublisher
    dead_letters: ReportDeadLetters
    journal: Journal
    clock: Clock
    max_rescues: int
    reserve_seconds: float

    def __call__(self, seconds_left: Callable[[], float]) -> None:
        """Look at each dead letter as far as the time goes. Raises Unavailable; the next minute goes on."""
        kept: list[ReportDelivery] = []
        try:
            while seconds_left() > self.reserve_seconds and (deliveries := self.dead_letters.receive()):
                kept += self._look_through(deliveries)
        finally:
            self.dead_letters.release(kept)

    def _look_through(self, deliveries: Sequence[ReportDelivery]) -> list[ReportDelivery]:
        """Deal with each dead letter; give those that stay."""
        messages = [delivery.message for delivery in deliveries if delivery.message]
        last_run = {message.report_id: message.replay for message in sorted(messages, key=lambda each: each.replay)}
        kept = []
        for delivery in deliveries:
            message = delivery.message
            is_old = message is not None and message.replay < last_run[message.report_id]
            if is_old or (message and self._is_done_with(message, delivery)):
                self.dead_letters.delete(delivery)
            else:
                kept.append(delivery)
        return kept

    def _is_done_with(self, message: ReportMessage, delivery: ReportDelivery) -> bool:
        report, replay, now = self.reports.get(message.report_id), message.replay, self.clock()
        if report is None:
            return False
        if report.is_over(now) or report.discarded or replay < report.replay:
            return True
        if report.seconds_held(now):  # Some worker is at it after all: look again when its lease is over.
            return False
        if report.status is ReportStatus.FAILED:
            if replay > report.replay:  # Redriven, and dead-lettered again before any worker could take it up.
                self._fail(report, delivery, replay)
            return False
        if report.rescues >= self.max_rescues:
            self._fail(report, delivery, replay)
            return False
        return self._publish_anew(report, replay)

    def _publish_anew(self, report: Report, replay: int) -> bool:
        """`replay` of the dead letter is ahead of the row where a steward died after sending: that body is used up."""
        rescued = report.rescued(self.clock(), replay + 1)
        self.publisher.publish(rescued)
        try:
            self.reports.save(report, rescued)
        except Overtaken:
            return False
        self.journal.tell("report.rescued", rescued)
        return True

    def _fail(self, report: Report, delivery: ReportDelivery, replay: int) -> None:
        """Only where the row still is as it was read. It takes on the message's replay: the next has another."""
        failure = ReportFailure(
            name="WorkerUnavailable",
            message="the workers could not run; the report was published anew and came back untried",
            attempts=0,
            at=self.clock(),
            message_id=delivery.message_id,
        )
        failed = report.abandoned(failure, replay)
        try:
            self.reports.save(report, failed)
        except Overtaken:
            return
        self.journal.tell("report.failed", failed, error_class=failure.name, reason=failure.message)
