"""DynamoDB's condition, key and update expressions ("Expressions in DynamoDB"), as far as Comanda uses them.

Whatever is not known is refused loudly: a model that guesses would prove nothing.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

Item = dict[str, Any]
Typed = Mapping[str, Any]
"""A typed value such as {"S": "abc"}."""

Values = Mapping[str, Typed]
Operand = Callable[[Item, Values], Typed | None]
Condition = Callable[[Item, Values], bool]
Change = Callable[[Item, Item, Values], None]
"""Changes the second item, reading from the first, as it was before."""

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),+\-]|[:#]?[A-Za-z_][A-Za-z0-9_]*)")


class InvalidExpression(Exception):
    """DynamoDB would answer ValidationException."""


def condition_of(text: str, names: Mapping[str, str]) -> Condition:
    return _compile_condition(text, tuple(sorted(names.items())))


def update_of(text: str, names: Mapping[str, str]) -> Change:
    return _compile_update(text, tuple(sorted(names.items())))


@lru_cache(maxsize=4096)
def _compile_condition(text: str, names: tuple[tuple[str, str], ...]) -> Condition:
    parser = _Parser(text, dict(names))
    condition = parser.either()
    parser.end()
    return condition


@lru_cache(maxsize=4096)
def _compile_update(text: str, names: tuple[tuple[str, str], ...]) -> Change:
    parser = _Parser(text, dict(names))
    changes: list[Change] = []
    while parser.peek():
        clause = parser.next().upper()
        steps = {"SET": parser.assignment, "REMOVE": parser.removal, "ADD": parser.addition}
        if clause not in steps:
            raise InvalidExpression(f"the model knows {', '.join(steps)}, not {clause}")
        changes.append(steps[clause]())
        while parser.accept(","):
            changes.append(steps[clause]())

    def change(before: Item, after: Item, values: Values) -> None:
        for step in changes:
            step(before, after, values)

    return change


class _Parser:
    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self._names = names
        self._tokens: list[str] = []
        at, text = 0, text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise InvalidExpression(f"cannot read {text[at:]!r}")
            self._tokens.append(match[1])
            at = match.end()
        self._at = 0

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def next(self) -> str:
        token = self.peek()
        self._at += 1
        return token

    def accept(self, *words: str) -> bool:
        if self.peek().upper() in words:
            self._at += 1
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise InvalidExpression(f"{word} expected, found {self.peek()!r}")

    def end(self) -> None:
        if self.peek():
            raise InvalidExpression(f"unexpected {self.peek()!r}")

    def either(self) -> Condition:
        left = self._both()
        while self.accept("OR"):
            left = _either(left, self._both())
        return left

    def _both(self) -> Condition:
        left = self._not()
        while self.accept("AND"):
            left = _both(left, self._not())
        return left

    def _not(self) -> Condition:
        if self.accept("NOT"):
            inner = self._not()
            return lambda item, values: not inner(item, values)
        if self.accept("("):
            inner = self.either()
            self.expect(")")
            return inner
        if self.peek() in {"attribute_exists", "attribute_not_exists"}:
            return self._existence()
        if self.peek() == "begins_with":
            return self._begins_with()
        return self._comparison()

    def _existence(self) -> Condition:
        wanted = self.next() == "attribute_exists"
        self.expect("(")
        name = self._name()
        self.expect(")")
        return lambda item, _: (name in item) is wanted

    def _begins_with(self) -> Condition:
        self.next()
        self.expect("(")
        operand = self._operand()
        self.expect(",")
        start = self._operand()
        self.expect(")")

        def begins(item: Item, values: Values) -> bool:
            found, wanted = operand(item, values), start(item, values)
            return bool(found and wanted and "S" in found and found["S"].startswith(wanted["S"]))

        return begins

    def _comparison(self) -> Condition:
        left = self._operand()
        if self.accept("BETWEEN"):
            low = self._operand()
            self.expect("AND")
            high = self._operand()
            return lambda item, values: (
                _compare(low(item, values), "<=", left(item, values))
                and _compare(left(item, values), "<=", high(item, values))
            )
        sign = self.next()
        if sign not in {"=", "<>", "<", "<=", ">", ">="}:
            raise InvalidExpression(f"a comparison expected, found {sign!r}")
        right = self._operand()
        return lambda item, values: _compare(left(item, values), sign, right(item, values))

    def _operand(self) -> Operand:
        if self.peek().startswith(":"):
            token = self.next()
            return lambda _, values: _value_of(token, values)
        name = self._name()
        return lambda item, _: item.get(name)

    def _name(self) -> str:
        token = self.next()
        if token.startswith("#"):
            if token not in self._names:
                raise InvalidExpression(f"{token} is not among the names")
            return self._names[token]
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", token) or token.upper() in _RESERVED:
            raise InvalidExpression(f"{token!r} cannot stand as a name")
        return token

    def assignment(self) -> Change:
        name = self._name()
        self.expect("=")
        value = self._operand()
        if self.peek() not in {"", ",", "SET", "REMOVE", "ADD"}:
            raise InvalidExpression(f"the model knows no arithmetic: {self.peek()!r}")

        def assign(before: Item, after: Item, values: Values) -> None:
            found = value(before, values)
            if found is None:
                raise InvalidExpression(f"there is no value for {name}")
            after[name] = found

        return assign

    def addition(self) -> Change:
        """Of numbers; one that is missing counts as 0."""
        name, value = self._name(), self._operand()

        def add(before: Item, after: Item, values: Values) -> None:
            found, more = before.get(name, {"N": "0"}), value(before, values)
            if more is None or "N" not in found or "N" not in more:
                raise InvalidExpression(f"the model adds numbers, not {found} and {more}")
            after[name] = {"N": str(Decimal(found["N"]) + Decimal(more["N"]))}

        return add

    def removal(self) -> Change:
        name = self._name()

        def remove(_: Item, after: Item, __: Values) -> None:
            after.pop(name, None)

        return remove


_RESERVED = {"STATUS", "NAME", "VALUES", "ITEMS", "TTL", "DATA", "COUNT", "TIMESTAMP", "REGION", "OWNER"}
"""Of DynamoDB's reserved words, those that an order system is tempted to use ("Reserved words in DynamoDB")."""


def _either(left: Condition, right: Condition) -> Condition:
    return lambda item, values: left(item, values) or right(item, values)


def _both(left: Condition, right: Condition) -> Condition:
    return lambda item, values: left(item, values) and right(item, values)


def _value_of(token: str, values: Values) -> Typed:
    if token not in values:
        raise InvalidExpression(f"{token} is not among the values")
    return values[token]


def _compare(left: Typed | None, sign: str, right: Typed | None) -> bool:
    """Attributes that are missing, or of different types, are not equal, and stand in no order."""
    if left is None or right is None:
        return False
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
        raise InvalidExpression(f"the model orders numbers and text, not {left_type}")
    return bool({"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign])
