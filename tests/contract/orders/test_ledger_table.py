"""The ledger: one transaction, whole or not at all (P3)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from comanda.adapters.aws.values import from_dynamodb, to_dynamodb
from comanda.adapters.orders.ledger import LedgerTable
from comanda.adapters.orders.table import OrderTable
from comanda.application.delivery.ports import VersionConflict
from comanda.application.orders.complete import posting_of
from comanda.application.orders.ports import Balance
from comanda.domain.orders.order import Order, OrderStatus
from comanda.domain.shared.errors import UnreadableRow
from tests.support.builders import NOW, an_enriched_order
from tests.support.targets import Resources

EMPTY = Balance("123", "BRL")


@pytest.fixture
def orders(resources: Resources) -> OrderTable:
    return OrderTable(resources.dynamodb, resources.orders_table)


@pytest.fixture
def ledger(resources: Resources) -> LedgerTable:
    return LedgerTable(resources.dynamodb, resources.ledger_table, resources.orders_table)


def enriched(orders: OrderTable, *totals: str) -> list[Order]:
    made = [an_enriched_order(total) for total in totals]
    for order in made:
        orders.claim(order)
    return made


def test_orders_entries_and_balance_are_written_together(ledger: LedgerTable, orders: OrderTable) -> None:
    first, second, third = enriched(orders, "10.00", "0.10", "0.20")
    ledger.post(posting_of(EMPTY, [first, second], NOW))
    balance = ledger.balance("123")
    assert balance == Balance("123", "BRL", Decimal("10.10"), 2)
    ledger.post(posting_of(balance, [third], NOW))
    assert ledger.balance("123") == Balance("123", "BRL", Decimal("10.30"), 3)
    entries = ledger.entries("123", after=0, limit=10)
    assert [(entry.sequence, entry.order_id, str(entry.amount)) for entry in entries] == [
        (1, first.order_id, "10.00"),
        (2, second.order_id, "0.10"),
        (3, third.order_id, "0.20"),
    ]
    completed = orders.get(third.order_id)
    assert completed
    assert completed.status is OrderStatus.COMPLETED


def test_ten_orders_fit_into_one_transaction(ledger: LedgerTable, orders: OrderTable) -> None:
    ledger.post(posting_of(EMPTY, enriched(orders, *["1.00"] * 10), NOW))
    assert ledger.balance("123") == Balance("123", "BRL", Decimal("10.00"), 10)


def test_an_order_is_posted_once(ledger: LedgerTable, orders: OrderTable) -> None:
    posting = posting_of(EMPTY, enriched(orders, "10.00"), NOW)
    ledger.post(posting)
    with pytest.raises(VersionConflict):
        ledger.post(posting)
    after = ledger.balance("123")
    assert after
    with pytest.raises(VersionConflict):
        ledger.post(posting_of(after, [before for before, _ in posting.orders], NOW))
    assert ledger.balance("123") == after
    assert len(ledger.entries("123", 0, 10)) == 1


def test_behind_the_last_sequence_there_is_there_is_nothing(ledger: LedgerTable) -> None:
    """And no query whose bounds are the wrong way round."""
    assert ledger.entries("123", after=10**12 - 1, limit=10) == []
    assert ledger.entries("123", after=10**12, limit=10) == []


BALANCE_OF_FIVE = {"entry": "balance", "balance": Decimal("50.00"), "currency": "BRL", "orders_completed": 5}
FIRST_ENTRY = {"entry": "entry#000000000001", "sequence": 1, "order_id": "other", "amount": Decimal("50.00")}


@pytest.mark.parametrize(
    ("there", "read"),
    [
        (BALANCE_OF_FIVE, EMPTY),
        (BALANCE_OF_FIVE, Balance("123", "BRL", Decimal("30.00"), 3)),
        (FIRST_ENTRY, EMPTY),
    ],
)
def test_each_condition_holds_without_the_others(
    resources: Resources, ledger: LedgerTable, orders: OrderTable, there: dict[str, object], read: Balance
) -> None:
    """One of balance and entries is gone, as after a mistake by hand: what is left is not written over."""
    resources.dynamodb.put_item(TableName=resources.ledger_table, Item=to_dynamodb({"recipient_id": "123", **there}))
    with pytest.raises(VersionConflict):
        ledger.post(posting_of(read, enriched(orders, "10.00"), NOW))
    (left,) = resources.dynamodb.scan(TableName=resources.ledger_table)["Items"]
    assert from_dynamodb(left) == {"recipient_id": "123", **there}


def test_one_order_that_changed_keeps_back_the_whole_posting(ledger: LedgerTable, orders: OrderTable) -> None:
    good, changed = enriched(orders, "10.00", "5.00")
    orders.save(changed, replace(changed, version=changed.version + 1))
    with pytest.raises(VersionConflict):
        ledger.post(posting_of(EMPTY, [good, changed], NOW))
    assert ledger.balance("123") is None
    assert ledger.entries("123", 0, 10) == []
    unchanged = orders.get(good.order_id)
    assert unchanged
    assert unchanged.status is OrderStatus.PROCESSING


def test_a_balance_that_moved_on_keeps_back_the_posting(ledger: LedgerTable, orders: OrderTable) -> None:
    first, second = enriched(orders, "10.00", "5.00")
    ledger.post(posting_of(EMPTY, [first], NOW))
    with pytest.raises(VersionConflict):
        ledger.post(posting_of(EMPTY, [second], NOW))
    assert len(ledger.entries("123", 0, 10)) == 1


def test_entries_come_in_order_and_in_pages(ledger: LedgerTable, orders: OrderTable) -> None:
    made = enriched(orders, *["1.00"] * 7)
    ledger.post(posting_of(EMPTY, made, NOW))
    pages = [[entry.sequence for entry in ledger.entries("123", after, 3)] for after in (0, 3, 6, 7)]
    assert pages == [[1, 2, 3], [4, 5, 6], [7], []]


def test_large_amounts_keep_every_cent(ledger: LedgerTable, orders: OrderTable) -> None:
    ledger.post(posting_of(EMPTY, enriched(orders, "999999999999.99", "999999999999.99", "0.03"), NOW))
    balance = ledger.balance("123")
    assert balance
    assert str(balance.amount) == "2000000000000.01"


@pytest.mark.parametrize(("entry", "name"), [("balance", "orders_completed"), ("entry#000000000001", "amount")])
def test_a_ledger_that_cannot_be_read_is_not_given_in_part(resources: Resources, entry: str, name: str) -> None:
    ledger = LedgerTable(resources.dynamodb, resources.ledger_table, resources.orders_table)
    key = {"recipient_id": {"S": "r-1"}, "entry": {"S": entry}}
    resources.dynamodb.put_item(TableName=resources.ledger_table, Item={**key, name: {"S": "secret"}})
    with pytest.raises(UnreadableRow, match="the ledger of r-1") as caught:
        ledger.balance("r-1") if entry == "balance" else ledger.entries("r-1", 0, 10)
    assert "secret" not in str(caught.value)
