"""The rules of expressions: what can be said of their text once for all, and what needs the values of a request."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import combinations
from typing import Any

from tests.strict.expressions import (
    CONDITION_FUNCTIONS,
    UPDATE_FUNCTIONS,
    Action,
    Call,
    Comparison,
    Condition,
    Node,
    Operand,
    Path,
    Sum,
    Value,
    actions_of,
    condition_of,
    names_in,
    nodes_of,
    paths_of,
    values_in,
)
from tests.strict.refusals import Refusal, Rule

TYPES = {"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"}
CONDITIONS = ("ConditionExpression", "FilterExpression", "KeyConditionExpression")
EXPRESSIONS = (*CONDITIONS, "UpdateExpression", "ProjectionExpression")

_ORDERED = frozenset({"S", "N", "B"})
_SETS = frozenset({"SS", "NS", "BS"})
_TAKEN = {
    "begins_with": frozenset({"S", "B"}),
    "size": frozenset({"S", "B", "SS", "NS", "BS", "L", "M"}),
    "attribute_type": frozenset({"S"}),
    "list_append": frozenset({"L"}),
    "+": frozenset({"N"}),
    "-": frozenset({"N"}),
    "ADD": frozenset({"N"}) | _SETS,
    "DELETE": _SETS,
    **dict.fromkeys(("<", "<=", ">", ">=", "BETWEEN"), _ORDERED),
}
"""By operator, function or clause: types of the values that it takes."""
_NEEDS_A_PATH = {"attribute_exists", "attribute_not_exists", "if_not_exists"}
_MAX_IN_OPERANDS = 100

Typed = Mapping[str, Any]
Values = Mapping[str, Typed]


@dataclass(frozen=True)
class Expressions:
    """Those of one request, parsed and found sound as far as their text goes."""

    conditions: Mapping[str, Condition]
    """By the name of the parameter."""
    actions: tuple[Action, ...]
    projected: tuple[Path, ...] | None
    kinds: tuple[tuple[str, str], ...]
    """Placeholders, and the operator or function that takes their values."""
    bounds: tuple[tuple[str, str], ...]
    """Placeholders of the lower and the upper bound of a BETWEEN."""

    def check(self, values: Values) -> None:
        """Raises Refusal where a value is not what its operator takes."""
        for token, operator in self.kinds:
            ((kind, content),) = values[token].items()
            if kind not in _TAKEN[operator]:
                what = f"operator or function: {operator}, operand type: {kind}"
                raise Refusal(Rule.OPERAND, f"Incorrect operand type for operator or function; {what}")
            if operator == "attribute_type" and content not in TYPES:
                raise Refusal(Rule.ATTRIBUTE_TYPE, f"Invalid attribute type name found; type: {content}")
        for low, high in self.bounds:
            _check_bounds(values[low], values[high])


def expressions_of(request: Mapping[str, Any]) -> Expressions:
    """Of a request, or of one action or table of one. Raises Refusal."""
    texts = tuple((name, request[name]) for name in EXPRESSIONS if name in request)
    names, values = request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues")
    if not texts and names is None and values is None:
        return _NONE
    expressions = _parsed(
        texts,
        None if names is None else tuple(names.items()),
        None if values is None else frozenset(values),
    )
    if values:
        expressions.check(values)
    return expressions


_NONE = Expressions({}, (), None, (), ())


@lru_cache(maxsize=4096)
def _parsed(
    texts: tuple[tuple[str, str], ...], names: tuple[tuple[str, str], ...] | None, values: frozenset[str] | None
) -> Expressions:
    _check_placeholders(texts, names, values)
    aliases = dict(names or ())
    conditions = {name: condition_of(text, aliases) for name, text in texts if name in CONDITIONS}
    given = dict(texts)
    actions = actions_of(given["UpdateExpression"], aliases) if "UpdateExpression" in given else ()
    projected = paths_of(given["ProjectionExpression"], aliases) if "ProjectionExpression" in given else None
    for paths in ([action.path for action in actions], projected or ()):
        _check_paths(paths)
    for condition in conditions.values():
        for node in nodes_of(condition):
            _check_condition_node(node)
    for action in actions:
        for node in nodes_of(action.operand):
            _check_update_node(node)
    kinds = [*_kinds_in_conditions(conditions), *_kinds_in_updates(actions)]
    return Expressions(conditions, actions, projected, tuple(kinds), tuple(_bounds(conditions)))


def _check_placeholders(
    texts: tuple[tuple[str, str], ...], names: tuple[tuple[str, str], ...] | None, values: frozenset[str] | None
) -> None:
    used_names = {name for _, text in texts for name in names_in(text)}
    used_values = {value for _, text in texts for value in values_in(text)}
    for what, sign, given, used in (
        ("ExpressionAttributeNames", "#", None if names is None else {name for name, _ in names}, used_names),
        ("ExpressionAttributeValues", ":", values, used_values),
    ):
        if given is None:
            given = frozenset()
        elif not texts:
            raise Refusal(Rule.PLACEHOLDER, f"{what} can only be specified when using expressions")
        elif not given:
            raise Refusal(Rule.PLACEHOLDER, f"{what} must not be empty")
        if unnamed := [name for name in given if not name.startswith(sign) or len(name) == 1]:
            raise Refusal(Rule.PLACEHOLDER, f'{what} contains invalid key: Syntax error; key: "{unnamed[0]}"')
        if missing := used - given:
            raise Refusal(Rule.PLACEHOLDER, f"An expression uses {', '.join(sorted(missing))}, not in {what}")
        if unused := given - used:
            raise Refusal(Rule.PLACEHOLDER, f"Value unused in {what}: keys: {{{', '.join(sorted(unused))}}}")


def _check_paths(paths: list[Path] | tuple[Path, ...]) -> None:
    for one, other in combinations(paths, 2):
        shared = min(len(one.parts), len(other.parts))
        if one.parts[:shared] == other.parts[:shared]:
            what = "Two document paths overlap with each other; must remove or rewrite one of these paths"
            raise Refusal(Rule.PATHS_OVERLAP, f"{what}; path one: {one}, path two: {other}")
        for left, right in zip(one.parts, other.parts, strict=False):
            if isinstance(left, int) != isinstance(right, int):
                what = "Two document paths conflict with each other"
                raise Refusal(Rule.PATHS_OVERLAP, f"{what}; path one: {one}, path two: {other}")
            if left != right:
                break


def _check_condition_node(node: Node) -> None:
    match node:
        case Comparison(operator, operands):
            if operator == "IN" and len(operands) > 1 + _MAX_IN_OPERANDS:
                raise Refusal(Rule.IN_OPERANDS, "The IN operator is provided with too many operands")
            if misused := [each.name for each in operands if isinstance(each, Call) and each.name != "size"]:
                _refuse_misuse(misused[0])
            _check_distinct(operator, operands)
        case Call(name, operands):
            if name in UPDATE_FUNCTIONS:
                _refuse_misuse(name)
            _check_call(name, operands, CONDITION_FUNCTIONS)
            if misused := [each.name for each in operands if isinstance(each, Call) and each.name != "size"]:
                _refuse_misuse(misused[0])
            _check_distinct(name, operands)


def _check_update_node(node: Node) -> None:
    if isinstance(node, Call):
        if node.name in CONDITION_FUNCTIONS:
            _refuse_misuse(node.name)
        _check_call(node.name, node.operands, UPDATE_FUNCTIONS)


def _check_call(name: str, operands: tuple[Operand, ...], known: Mapping[str, int]) -> None:
    if name not in known:
        raise Refusal(Rule.FUNCTION, f"Invalid function name; function: {name}")
    if len(operands) != known[name]:
        what = f"operator or function: {name}, number of operands: {len(operands)}"
        raise Refusal(Rule.FUNCTION, f"Incorrect number of operands for operator or function; {what}")
    if name in _NEEDS_A_PATH and not isinstance(operands[0], Path):
        what = f"Operator or function requires a document path; operator or function: {name}"
        raise Refusal(Rule.OPERAND, what)
    if name == "attribute_type" and not isinstance(operands[1], Value):
        what = f"operator or function: {name}, operand type: {operands[1]}"
        raise Refusal(Rule.OPERAND, f"Incorrect operand type for operator or function; {what}")


def _refuse_misuse(name: str) -> None:
    what = f"The function is not allowed to be used this way in an expression; function: {name}"
    raise Refusal(Rule.FUNCTION, what)


def _check_distinct(operator: str, operands: tuple[Operand, ...]) -> None:
    first, *others = operands
    if isinstance(first, Path) and first in others:
        what = "The first operand must be distinct from the remaining operands for this operator or function"
        raise Refusal(Rule.DISTINCT, f"{what}; operator: {operator}, first operand: {first}")


def _kinds_in_conditions(conditions: Mapping[str, Condition]) -> Iterator[tuple[str, str]]:
    for condition in conditions.values():
        for node in nodes_of(condition):
            match node:
                case Comparison(operator, operands) if operator in _TAKEN:
                    yield from ((each.token, operator) for each in operands if isinstance(each, Value))
                case Call("begins_with" as name, operands) | Call("size" as name, operands):
                    yield from ((each.token, name) for each in operands if isinstance(each, Value))
                case Call("attribute_type" as name, (_, Value(token))):
                    yield token, name


def _kinds_in_updates(actions: tuple[Action, ...]) -> Iterator[tuple[str, str]]:
    for action in actions:
        if action.clause in _TAKEN and isinstance(action.operand, Value):
            yield action.operand.token, action.clause
        for node in nodes_of(action.operand):
            match node:
                case Sum(left, sign, right):
                    yield from ((each.token, sign) for each in (left, right) if isinstance(each, Value))
                case Call("list_append" as name, operands):
                    yield from ((each.token, name) for each in operands if isinstance(each, Value))


def _bounds(conditions: Mapping[str, Condition]) -> Iterator[tuple[str, str]]:
    for condition in conditions.values():
        for node in nodes_of(condition):
            match node:
                case Comparison("BETWEEN", (_, Value(low), Value(high))):
                    yield low, high


def _check_bounds(low: Typed, high: Typed) -> None:
    shown = f"lower bound operand: AttributeValue: {dict(low)}, upper bound operand: AttributeValue: {dict(high)}"
    if low.keys() != high.keys():
        what = "The BETWEEN operator requires same data type for lower and upper bounds"
        raise Refusal(Rule.BETWEEN, f"{what}; {shown}")
    if in_order(low) > in_order(high):
        what = "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"
        raise Refusal(Rule.BETWEEN, f"{what}; {shown}")


def in_order(value: Typed) -> Any:
    """What values of one type are ordered by: numbers as such, text by its bytes in UTF-8. Those of the wire in base64
    stand in the order of their bytes, as far as anybody here has any."""
    ((kind, content),) = value.items()
    return Decimal(content) if kind == "N" else content.encode()
