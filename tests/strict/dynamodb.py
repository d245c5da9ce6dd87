"""The rules of DynamoDB's operations on items."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.cost.units import item_size
from tests.strict import dynamodb_tables
from tests.strict.dynamodb_expressions import Expressions, expressions_of, in_order
from tests.strict.dynamodb_items import check_index_keys, check_item, check_key, check_value
from tests.strict.dynamodb_tables import Index, Keys, Table
from tests.strict.expressions import Call, Comparison, Condition, Logic, Path, Value, nodes_of
from tests.strict.refusals import Refusal, Rule

_MAX_ACTIONS = 100
_MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
_MAX_READS, _MAX_WRITES = 100, 25
_MAX_TOKEN = 36
_RETURNED = {
    "PutItem": {"NONE", "ALL_OLD"},
    "DeleteItem": {"NONE", "ALL_OLD"},
    "UpdateItem": {"NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"},
}
_SELECTED = {"ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT"}

Request = Mapping[str, Any]


def check(operation: str, request: Request) -> None:
    """Raises Refusal."""
    if operation in _RETURNED and request.get("ReturnValues", "NONE") not in _RETURNED[operation]:
        raise Refusal(Rule.RETURN_VALUES, "Return values set to invalid value")
    if operation in _CHECKS:
        _CHECKS[operation](request)


def _table(request: Request) -> Table | None:
    return dynamodb_tables.known(request["TableName"])


def _expressions(request: Request) -> Expressions:
    for value in request.get("ExpressionAttributeValues", {}).values():
        check_value(value)
    return expressions_of(request)


def _check_put(request: Request) -> None:
    _expressions(request)
    check_item(_table(request), request["Item"])


def _check_of_key(request: Request) -> None:
    """What reads, deletes or looks at one item."""
    _expressions(request)
    check_key(_table(request), request["Key"])


def _check_update(request: Request) -> None:
    table, expressions = _table(request), _expressions(request)
    check_key(table, request["Key"])
    keys = set(table.keys.names) if table else set(request["Key"])
    for action in expressions.actions:
        if action.path.attribute in keys:
            what = f"Cannot update attribute {action.path.attribute}. This attribute is part of the key"
            raise Refusal(Rule.UPDATED_KEY, f"One or more parameter values were invalid: {what}")
    if table:
        values = request.get("ExpressionAttributeValues", {})
        check_index_keys(
            table,
            {
                action.path.attribute: values[action.operand.token]
                for action in expressions.actions
                if len(action.path.parts) == 1 and isinstance(action.operand, Value)
            },
        )


# Batches and transactions.


def _check_batch_get(request: Request) -> None:
    wanted = request["RequestItems"]
    _check_number(sum(len(each["Keys"]) for each in wanted.values()), _MAX_READS)
    for name, each in wanted.items():
        _expressions(each)
        table = dynamodb_tables.known(name)
        for key in each["Keys"]:
            check_key(table, key)
        _check_twins([_frozen(key) for key in each["Keys"]])


def _check_batch_write(request: Request) -> None:
    _check_number(sum(map(len, request["RequestItems"].values())), _MAX_WRITES)
    for name, writes in request["RequestItems"].items():
        table = dynamodb_tables.known(name)
        keys = []
        for write in writes:
            if "PutRequest" in write:
                check_item(table, write["PutRequest"]["Item"])
            else:
                check_key(table, write["DeleteRequest"]["Key"])
            keys.append(_key_of(table, write.get("DeleteRequest") or write["PutRequest"]))
        _check_twins(keys)


def _check_number(number: int, most: int) -> None:
    if not 1 <= number <= most:
        raise Refusal(Rule.BATCH_SIZE, f"Too many items requested for the batch call: {number}, and at most {most}")


def _check_twins(keys: Sequence[object]) -> None:
    if len(set(keys)) < len(keys):
        raise Refusal(Rule.BATCH_TWINS, "Provided list of item keys contains duplicates")


_ACTIONS: Mapping[str, Callable[[Request], None]] = {
    "Put": _check_put,
    "Update": _check_update,
    "Delete": _check_of_key,
    "ConditionCheck": _check_of_key,
    "Get": _check_of_key,
}


def _check_transaction(request: Request) -> None:
    actions = [(kind, action) for each in request["TransactItems"] for kind, action in each.items()]
    if not 1 <= len(actions) <= _MAX_ACTIONS or any(len(each) != 1 for each in request["TransactItems"]):
        what = f"Member must have length less than or equal to {_MAX_ACTIONS}, each of one action"
        raise Refusal(Rule.TRANSACTION_SIZE, what)
    token = request.get("ClientRequestToken")
    if token is not None and not 1 <= len(token) <= _MAX_TOKEN:
        raise Refusal(Rule.CLIENT_TOKEN, "ClientRequestToken must have length less than or equal to 36")
    items = []
    for kind, action in actions:
        _ACTIONS[kind](action)
        items.append((action["TableName"], _key_of(_table(action), action)))
    if len(set(items)) < len(items):
        raise Refusal(Rule.ONE_ACTION, "Transaction request cannot include multiple operations on one item")
    if sum(map(_bytes_of, (action for _, action in actions))) > _MAX_TRANSACTION_BYTES:
        raise Refusal(Rule.TRANSACTION_SIZE, "Transaction payload size has exceeded the maximum allowed size")


def _bytes_of(action: Request) -> int:
    """At least: what an update leaves as it is cannot be seen here."""
    return item_size({**action.get("Item", {}), **action.get("ExpressionAttributeValues", {})})


def _key_of(table: Table | None, request: Request) -> object:
    """Of an item that is put or named; where the table's keys are not known, a whole item is taken for its key."""
    item = request.get("Key") or request["Item"]
    return _frozen({name: item[name] for name in table.keys.names} if table else item)


def _frozen(key: Mapping[str, Any]) -> object:
    return frozenset((name, str(value)) for name, value in key.items())


# Queries and scans.


def _check_query(request: Request) -> None:
    expressions, table = _expressions(request), _table(request)
    index = _check_source(request, expressions, table)
    condition = expressions.conditions.get("KeyConditionExpression")
    if condition is None:
        raise Refusal(Rule.KEY_CONDITION, "Either the KeyConditions or KeyConditionExpression parameter must be given")
    values, parts = request.get("ExpressionAttributeValues", {}), list(_parts(condition))
    if table is None:
        return
    keys = index.keys if index else table.keys
    _check_key_condition(table, keys, parts, values)
    if "FilterExpression" in expressions.conditions:
        _check_filter(keys, expressions.conditions["FilterExpression"])
    if start := request.get("ExclusiveStartKey"):
        _check_start_key(table, index, start)
        for part in parts:
            _check_start_within(part, values, start)


def _check_scan(request: Request) -> None:
    expressions, table = _expressions(request), _table(request)
    index = _check_source(request, expressions, table)
    if table and (start := request.get("ExclusiveStartKey")):
        _check_start_key(table, index, start)


def _check_source(request: Request, expressions: Expressions, table: Table | None) -> Index | None:
    """Limit, selection and index. Gives the index, where one is asked."""
    if request.get("Limit", 1) < 1:
        raise Refusal(Rule.LIMIT, "Value at 'limit' failed to satisfy constraint: Member must be at least 1")
    name = request.get("IndexName")
    select = request.get("Select")
    _check_select(select, name, expressions)
    if table is None or name is None:
        return None
    if name not in table.indexes:
        raise Refusal(Rule.INDEX, f"The table does not have the specified index: {name}")
    index = table.indexes[name]
    if index.is_global and request.get("ConsistentRead"):
        raise Refusal(Rule.INDEX, "Consistent reads are not supported on global secondary indexes")
    if index.is_global and index.projected is not None:
        missing = {path.attribute for path in expressions.projected or ()} - index.projected
        if select == "ALL_ATTRIBUTES" or missing:
            what = f"global secondary index {name} does not project {sorted(missing) or 'all attributes'}"
            raise Refusal(Rule.SELECT, f"One or more parameter values were invalid: {what}")
    return index


def _check_select(select: str | None, index: str | None, expressions: Expressions) -> None:
    is_projected = expressions.projected is not None
    if select is not None and (
        select not in _SELECTED
        or (select == "SPECIFIC_ATTRIBUTES") is not is_projected
        or (select == "ALL_PROJECTED_ATTRIBUTES" and index is None)
    ):
        raise Refusal(Rule.SELECT, f"Select type {select} is not supported with this projection or index")


def _parts(condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, Logic) and condition.operator == "AND":
        for operand in condition.operands:
            yield from _parts(operand)
    else:
        yield condition


def _compared(part: Condition) -> tuple[str, str, list[str]]:
    """What a part of a key condition compares: attribute, operator, placeholders."""
    match part:
        case Comparison("=" | "<" | "<=" | ">" | ">=" | "BETWEEN" as operator, (Path((str(name),)), *others)):
            pass
        case Call("begins_with" as operator, (Path((str(name),)), *others)):
            pass
        case _:
            raise Refusal(Rule.KEY_CONDITION, f"Invalid operator or operand used in KeyConditionExpression: {part}")
    tokens = [each.token for each in others if isinstance(each, Value)]
    if len(tokens) < len(others):
        raise Refusal(Rule.KEY_CONDITION, f"Invalid operand used in KeyConditionExpression: {part}")
    return name, operator, tokens


def _check_key_condition(table: Table, keys: Keys, parts: Sequence[Condition], values: Request) -> None:
    compared = [_compared(part) for part in parts]
    names = [name for name, _, _ in compared]
    if len(set(names)) < len(names):
        what = "KeyConditionExpressions must only contain one condition per key"
        raise Refusal(Rule.KEY_CONDITION, what)
    if keys.partition not in names:
        raise Refusal(Rule.KEY_CONDITION, f"Query condition missed key schema element: {keys.partition}")
    for name, operator, tokens in compared:
        if name not in keys.names or (name == keys.partition and operator != "="):
            raise Refusal(Rule.KEY_CONDITION, "Query key condition not supported")
        for token in tokens:
            ((kind, content),) = values[token].items()
            if kind != table.types[name] or (operator == "begins_with" and kind == "N"):
                what = f"Condition parameter type does not match schema type: {name} is {table.types[name]}, not {kind}"
                raise Refusal(Rule.KEY_SCHEMA, f"One or more parameter values were invalid: {what}")
            if not content and operator in {"=", "begins_with"}:
                what = f"The AttributeValue for a key attribute cannot contain an empty value. Key: {name}"
                raise Refusal(Rule.KEY_SIZE, f"One or more parameter values are not valid. {what}")


def _check_filter(keys: Keys, condition: Condition) -> None:
    for node in nodes_of(condition):
        if isinstance(node, Path) and node.attribute in keys.names:
            what = f"Filter Expression can only contain non-primary key attributes: {node.attribute}"
            raise Refusal(Rule.FILTERED_KEY, what)


def _check_start_key(table: Table, index: Index | None, start: Request) -> None:
    names = {*table.keys.names, *(index.keys.names if index else ())}
    if start.keys() != names:
        raise Refusal(Rule.START_KEY, f"The provided starting key is invalid: it has not just {sorted(names)}")
    try:
        check_key(table, {name: start[name] for name in table.keys.names})
        check_index_keys(table, start)
    except Refusal as refusal:
        raise Refusal(Rule.START_KEY, f"The provided starting key is invalid: {refusal.message}") from None


def _check_start_within(part: Condition, values: Request, start: Request) -> None:
    name, operator, tokens = _compared(part)
    at, bounds = in_order(start[name]), [in_order(values[token]) for token in tokens]
    is_within: Mapping[str, Callable[[], bool]] = {
        "=": lambda: bool(at == bounds[0]),
        "<": lambda: bool(at < bounds[0]),
        "<=": lambda: bool(at <= bounds[0]),
        ">": lambda: bool(at > bounds[0]),
        ">=": lambda: bool(at >= bounds[0]),
        "BETWEEN": lambda: bool(bounds[0] <= at <= bounds[-1]),
        "begins_with": lambda: bool(at.startswith(bounds[0])),
    }
    if not is_within[operator]():
        what = "The provided starting key is outside query boundaries based on provided conditions"
        raise Refusal(Rule.START_KEY, what)


_CHECKS: Mapping[str, Callable[[Request], None]] = {
    "PutItem": _check_put,
    "GetItem": _check_of_key,
    "DeleteItem": _check_of_key,
    "UpdateItem": _check_update,
    "BatchGetItem": _check_batch_get,
    "BatchWriteItem": _check_batch_write,
    "TransactWriteItems": _check_transaction,
    "TransactGetItems": _check_transaction,
    "Query": _check_query,
    "Scan": _check_scan,
}
