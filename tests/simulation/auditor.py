"""Whether the promises were kept, decided from what an outsider sees at the moments when everything has come to rest.

HTTP answers, rows, ledgers, queues and their messages, calls at the provider; nothing of the code under test.
"""

import json
from collections import Counter
from itertools import chain

from tests.simulation.checkers import notification_promises, order_promises, report_promises
from tests.simulation.checkers.notification_evidence import NotificationEvidence, failed_where_well, rows_told
from tests.simulation.checkers.order_evidence import OrderEvidence
from tests.simulation.checkers.report_evidence import PERMANENT, ReportEvidence, rows_of
from tests.simulation.checkers.violation import Violation
from tests.simulation.notification_workload import NotificationWorkload
from tests.simulation.observed_rows import Row
from tests.simulation.report_workload import ReportWorkload
from tests.simulation.system import System
from tests.simulation.workload import Workload


class Audit:
    def __init__(
        self,
        system: System,
        workload: Workload,
        asking: ReportWorkload | None,
        telling: NotificationWorkload | None = None,
    ) -> None:
        """`asking`: who asks for reports, `telling`: who asks to be told, where anybody does."""
        self._system = system
        self._workload = workload
        self._asking = asking
        self._telling = telling
        self._calm_since = float("inf")
        self._failed_before_redrive: set[str] = set()

    def trouble_ends(self) -> None:
        """From now on nothing goes wrong any more but what orders bring with them."""
        system = self._system
        self._calm_since = system.scheduler.time()
        system.faults.active = False
        system.provider.down_until = 0.0
        system.newer_release_is_back()
        if self._telling:
            self._telling.notifications.receivers.trouble_ends()
        for name, function in system.functions.functions.items():
            function.refused_until = 0.0
            if function.broken:
                system.functions.deploy(name)
        system.history.tell("— nothing goes wrong any more —")

    def order_ids(self) -> list[str]:
        return [row.order_id for row in self._rows()]

    def report_ids(self) -> list[str]:
        return [*rows_of(self._asking)] if self._asking else []

    def notification_ids(self) -> list[str]:
        return [*rows_told(self._telling)] if self._telling else []

    def states(self) -> Counter[str]:
        """How many orders ended how, and which states were gone through."""
        reached = Counter(f"row {write.status}" for write in self._system.row_writes)
        ended = [f"ended {row.status}" for row in self._rows()]
        if self._asking:
            ended += [f"report ended {row.status}" for row in rows_of(self._asking).values()]
        if self._telling:
            ended += [f"notification ended {row.status}" for row in rows_told(self._telling).values()]
        return reached + Counter(ended)

    def verdict(self, *, rested: bool) -> Violation | None:
        """The first broken promise, at a moment when everything has come to rest."""
        if not rested:
            return self._never_rests()
        self._failed_before_redrive = {row.order_id for row in self._rows() if row.status == "failed"}
        seen = OrderEvidence(self._system, self._workload, self._calm_since, self._rows())
        broken = order_promises.broken(seen)
        if self._asking:
            reports = rows_of(self._asking).values()
            self._failed_before_redrive |= {row.report_id for row in reports if row.status == "failed"}
            broken = chain(broken, report_promises.broken(ReportEvidence(self._asking, self._calm_since)))
        if self._telling:
            self._failed_before_redrive |= {row.notification_id for row in failed_where_well(self._telling)}
            broken = chain(broken, notification_promises.broken(NotificationEvidence(self._telling, self._calm_since)))
        return next(broken, None)

    def verdict_after_redrive(self) -> Violation | None:
        """P9: what failed before completes now, unless it has a flaw of its own."""
        for row in self._rows():
            could = (
                row.succeeds_within(self._system.settings.delivery.max_attempts)
                and row.order_id not in self._system.spoiled
            )
            if row.order_id in self._failed_before_redrive and row.status == "failed" and could and not row.discarded:
                return Violation("P9", f"still failed after a redrive: {row.failure}", row.order_id, row.recipient_id)
        return self._reports_after_redrive() or self._notifications_after_redrive()

    def _reports_after_redrive(self) -> Violation | None:
        now = self._system.scheduler.time()
        for row in rows_of(self._asking).values() if self._asking else ():
            was_failed = row.report_id in self._failed_before_redrive and row.status == "failed"
            over = row.discarded or row.expires_at <= now
            if was_failed and not over and row.failure and row.failure["class"] not in PERMANENT:
                return Violation("P9", f"still failed after a redrive: {row.failure}", row.report_id)
        return None

    def _notifications_after_redrive(self) -> Violation | None:
        for row in failed_where_well(self._telling) if self._telling else ():
            if row.notification_id in self._failed_before_redrive:
                why = f"a notification still failed after a redrive: {row.failure}"
                return Violation("P9", why, row.wanted.subject_id)
        return None

    def _rows(self) -> list[Row]:
        return [Row.of(item) for item in self._system.dynamodb.tables["orders"].rows.values()]

    def _never_rests(self) -> Violation:
        for queue in [*self._system.queues.values(), *(part.queue for part in self._system.parts)]:
            for message in queue.messages:
                body = json.loads(message.body)
                order_id = body.get("order_id") or body.get("report_id") or self._told_of(body["notification_id"])
                why = f"{queue.name} never ran dry; received {message.receive_count} times"
                return Violation("P5", why, order_id, message.group)
        return Violation("P5", "somebody never came to an end")

    def _told_of(self, notification_id: str) -> str | None:
        """The order or the report that a notification is about."""
        row = rows_told(self._telling).get(notification_id) if self._telling else None
        return row.wanted.subject_id if row else None
