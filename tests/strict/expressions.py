"""DynamoDB's expressions as trees, for the rules and for the model ("Using expressions in DynamoDB")."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from tests.strict.refusals import Refusal, Rule


@dataclass(frozen=True)
class Path:
    """An attribute, or what lies in it: names, and places in lists."""

    parts: tuple[str | int, ...]

    @property
    def attribute(self) -> str:
        return str(self.parts[0])

    def __str__(self) -> str:
        return f"[{', '.join(f'[{part}]' if isinstance(part, int) else part for part in self.parts)}]"


@dataclass(frozen=True)
class Value:
    """A placeholder such as `:id`."""

    token: str


@dataclass(frozen=True)
class Call:
    """A function and its operands."""

    name: str
    operands: "tuple[Operand, ...]"


@dataclass(frozen=True)
class Sum:
    left: "Operand"
    sign: str
    right: "Operand"


Operand = Path | Value | Call | Sum


@dataclass(frozen=True)
class Comparison:
    """`operator`: =, <>, <, <=, >, >=, BETWEEN or IN; the first operand is what is compared."""

    operator: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class Logic:
    """`operator`: AND, OR or NOT."""

    operator: str
    operands: "tuple[Condition, ...]"


Condition = Comparison | Logic | Call
Node = Condition | Operand


@dataclass(frozen=True)
class Action:
    """Of an update. `clause`: SET, REMOVE, ADD or DELETE; REMOVE has no operand."""

    clause: str
    path: Path
    operand: Operand | None


COMPARATORS = {"=", "<>", "<", "<=", ">", ">="}
CONDITION_FUNCTIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
UPDATE_FUNCTIONS = {"if_not_exists": 2, "list_append": 2}
_CLAUSES = {"SET", "REMOVE", "ADD", "DELETE"}
_OPERATORS = {*COMPARATORS, "+", "-", "("}
_KEYWORDS = {"AND", "OR", "NOT", "BETWEEN", "IN"}
_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),.\[\]+\-]|[:#][A-Za-z0-9_]+|[A-Za-z][A-Za-z0-9_]*|[0-9]+)")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MAX_BYTES = 4096
_MAX_PLACEHOLDER_BYTES = 255
_MAX_OPERATORS = 300

Names = Mapping[str, str]
_Part = Callable[[], tuple[Node, bool]]


def condition_of(text: str, names: Names) -> Condition:
    """Of a condition, a filter or a key condition. Raises Refusal."""
    return _condition(text, tuple(names.items()))


def actions_of(text: str, names: Names) -> tuple[Action, ...]:
    """Of an update expression. Raises Refusal."""
    return _actions(text, tuple(names.items()))


def paths_of(text: str, names: Names) -> tuple[Path, ...]:
    """Of a projection expression. Raises Refusal."""
    return _paths(text, tuple(names.items()))


def names_in(text: str) -> frozenset[str]:
    """The placeholders for names that stand in an expression."""
    return _placeholders(text, "#")


def values_in(text: str) -> frozenset[str]:
    """The placeholders for values that stand in an expression."""
    return _placeholders(text, ":")


def nodes_of(node: Node | None) -> Iterator[Node]:
    """A node and all below it."""
    if node is None:
        return
    yield node
    match node:
        case Call() | Comparison() | Logic():
            for operand in node.operands:
                yield from nodes_of(operand)
        case Sum():
            yield from nodes_of(node.left)
            yield from nodes_of(node.right)


@cache
def _reserved_words() -> frozenset[str]:
    return frozenset(ReservedKeywords.get_reserved_keywords())


@lru_cache(maxsize=4096)
def _condition(text: str, names: tuple[tuple[str, str], ...]) -> Condition:
    parser = _Parser(text, dict(names))
    condition, _ = parser.either()
    parser.end()
    if not isinstance(condition, Comparison | Logic | Call) or _is_size(condition):
        raise Refusal(Rule.FUNCTION, "The function is not allowed to be used this way in an expression; function: size")
    return condition


@lru_cache(maxsize=4096)
def _actions(text: str, names: tuple[tuple[str, str], ...]) -> tuple[Action, ...]:
    parser = _Parser(text, dict(names))
    actions: list[Action] = []
    seen: set[str] = set()
    while parser.peek():
        clause = parser.next().upper()
        if clause not in _CLAUSES:
            raise parser.syntax_error(clause)
        if clause in seen:
            raise Refusal(Rule.CLAUSES, f'The "{clause}" section can only be used once in an update expression;')
        seen.add(clause)
        actions.append(parser.action(clause))
        while parser.accept(","):
            actions.append(parser.action(clause))
    return tuple(actions)


@lru_cache(maxsize=4096)
def _paths(text: str, names: tuple[tuple[str, str], ...]) -> tuple[Path, ...]:
    parser = _Parser(text, dict(names))
    paths = [parser.path()]
    while parser.accept(","):
        paths.append(parser.path())
    parser.end()
    return tuple(paths)


@lru_cache(maxsize=4096)
def _placeholders(text: str, sign: str) -> frozenset[str]:
    return frozenset(re.findall(sign + r"[A-Za-z0-9_]+", text))


def _is_size(node: Node) -> bool:
    return isinstance(node, Call) and node.name == "size"


class _Parser:
    def __init__(self, text: str, names: Names) -> None:
        if not text.strip():
            raise Refusal(Rule.SYNTAX, "The expression can not be empty;")
        if len(text.encode()) > _MAX_BYTES:
            size = len(text.encode())
            what = f"Expression size has exceeded the maximum allowed size; expression size: {size}"
            raise Refusal(Rule.EXPRESSION_SIZE, what)
        self._names = names
        self._tokens = _tokens(text)
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
            raise self.syntax_error(self.peek() or "<EOF>")

    def end(self) -> None:
        if self.peek():
            raise self.syntax_error(self.peek())

    def syntax_error(self, token: str) -> Refusal:
        return Refusal(Rule.SYNTAX, f"Syntax error; token: {token!r}")

    # A condition that is in parentheses of its own comes with True.

    def either(self) -> tuple[Node, bool]:
        return self._chain("OR", self._both)

    def _both(self) -> tuple[Node, bool]:
        return self._chain("AND", self._not)

    def _chain(self, word: str, part: _Part) -> tuple[Node, bool]:
        first = part()
        parts = [first[0]]
        while self.accept(word):
            parts.append(part()[0])
        return first if len(parts) == 1 else (Logic(word, tuple(map(_condition_only, parts))), False)

    def _not(self) -> tuple[Node, bool]:
        if self.accept("NOT"):
            return Logic("NOT", (_condition_only(self._not()[0]),)), False
        if self.accept("("):
            inner, is_closed = self.either()
            self.expect(")")
            if is_closed:
                raise Refusal(Rule.SYNTAX, "The expression has redundant parentheses;")
            return _condition_only(inner), True
        return self._comparison(), False

    def _comparison(self) -> Node:
        left = self.operand()
        if self.accept("BETWEEN"):
            low = self.operand()
            self.expect("AND")
            return Comparison("BETWEEN", (left, low, self.operand()))
        if self.accept("IN"):
            self.expect("(")
            operands = [left, *self._operands()]
            return Comparison("IN", tuple(operands))
        if self.peek() in COMPARATORS:
            return Comparison(self.next(), (left, self.operand()))
        if isinstance(left, Call):
            return left
        raise self.syntax_error(self.peek() or "<EOF>")

    def _operands(self) -> list[Operand]:
        """Up to the closing parenthesis."""
        operands = [self.operand()]
        while self.accept(","):
            operands.append(self.operand())
        self.expect(")")
        return operands

    def operand(self) -> Operand:
        token = self.peek()
        if token.startswith(":"):
            return Value(self.next())
        following = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else ""
        if following == "(" and _NAME.fullmatch(token) and token.upper() not in _KEYWORDS:
            self._at += 2
            return Call(token, tuple(self._operands()))
        return self.path()

    def path(self) -> Path:
        parts: list[str | int] = [self._name()]
        while True:
            if self.accept("."):
                parts.append(self._name())
            elif self.accept("["):
                place = self.next()
                if not place.isdecimal():
                    raise self.syntax_error(place)
                self.expect("]")
                parts.append(int(place))
            else:
                return Path(tuple(parts))

    def _name(self) -> str:
        token = self.next()
        if token.startswith("#"):
            if token not in self._names:
                what = f"An expression attribute name used in the document path is not defined; attribute name: {token}"
                raise Refusal(Rule.PLACEHOLDER, what)
            return self._names[token]
        if not _NAME.fullmatch(token):
            raise self.syntax_error(token or "<EOF>")
        if token.upper() in _reserved_words():
            what = f"Attribute name is a reserved keyword; reserved keyword: {token}"
            raise Refusal(Rule.RESERVED_WORD, what)
        return token

    def action(self, clause: str) -> Action:
        path = self.path()
        if clause == "REMOVE":
            return Action(clause, path, None)
        if clause == "SET":
            self.expect("=")
        operand = self.operand()
        if clause == "SET" and self.peek() in {"+", "-"}:
            operand = Sum(operand, self.next(), self.operand())
        return Action(clause, path, operand)


def _condition_only(node: Node) -> Condition:
    if isinstance(node, Call) and node.name == "size":
        raise Refusal(Rule.FUNCTION, "The function is not allowed to be used this way in an expression; function: size")
    assert isinstance(node, Comparison | Logic | Call)
    return node


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Refusal(Rule.SYNTAX, f"Syntax error; token: {text[at:].strip()[:1]!r}")
        tokens.append(match[1])
        at = match.end()
    long = [token for token in tokens if token[0] in "#:" and len(token) > _MAX_PLACEHOLDER_BYTES]
    operators = sum(token in _OPERATORS or token.upper() in _KEYWORDS for token in tokens)
    if long or operators > _MAX_OPERATORS:
        what = "an expression attribute name or value is too long" if long else "the number of operators is over 300"
        raise Refusal(Rule.EXPRESSION_SIZE, f"Invalid expression: {what}")
    return tokens
