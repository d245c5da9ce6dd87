"""Whether the promises were kept, decided from what an outsider sees at the moments when everything has come to rest.

HTTP answers, rows, ledgers, queues and their messages, calls at the provider; nothing of the code under test.
"""

import json
from collections import Counter

from tests.simulation.promises import Broken, Verdict
from tests.simulation.seen_rows import Row
from tests.simulation.system import System
from tests.simulation.workload import Workload


class Audit:
    def __init__(self, system: System, workload: Workload) -> None:
        self._system = system
        self._workload = workload
        self._calm_since = float("inf")
        self._failed_before_redrive: set[str] = set()

    def trouble_ends(self) -> None:
        """From now on nothing goes wrong any more but what orders bring with them."""
        system = self._system
        self._calm_since = system.scheduler.time()
        system.faults.active = False
        system.provider.down_until = 0.0
        for name, function in system.functions.functions.items():
            function.refused_until = 0.0
            if function.broken:
                system.functions.deploy(name)
        system.history.tell("— nothing goes wrong any more —")

    def order_ids(self) -> list[str]:
        return [row.order_id for row in self._rows()]

    def states(self) -> Counter[str]:
        """How many orders ended how, and which states were gone through."""
        reached = Counter(f"row {write.status}" for write in self._system.row_writes)
        return reached + Counter(f"ended {row.status}" for row in self._rows())

    def verdict(self, *, rested: bool) -> Broken | None:
        """The first broken promise, at a moment when everything has come to rest."""
        if not rested:
            return self._never_rests()
        self._failed_before_redrive = {row.order_id for row in self._rows() if row.status == "failed"}
        return next(Verdict(self._system, self._workload, self._calm_since, self._rows()).broken(), None)

    def verdict_after_redrive(self) -> Broken | None:
        """P9: what failed before completes now, unless it has a flaw of its own."""
        for row in self._rows():
            could = row.succeeds_within(self._system.settings.max_attempts)
            if row.order_id in self._failed_before_redrive and row.status == "failed" and could and not row.discarded:
                return Broken("P9", f"still failed after a redrive: {row.failure}", row.order_id, row.recipient_id)
        return None

    def _rows(self) -> list[Row]:
        return [Row.of(item) for item in self._system.dynamodb.tables["orders"].rows.values()]

    def _never_rests(self) -> Broken:
        for queue in self._system.queues.values():
            for message in queue.messages:
                order_id = json.loads(message.body)["order_id"]
                why = f"{queue.name} never ran dry; received {message.receive_count} times"
                return Broken("P5", why, order_id, message.group)
        return Broken("P5", "somebody never came to an end")
