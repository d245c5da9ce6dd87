"""What an outsider sees of orders once everything has come to rest."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from tests.simulation.events import MessageEvent, RowWrite
from tests.simulation.expressions import Item
from tests.simulation.observed_rows import Row
from tests.simulation.system import MOST_SHOWN, System
from tests.simulation.workload import Workload

SETTLED = {"completed", "failed", "cancelled"}


class OrderEvidence:
    def __init__(self, system: System, workload: Workload, calm_since: float, rows: Iterable[Row]) -> None:
        """`calm_since`: when things stopped going wrong."""
        self.system = system
        self.workload = workload
        self.calm_since = calm_since
        self.rows = {row.order_id: row for row in rows}
        self.writes: dict[str, list[RowWrite]] = defaultdict(list)
        for write in system.row_writes:
            self.writes[write.order_id].append(write)
        letters = Counter(letter.group for letter in self.events("dead-lettered"))
        self.crowds = {recipient for recipient, number in letters.items() if number > MOST_SHOWN}
        """Recipients of whom some dead letters may hide behind ten others."""

    def events(self, what: str | None, order_id: str | None = None) -> Iterator[MessageEvent]:
        for event in self.system.message_events:
            if what in (None, event.what) and order_id in (None, event.subject_id):
                yield event

    def told(self, happening: str, about: str) -> int:
        """How often something is told of an order or a recipient."""
        return sum(
            about in (told.recipient_id, told.order_id) and told.what.startswith(happening)
            for told in self.system.history.happenings
        )

    def died(self, message_id: str) -> int:
        """How many invocations that had the message came to no good end before it was done with."""
        return sum(mapping.batches_died.get(message_id, 0) for mapping in self.system.mappings.values())

    def ledgers(self) -> dict[str, list[Item]]:
        """Each recipient's entries, in their order."""
        ledgers: dict[str, list[Item]] = defaultdict(list)
        for (recipient, entry), item in sorted(self.system.dynamodb.tables["ledger"].rows.items()):
            if entry != "balance":
                ledgers[recipient].append(item)
        return ledgers

    def listed(self, kind: str) -> set[str]:
        """What the sparse index has, once it has caught up."""
        request = {
            "TableName": "orders",
            "IndexName": "attention",
            "KeyConditionExpression": "attention = :attention",
        }
        listed = set()
        for shard in range(8):
            values = {":attention": {"S": f"{kind}#{shard}"}}
            answer = self.system.dynamodb.call("Query", {**request, "ExpressionAttributeValues": values})
            listed |= {item["order_id"]["S"] for item in answer["Items"]}
        return listed
