"""Bearer tokens."""

import pytest

from comanda.domain.shared.access import Action, Origin, Scope, authenticate, issue_token
from comanda.domain.shared.errors import Forbidden
from tests.support.builders import NOW, a_caller


def test_a_token_opens_for_its_secret_only() -> None:
    bearer, token_id, record = issue_token("web", Origin.WEB, [Scope.ORDERS_READ], NOW)
    caller = authenticate(bearer, {token_id: record})
    assert caller == a_caller(scopes=frozenset({Scope.ORDERS_READ}))
    other, _, _ = issue_token("web", Origin.WEB, [Scope.ORDERS_READ], NOW)
    stolen_id = f"{token_id}.{other.split('.')[1]}"
    for wrong in ("", "x", bearer[:-1], bearer + "x", other, stolen_id, bearer.replace(".", ":")):
        assert authenticate(wrong, {token_id: record}) is None
    assert bearer.split(".")[1] not in str(record)


@pytest.mark.parametrize("name", ["", "Web", "a b", "-web", "w" * 41])
def test_a_token_needs_a_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        issue_token(name, Origin.WEB, [Scope.ORDERS_READ], NOW)


def test_a_token_needs_a_scope() -> None:
    with pytest.raises(ValueError, match="scope"):
        issue_token("web", Origin.WEB, [], NOW)
    with pytest.raises(Forbidden, match="ledger:read"):
        a_caller().require(Action.READ_LEDGER)
