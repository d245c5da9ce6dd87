"""What DynamoDB's condition, key and update expressions mean, as far as Comanda uses them; tests/strict reads them.

Whatever is not known is refused loudly: a model that guesses would prove nothing.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from tests.simulation.errors import NotModelled
from tests.strict import expressions as trees
from tests.strict.expressions import Action, Call, Comparison, Logic, Node, Path, Value
from tests.strict.refusals import Refusal, Rule

Item = dict[str, Any]
Typed = Mapping[str, Any]
"""A typed value such as {"S": "abc"}."""

Values = Mapping[str, Typed]
Operand = Callable[[Item, Values], Typed | None]
Condition = Callable[[Item, Values], bool]
Change = Callable[[Item, Item, Values], None]
"""Changes the second item, reading from the first, as it was before."""


def condition_of(text: str, names: Mapping[str, str]) -> Condition:
    """Raises Refusal, NotModelled."""
    return _compile_condition(text, tuple(names.items()))


def update_of(text: str, names: Mapping[str, str]) -> Change:
    """Raises Refusal, NotModelled."""
    return _compile_update(text, tuple(names.items()))


@lru_cache(maxsize=4096)
def _compile_condition(text: str, names: tuple[tuple[str, str], ...]) -> Condition:
    return _condition(trees.condition_of(text, dict(names)))


@lru_cache(maxsize=4096)
def _compile_update(text: str, names: tuple[tuple[str, str], ...]) -> Change:
    changes = [_change(action) for action in trees.actions_of(text, dict(names))]

    def change(before: Item, after: Item, values: Values) -> None:
        for step in changes:
            step(before, after, values)

    return change


def _condition(node: Node) -> Condition:
    match node:
        case Logic("NOT", (negated,)):
            inner = _condition(negated)
            return lambda item, values: not inner(item, values)
        case Logic(operator, operands):
            holds, parts = {"AND": all, "OR": any}[operator], [_condition(part) for part in operands]
            return lambda item, values: holds(part(item, values) for part in parts)
        case Comparison("BETWEEN", (compared, low, high)):
            return _between(_operand(compared), _operand(low), _operand(high))
        case Comparison(sign, (left, right)) if sign != "IN":
            return _compared(_operand(left), sign, _operand(right))
        case Call("attribute_exists", (Path((str(name),)),)):
            return lambda item, _: name in item
        case Call("attribute_not_exists", (Path((str(name),)),)):
            return lambda item, _: name not in item
        case Call("begins_with", (text, start)):
            return _begins(_operand(text), _operand(start))
    raise NotModelled(f"a condition such as {node}")


def _between(compared: Operand, low: Operand, high: Operand) -> Condition:
    def is_between(item: Item, values: Values) -> bool:
        value = compared(item, values)
        return _compare(low(item, values), "<=", value) and _compare(value, "<=", high(item, values))

    return is_between


def _compared(left: Operand, sign: str, right: Operand) -> Condition:
    return lambda item, values: _compare(left(item, values), sign, right(item, values))


def _begins(text: Operand, start: Operand) -> Condition:
    def begins(item: Item, values: Values) -> bool:
        found, wanted = text(item, values), start(item, values)
        return bool(found and wanted and "S" in found and found["S"].startswith(wanted["S"]))

    return begins


def _operand(node: Node) -> Operand:
    match node:
        case Value(token):
            return lambda _, values: values[token]
        case Path((str(name),)):
            return lambda item, _: item.get(name)
    raise NotModelled(f"an operand such as {node}")


def _change(action: Action) -> Change:
    match action:
        case Action("SET", Path((str(name),)), operand) if operand is not None:
            value = _operand(operand)

            def assign(before: Item, after: Item, values: Values) -> None:
                found = value(before, values)
                if found is None:
                    what = "The provided expression refers to an attribute that does not exist in the item"
                    raise Refusal(Rule.OPERAND, f"{what}: {name}")
                after[name] = found

            return assign
        case Action("ADD", Path((str(name),)), operand) if operand is not None:
            more = _operand(operand)

            def add(before: Item, after: Item, values: Values) -> None:
                """Of numbers; one that is missing counts as 0."""
                found, added = before.get(name, {"N": "0"}), more(before, values)
                if added is None or "N" not in found or "N" not in added:
                    raise NotModelled(f"a sum of {found} and {added}")
                after[name] = {"N": str(Decimal(found["N"]) + Decimal(added["N"]))}

            return add
        case Action("REMOVE", Path((str(name),)), None):
            return lambda _, after, __: after.pop(name, None) and None
    raise NotModelled(f"an update such as {action}")


def _compare(left: Typed | None, sign: str, right: Typed | None) -> bool:
    """What is missing, or of another type, equals nothing, not even what is missing too, and stands in no order."""
    if left is None or right is None:
        return sign == "<>"
    ((left_type, a),) = left.items()
    ((right_type, b),) = right.items()
    if left_type != right_type:
        return sign == "<>"
    if left_type == "N":
        a, b = Decimal(a), Decimal(b)
    if sign == "=":
        return bool(a == b)
    if sign == "<>":
        return bool(a != b)
    if left_type not in {"N", "S"}:
        raise NotModelled(f"an order of {left_type}")
    return bool({"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign])
