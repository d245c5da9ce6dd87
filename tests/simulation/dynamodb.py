"""DynamoDB, as far as Comanda uses it: tests/contract holds it to the same tests as moto and the emulator.

Single items and transactions are serializable, as they are there; a global secondary index lags behind its table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate
from typing import Any

from benchmarks.cost.units import item_size
from tests.simulation.errors import AwsError, NotModelled
from tests.simulation.expressions import Item, Values, condition_of, update_of
from tests.strict.dynamodb_items import MAX_ITEM_BYTES, check_size
from tests.strict.layer import check
from tests.strict.refusals import Refusal

Key = tuple[str, ...]
OnWrite = Callable[[str, Item | None, Item | None], None]
"""NotificationRequest of each write: table, row before, row after."""

_MAX_PAGE_BYTES = 1024 * 1024
_TOKEN_LIFETIME = 600.0
"""Seconds for which a ClientRequestToken makes a repeated transaction do nothing ("TransactWriteItems")."""


@dataclass
class Index:
    keys: tuple[str, ...]
    rows: dict[Key, Item] = field(default_factory=dict)
    """By the table's key: what a query sees."""
    coming: list[tuple[float, Key, Item | None]] = field(default_factory=list)
    """Writes that the index will see."""


@dataclass
class Table:
    name: str
    keys: tuple[str, ...]
    rows: dict[Key, Item] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)

    def key_of(self, fields: Mapping[str, Any]) -> Key:
        try:
            return tuple(_text(fields[name]) for name in self.keys)
        except KeyError as error:
            raise AwsError("ValidationException", f"the key needs {error}") from error


class DynamoDB:
    def __init__(
        self,
        clock: Callable[[], float],
        index_lag: Callable[[], float] = lambda: 0.0,
        on_write: OnWrite = lambda *_: None,
    ) -> None:
        """`clock` in seconds since the epoch; `index_lag` in seconds, drawn for each write."""
        self.tables: dict[str, Table] = {}
        self._clock = clock
        self._index_lag = index_lag
        self._on_write = on_write
        self._tokens: dict[str, tuple[float, object]] = {}

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a request asks for, where DynamoDB would. Raises AwsError, NotModelled."""
        operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "CreateTable": self._create_table,
            "UpdateTable": self._update_table,
            "DescribeTable": self._describe_table,
            "PutItem": self._put_item,
            "GetItem": self._get_item,
            "UpdateItem": self._update_item,
            "DeleteItem": self._delete_item,
            "BatchGetItem": self._batch_get_item,
            "Query": self._query,
            "Scan": self._scan,
            "TransactWriteItems": self._transact_write_items,
        }
        try:
            check("dynamodb", operation, request)
            if operation not in operations:
                raise NotModelled(f"DynamoDB {operation}")
            return operations[operation](request)
        except Refusal as refusal:
            raise AwsError(refusal.code, str(refusal)) from refusal

    def create(self, table: str, *keys: str) -> None:
        """A table whose keys are text: the partition key, and maybe a sort key."""
        self.call("CreateTable", {"TableName": table, **_typed(keys)})

    def add_index(self, table: str, name: str, *keys: str) -> None:
        """A global secondary index, of keys that are text, which has nothing but keys."""
        typed = _typed(keys)
        index = {"IndexName": name, "KeySchema": typed["KeySchema"], "Projection": {"ProjectionType": "KEYS_ONLY"}}
        updates = {"GlobalSecondaryIndexUpdates": [{"Create": index}]}
        self.call("UpdateTable", {"TableName": table, "AttributeDefinitions": typed["AttributeDefinitions"], **updates})

    def expire(self, table: str, attribute: str, now: float | None = None) -> int:
        """What time to live does sooner or later: delete the rows whose time is over. How many there were."""
        limit = Decimal(self._clock() if now is None else now)
        over = [row for row in self._table(table).rows.values() if _number(row.get(attribute)) <= limit]
        for row in over:
            self._write(self._table(table), row, None)
        return len(over)

    def _create_table(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name = request["TableName"]
        self.tables[name] = Table(name, _key_names(request["KeySchema"]))
        for index in request.get("GlobalSecondaryIndexes", []):
            self.tables[name].indexes[index["IndexName"]] = Index(_key_names(index["KeySchema"]))
        return self._describe_table(request)

    def _update_table(self, request: Mapping[str, Any]) -> dict[str, Any]:
        for update in request.get("GlobalSecondaryIndexUpdates", []):
            index = update["Create"]
            self._table(request["TableName"]).indexes[index["IndexName"]] = Index(_key_names(index["KeySchema"]))
        return self._describe_table(request)

    def _describe_table(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"Table": {"TableName": self._table(request["TableName"]).name, "TableStatus": "ACTIVE"}}

    def _table(self, name: str) -> Table:
        if name not in self.tables:
            raise AwsError("ResourceNotFoundException", f"there is no table {name}")
        return self.tables[name]

    def _put_item(self, request: Mapping[str, Any]) -> dict[str, Any]:
        table, item = self._table(request["TableName"]), dict(request["Item"])
        before = table.rows.get(table.key_of(item))
        _check(request, before)
        self._write(table, before, item)
        return {}

    def _get_item(self, request: Mapping[str, Any]) -> dict[str, Any]:
        table = self._table(request["TableName"])
        row = table.rows.get(table.key_of(request["Key"]))
        return {} if row is None else {"Item": row}

    def _update_item(self, request: Mapping[str, Any]) -> dict[str, Any]:
        table = self._table(request["TableName"])
        before = table.rows.get(table.key_of(request["Key"]))
        _check(request, before)
        self._write(table, before, _updated(table, request, before))
        return {}

    def _delete_item(self, request: Mapping[str, Any]) -> dict[str, Any]:
        table = self._table(request["TableName"])
        before = table.rows.get(table.key_of(request["Key"]))
        _check(request, before)
        if before is not None:
            self._write(table, before, None)
        return {}

    def _batch_get_item(self, request: Mapping[str, Any]) -> dict[str, Any]:
        responses: dict[str, list[Item]] = {}
        for name, wanted in request["RequestItems"].items():
            table = self._table(name)
            keys = [table.key_of(key) for key in wanted["Keys"]]
            responses[name] = [_projected(table.rows[key], wanted) for key in keys if key in table.rows]
        return {"Responses": responses, "UnprocessedKeys": {}}

    def _query(self, request: Mapping[str, Any]) -> dict[str, Any]:
        table = self._table(request["TableName"])
        keys, rows = table.keys, table.rows
        if "IndexName" in request:
            index = table.indexes[request["IndexName"]]
            self._catch_up(index)
            keys, rows = index.keys, index.rows
        condition = condition_of(request["KeyConditionExpression"], request.get("ExpressionAttributeNames", {}))
        values: Values = request.get("ExpressionAttributeValues", {})
        found = [row for row in rows.values() if condition(row, values)]
        order = (*keys, *table.keys)
        found.sort(
            key=lambda row: [_text(row[name]) for name in order], reverse=not request.get("ScanIndexForward", True)
        )
        if start := request.get("ExclusiveStartKey"):
            found = [row for row in found if [_text(row[n]) for n in order] > [_text(start[n]) for n in order]]
        page = found[: _rows_of_a_page(found[: request.get("Limit", 1000)])]
        answer: dict[str, Any] = {"Items": page, "Count": len(page)}
        if len(page) < len(found):
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in order}
        return answer

    def _scan(self, request: Mapping[str, Any]) -> dict[str, Any]:
        rows = list(self._table(request["TableName"]).rows.values())
        if "FilterExpression" in request:
            wanted = condition_of(request["FilterExpression"], request.get("ExpressionAttributeNames", {}))
            rows = [row for row in rows if wanted(row, request.get("ExpressionAttributeValues", {}))]
        return {"Items": rows, "Count": len(rows)}

    def _transact_write_items(self, request: Mapping[str, Any]) -> dict[str, Any]:
        actions = [(kind, action) for entry in request["TransactItems"] for kind, action in entry.items()]
        token = request.get("ClientRequestToken", "")
        kept = self._tokens.get(token)
        if kept and self._clock() - kept[0] < _TOKEN_LIFETIME:
            if kept[1] != request["TransactItems"]:
                raise AwsError("IdempotentParameterMismatchException", "the token was used for another transaction")
            return {}

        writes: list[tuple[Table, Item | None, Item | None]] = []
        reasons: list[dict[str, str]] = []
        for kind, action in actions:
            table = self._table(action["TableName"])
            key = table.key_of(action["Item"] if kind == "Put" else action["Key"])
            before = table.rows.get(key)
            try:
                _check(action, before)
            except AwsError:
                reasons.append({"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"})
                continue
            reasons.append({"Code": "None"})
            writes.append((table, before, _after(kind, table, action, before)))
        if len(writes) < len(actions):
            raise AwsError("TransactionCanceledException", "Transaction cancelled", CancellationReasons=reasons)
        for table, before, after in writes:
            self._write(table, before, after)
        if token:
            self._tokens[token] = (self._clock(), request["TransactItems"])
        return {}

    def _write(self, table: Table, before: Item | None, after: Item | None) -> None:
        key = table.key_of(after or before or {})
        if after is None:
            table.rows.pop(key, None)
        else:
            check_size(after)
            table.rows[key] = after
        for index in table.indexes.values():
            listed = after if after and all(name in after for name in index.keys) else None
            projected = listed and {name: listed[name] for name in (*table.keys, *index.keys)}
            index.coming.append((self._clock() + self._index_lag(), key, projected))
        self._on_write(table.name, before, after)

    def _catch_up(self, index: Index) -> None:
        """Writes to one row reach an index in their order."""
        still: list[tuple[float, Key, Item | None]] = []
        held: set[Key] = set()
        for at, key, row in index.coming:
            if at > self._clock() or key in held:
                held.add(key)
                still.append((at, key, row))
            elif row is None:
                index.rows.pop(key, None)
            else:
                index.rows[key] = row
        index.coming = still


def _check(request: Mapping[str, Any], row: Item | None) -> None:
    text = request.get("ConditionExpression")
    if text is None:
        return
    condition = condition_of(text, request.get("ExpressionAttributeNames", {}))
    if not condition(row or {}, request.get("ExpressionAttributeValues", {})):
        shown = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and row
        fields: dict[str, Any] = {"Item": row} if shown else {}
        raise AwsError("ConditionalCheckFailedException", "The conditional request failed", **fields)


def _after(kind: str, table: Table, action: Mapping[str, Any], before: Item | None) -> Item | None:
    if kind == "Put":
        return dict(action["Item"])
    if kind == "Update":
        return _updated(table, action, before)
    if kind == "Delete":
        return None
    raise NotModelled(f"TransactWriteItems with {kind}")


def _updated(table: Table, request: Mapping[str, Any], before: Item | None) -> Item:
    after = dict(before or request["Key"])
    change = update_of(request["UpdateExpression"], request.get("ExpressionAttributeNames", {}))
    change(before or {}, after, request.get("ExpressionAttributeValues", {}))
    return after


def _rows_of_a_page(rows: Sequence[Item]) -> int:
    """How many come at once: no more than fit into 1 MB, the last one not whole ("Query")."""
    if len(rows) * MAX_ITEM_BYTES <= _MAX_PAGE_BYTES:
        return len(rows)
    read = accumulate(map(item_size, rows))
    return next((place for place, size in enumerate(read, 1) if size > _MAX_PAGE_BYTES), len(rows))


def _projected(row: Item, request: Mapping[str, Any]) -> Item:
    if "ProjectionExpression" not in request:
        return row
    names = request.get("ExpressionAttributeNames", {})
    wanted = [names.get(name, name) for name in request["ProjectionExpression"].split(", ")]
    return {name: row[name] for name in wanted if name in row}


def _typed(keys: Sequence[str]) -> dict[str, Any]:
    kinds = zip(keys, ("HASH", "RANGE"), strict=False)
    return {
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
        "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in kinds],
    }


def _key_names(schema: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """The partition key first, as DynamoDB wants them."""
    return tuple(key["AttributeName"] for key in schema)


def _text(value: Mapping[str, Any]) -> str:
    if "S" not in value:
        raise NotModelled(f"a key that is not text: {value}")
    return str(value["S"])


def _number(value: Mapping[str, Any] | None) -> Decimal:
    return Decimal(value["N"]) if value and "N" in value else Decimal("Infinity")
