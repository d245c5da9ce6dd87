"""A row is read, or it is an UnreadableRow, and nothing else: whatever it holds."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comanda.adapters.aws.row_fields import SCHEMA
from comanda.adapters.aws.values import from_dynamodb
from comanda.adapters.notifications import table as notification_table
from comanda.adapters.orders import rows as order_rows
from comanda.adapters.reports import rows as report_rows
from comanda.domain.notifications.notification import Notification
from comanda.domain.orders.order import Order
from comanda.domain.reports.report import Report
from comanda.domain.shared.errors import UnreadableRow
from tests.support.unreadable import GONE, NOTIFICATIONS, ORDERS, REPORTS, old_rows, spoilt

Read = Callable[[Mapping[str, Any]], Order | Report | Notification]

FROM_ROW: dict[str, Read] = {
    "orders": order_rows.from_row,
    "reports": report_rows.from_row,
    "notifications": notification_table.from_row,
}
TO_ROW: dict[str, Callable[[Any], dict[str, Any]]] = {
    "orders": order_rows.to_row,
    "reports": report_rows.to_row,
    "notifications": notification_table.to_row,
}
OLD = {kind: {shows: from_dynamodb(row) for shows, row in old_rows(kind).items()} for kind in FROM_ROW}
BAD = {"orders": ORDERS, "reports": REPORTS, "notifications": NOTIFICATIONS}
EACH_OLD = [(kind, shows) for kind, rows in OLD.items() for shows in rows]
EACH_BAD = [(kind, name, value) for kind, cases in BAD.items() for name, value in cases]
GOOD = {"orders": "redriven", "reports": "generating", "notifications": "tried"}


@pytest.mark.parametrize(("kind", "shows"), EACH_OLD)
def test_what_earlier_releases_wrote_is_read_for_ever(kind: str, shows: str) -> None:
    """And written again as it was, with the form that it has: an attempt no longer names its stage, a failure always
    does, and what failed is listed in the index that all tables have."""
    row, read = OLD[kind][shows], FROM_ROW[kind](OLD[kind][shows])
    written = TO_ROW[kind](read)
    changed = {name for name in {*row, *written} if row.get(name) != written.get(name)}
    assert changed <= {"schema", "attempts", "failure", "attention", "failed"}
    assert written["schema"] == SCHEMA
    assert FROM_ROW[kind](written) == read


@pytest.mark.parametrize(("kind", "name", "value"), EACH_BAD)
def test_what_is_missing_or_unknown_or_of_another_type_is_named(kind: str, name: str, value: object) -> None:
    row = old_rows(kind)[GOOD[kind]]
    key = next(iter(row.keys() & {"order_id", "report_id", "notification_id"}))
    with pytest.raises(UnreadableRow) as caught:
        FROM_ROW[kind](from_dynamodb(spoilt(row, name, value)))
    assert caught.value.row_id == row[key]["S"]
    assert caught.value.why.startswith(name)
    assert not caught.value.newer


@pytest.mark.parametrize("kind", FROM_ROW)
def test_a_row_of_a_newer_release_is_told_apart_whatever_it_holds(kind: str) -> None:
    row = OLD[kind][GOOD[kind]]
    with pytest.raises(UnreadableRow) as caught:
        FROM_ROW[kind](row | {"schema": SCHEMA + 1, "status": {"of": "another form"}})
    assert caught.value.newer
    assert FROM_ROW[kind](row | {"schema": SCHEMA, "of_the_future": 1}) == FROM_ROW[kind](row)


def test_what_a_row_holds_is_not_told() -> None:
    row = OLD["orders"]["redriven"]
    for name in row.keys() - {"order_id"}:
        for value in ("secret", {"secret": "secret"}, ["secret"]):
            try:
                order_rows.from_row(row | {name: value})
            except UnreadableRow as error:
                assert "secret" not in str(error)  # noqa: PT017


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text() | st.binary() | st.just(GONE),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.sets(st.text()),
    max_leaves=5,
)


@settings(max_examples=500)
@given(st.sampled_from(EACH_OLD), st.data())
def test_with_any_attribute_replaced_a_row_is_read_or_unreadable(which: tuple[str, str], data: st.DataObject) -> None:
    kind, shows = which
    row = dict(OLD[kind][shows])
    name = data.draw(st.sampled_from(sorted(row)))
    value = data.draw(JUNK | st.sampled_from([each for _, each in BAD[kind]]))
    row[name] = value
    if value is GONE:
        del row[name]
    try:
        read = FROM_ROW[kind](row)
    except UnreadableRow:
        return
    assert FROM_ROW[kind](TO_ROW[kind](read)) == read  # What is read can be written, too.


def test_a_number_past_all_bounds_is_no_amount() -> None:
    with pytest.raises(UnreadableRow, match="total_amount"):
        order_rows.from_row(OLD["orders"]["completed"] | {"total_amount": Decimal("1E+9999")})
