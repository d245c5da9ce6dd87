"""The table of rights: every action, every set of scopes, one's own and another's."""

import pytest

from comanda.domain.shared.access import RIGHTS, Action, Scope, Whose, known_scopes
from comanda.domain.shared.errors import Forbidden
from tests.support.builders import a_caller
from tests.support.rights import every_scope_set, expected


@pytest.mark.parametrize("whose", Whose)
@pytest.mark.parametrize("action", Action)
def test_each_set_of_scopes_opens_what_it_is_to_open_and_nothing_else(action: Action, whose: Whose) -> None:
    for scopes in every_scope_set():
        caller = a_caller(scopes=scopes)
        assert caller.may(action, whose) is expected(action, whose, scopes), sorted(scopes)
        try:
            caller.require(action, whose)
        except Forbidden:
            assert not expected(action, whose, scopes)
        else:
            assert expected(action, whose, scopes)


def test_every_action_stands_in_the_table() -> None:
    assert set(RIGHTS) == set(Action)
    assert all(Whose.OWN in rights for rights in RIGHTS.values())


@pytest.mark.parametrize("action", [Action.SUBMIT_ORDER, Action.CANCEL_ORDER, Action.CANCEL_REPORT])
def test_who_can_see_everything_changes_nothing(action: Action) -> None:
    reader = a_caller(scopes=frozenset({Scope.ORDERS_READ, Scope.ORDERS_READ_ALL, Scope.LEDGER_READ}))
    assert not any(reader.may(action, whose) for whose in Whose)


@pytest.mark.parametrize(
    ("action", "whose", "named"),
    [
        (Action.CANCEL_ORDER, Whose.OWN, "the scope orders:cancel, or orders:write"),
        (Action.CANCEL_ORDER, Whose.OTHERS, "the scope ops"),
        (Action.READ_ORDER, Whose.OTHERS, "the scope orders:read and orders:read-all"),
    ],
)
def test_who_is_refused_is_told_what_would_do(action: Action, whose: Whose, named: str) -> None:
    with pytest.raises(Forbidden, match=f"{named}$"):
        a_caller(scopes=frozenset()).require(action, whose)


def test_a_scope_of_a_newer_release_opens_nothing() -> None:
    assert known_scopes(["orders:read", "planets:move"]) == {Scope.ORDERS_READ}
