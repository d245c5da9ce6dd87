"""Sending about reports."""

from dataclasses import dataclass

from comanda.adapters.delivery.queues import FifoPublisher
from comanda.domain.reports.messages import ReportMessage
from comanda.domain.reports.report import Report


@dataclass(frozen=True)
class ReportQueuePublisher(FifoPublisher[Report]):
    """Implements `RunPublisher`. Each report is a group of its own, so that reports are written side by side."""

    def publish(self, report: Report) -> None:
        self.send(ReportMessage.about(report), report)
