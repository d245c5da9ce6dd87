"""Orders by the time they were accepted, through the index `period` (docs/decisions/0007).

The index holds keys only; rows are read as they stand, consistently, a hundred at a time. All of it goes on ahead of
the reader on other threads, by a few pages and no more.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from comanda.adapters.aws.errors import answering
from comanda.adapters.aws.row_fields import SCHEMA, Fields, amount, moment, name, one_of, reading, text
from comanda.adapters.aws.values import decoded
from comanda.adapters.orders.rows import PERIOD_INDEX, PERIOD_SHARDS, month_of
from comanda.application.reports.ports import OrderLine
from comanda.domain.orders.order import OrderStatus
from comanda.domain.shared.access import Origin
from comanda.domain.shared.errors import Unavailable, UnreadableRow
from comanda.domain.shared.money import MAX_TOTAL, money
from comanda.domain.shared.period import Period
from comanda.domain.shared.times import from_iso, to_iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEYS_A_PAGE = 1_000
ROWS_A_BATCH = 100
"""The most that BatchGetItem takes."""
BATCHES_AHEAD = 8
TRIES = 5
"""Of one batch, for what DynamoDB leaves unprocessed."""

_ATTRIBUTES = (
    "schema",
    "order_id",
    "caller",
    "origin",
    "recipient_id",
    "customer_id",
    "client_order_id",
    "status",
    "total_amount",
    "created_at",
    "updated_at",
)
_FIRST = {"N": "1"}
_FORMS = {str(form) for form in range(1, SCHEMA + 1)}
_A_TIME = "2026-11-22T09:30:00.125Z"
Key = tuple[str, str]
"""created_at and order_id."""


@dataclass(frozen=True)
class OrderPeriodIndex:
    """Implements `OrderPeriods`."""

    client: "DynamoDBClient"
    table: str
    executor: Executor

    def count(self, period: Period) -> int:
        partitions = [partition for month in _months(period) for partition in _partitions(month)]
        return sum(self.executor.map(lambda partition: self._count(partition, period), partitions))

    def orders(self, period: Period) -> Iterator[OrderLine | UnreadableRow]:
        keys = (key for month in _months(period) for key in self._keys_of_month(month, period))
        ahead: deque[Future[list[OrderLine | UnreadableRow]]] = deque()
        while True:
            while len(ahead) < BATCHES_AHEAD and (batch := list(islice(keys, ROWS_A_BATCH))):
                ahead.append(self.executor.submit(self._read, batch))
            if not ahead:
                return
            yield from ahead.popleft().result()

    def _keys_of_month(self, month: str, period: Period) -> Iterator[Key]:
        """Of all its partitions, in order: the index orders by time only, and two orders may share a millisecond."""
        streams = [self._keys(partition, period) for partition in _partitions(month)]
        for _, same_time in groupby(heapq.merge(*streams), key=lambda key: key[0]):
            yield from sorted(same_time)

    def _keys(self, partition: str, period: Period) -> Iterator[Key]:
        """The first page is on its way when this returns."""
        query = _query(self.table, partition, period)
        page: Future[dict[str, Any]] | None = self.executor.submit(self._page, {**query, "Limit": KEYS_A_PAGE})

        def keys() -> Iterator[Key]:
            nonlocal page
            while page:
                answer = page.result()
                more = _after(query, answer)
                page = self.executor.submit(self._page, {**more, "Limit": KEYS_A_PAGE}) if more else None
                for item in answer["Items"]:
                    yield item["created_at"]["S"], item["order_id"]["S"]

        return keys()

    def _count(self, partition: str, period: Period) -> int:
        number, query = 0, {**_query(self.table, partition, period), "Select": "COUNT"}
        more: dict[str, Any] | None = query
        while more:
            answer = self._page(more)
            number, more = number + answer["Count"], _after(query, answer)
        return number

    def _page(self, query: dict[str, Any]) -> dict[str, Any]:
        with answering("orders table"):
            return dict(self.client.query(**query))

    def _read(self, keys: list[Key]) -> list[OrderLine | UnreadableRow]:
        """The rows there are, in the order of the keys."""
        wanted: Any = {
            self.table: {
                "Keys": [{"order_id": {"S": order_id}} for _, order_id in keys],
                "ConsistentRead": True,
                "ProjectionExpression": ", ".join(f"#{name}" for name in _ATTRIBUTES),
                "ExpressionAttributeNames": {f"#{name}": name for name in _ATTRIBUTES},
            }
        }
        rows: dict[str, Any] = {}
        for _ in range(TRIES):
            with answering("orders table"):
                answer = self.client.batch_get_item(RequestItems=wanted)
            rows |= {row["order_id"]["S"]: row for row in answer["Responses"].get(self.table, [])}
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                return [_line_of(order_id, rows[order_id]) for _, order_id in keys if order_id in rows]
        raise Unavailable("orders table: not all rows were read")


def _query(table: str, partition: str, period: Period) -> dict[str, Any]:
    """Until before its end: without its `Z`, the text of a moment sorts just before the moment. Of a period that is not
    empty: DynamoDB refuses a BETWEEN whose bounds are the wrong way round ("Condition and filter expressions")."""
    return {
        "TableName": table,
        "IndexName": PERIOD_INDEX,
        "KeyConditionExpression": "#period = :period AND created_at BETWEEN :first AND :last",
        "ExpressionAttributeNames": {"#period": "period"},
        "ExpressionAttributeValues": {
            ":period": {"S": partition},
            ":first": {"S": to_iso(period.begin)},
            ":last": {"S": to_iso(period.end).removesuffix("Z")},
        },
    }


def _after(query: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any] | None:
    last = answer.get("LastEvaluatedKey")
    return {**query, "ExclusiveStartKey": last} if last else None


def _months(period: Period) -> Iterator[str]:
    """The UTC months that a period touches; none where it is empty."""
    if period.is_empty:
        return
    month, last = period.begin.replace(day=1), period.end
    while (month.year, month.month) <= (last.year, last.month):
        yield month_of(month)
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def _partitions(month: str) -> Iterable[str]:
    return (f"{month}#{shard}" for shard in range(PERIOD_SHARDS))


def _line_of(order_id: str, row: dict[str, Any]) -> OrderLine | UnreadableRow:
    try:
        return _at_a_glance(row) or reading(order_id, decoded(row), _line)
    except UnreadableRow as error:
        return error


def _line(row: Fields) -> OrderLine:
    return OrderLine(
        order_id=row.get("order_id", name),
        caller=row.get("caller", name),
        origin=row.get("origin", one_of(Origin)),
        recipient_id=row.get("recipient_id", name),
        customer_id=row.find("customer_id", text),
        client_order_id=row.find("client_order_id", text),
        status=row.get("status", one_of(OrderStatus)),
        total_amount=row.find("total_amount", amount),
        created_at=row.get("created_at", moment),
        updated_at=row.get("updated_at", moment),
    )


def _at_a_glance(row: dict[str, Any]) -> OrderLine | None:
    """The same in a quarter of the time, for reports read many; None where a glance does not show that all is well."""
    try:
        times = row["created_at"]["S"], row["updated_at"]["S"]
        total = money(Decimal(row["total_amount"]["N"])) if "total_amount" in row else None
        if (
            row.get("schema", _FIRST)["N"] not in _FORMS
            or not all(len(time) == len(_A_TIME) and time[-1] == "Z" and "1970" <= time[:4] < "3000" for time in times)
            or not (row["caller"]["S"] and row["recipient_id"]["S"] and (total is None or 0 <= total <= MAX_TOTAL))
        ):
            return None
        return OrderLine(
            order_id=row["order_id"]["S"],
            caller=row["caller"]["S"],
            origin=Origin(row["origin"]["S"]),
            recipient_id=row["recipient_id"]["S"],
            customer_id=_text(row, "customer_id"),
            client_order_id=_text(row, "client_order_id"),
            status=OrderStatus(row["status"]["S"]),
            total_amount=total,
            created_at=from_iso(times[0]),
            updated_at=from_iso(times[1]),
        )
    except (ArithmeticError, KeyError, TypeError, ValueError):
        return None


def _text(row: dict[str, Any], name: str) -> str | None:
    return str(row[name]["S"]) if name in row else None
