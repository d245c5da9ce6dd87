"""Who may what, written down a second time and by hand: the table in comanda.domain.shared.access is held to it."""

from collections.abc import Callable, Iterator
from itertools import chain, combinations

from comanda.domain.shared.access import Action, Scope, Whose

Holds = Callable[[frozenset[Scope]], bool]


def _has(*names: str) -> Holds:
    """All of these scopes."""
    return lambda scopes: {Scope(name) for name in names} <= scopes


def _nobody(_: frozenset[Scope]) -> bool:
    """But ops."""
    return False


NEVER = {Action.SUBMIT_ORDER, Action.REQUEST_REPORT, Action.UPLOAD_TABLE}
"""In another's name: not even ops."""


_EXPECTED: dict[Action, tuple[Holds, Holds]] = {
    Action.SUBMIT_ORDER: (_has("orders:write"), _nobody),
    Action.READ_ORDER: (_has("orders:read"), _has("orders:read", "orders:read-all")),
    Action.CANCEL_ORDER: (lambda scopes: _has("orders:cancel")(scopes) or _has("orders:write")(scopes), _nobody),
    Action.REQUEST_REPORT: (_has("reports:write"), _nobody),
    Action.UPLOAD_TABLE: (_has("reports:write"), _nobody),
    Action.READ_REPORT: (_has("orders:read"), _has("orders:read", "orders:read-all")),
    Action.CANCEL_REPORT: (_has("reports:write"), _nobody),
    Action.READ_LEDGER: (_has("ledger:read"), _has("ledger:read")),
    Action.FOLLOW_RECIPIENT: (_has("ledger:read", "orders:read-all"), _has("ledger:read", "orders:read-all")),
}
"""For what is one's own, and for another's. Who has `ops` may all of it, but for NEVER."""


def expected(action: Action, whose: Whose, scopes: frozenset[Scope]) -> bool:
    own, others = _EXPECTED[action]
    if whose is Whose.OTHERS and action in NEVER:
        return False
    return Scope.OPS in scopes or (own if whose is Whose.OWN else others)(scopes)


def every_scope_set() -> Iterator[frozenset[Scope]]:
    """All 128 of them, the empty one too."""
    sizes = range(len(Scope) + 1)
    return map(frozenset, chain.from_iterable(combinations(Scope, size) for size in sizes))
