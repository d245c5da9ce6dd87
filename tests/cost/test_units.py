"""Sizes and capacity units, by the examples of DynamoDB's documentation."""

from decimal import Decimal
from typing import Any

import pytest

from benchmarks.cost.units import KB, Index, item_size, read_units, write_units

INDEX = Index("attention", frozenset({"attention", "created_at"}), frozenset({"attention", "created_at", "order_id"}))
ROW: dict[str, Any] = {
    "order_id": {"S": "a"},
    "attention": {"S": "open#1"},
    "created_at": {"S": "2026-11-22"},
    "status": {"S": "pending"},
}


def of_size(size: int) -> dict[str, Any]:
    return {"n": {"S": "x" * (size - 1)}}


@pytest.mark.parametrize(
    ("item", "size"),
    [
        # "An item with two attributes": 23 bytes, says "Best practices for storing large items and attributes".
        ({"shirt-color": {"S": "R"}, "shirt-size": {"S": "M"}}, 23),
        ({"n": {"S": "ação"}}, 1 + 6),
        # Numbers: 1 byte per two significant digits, and 1; leading and trailing zeros are trimmed.
        ({"n": {"N": "0"}}, 1 + 1),
        ({"n": {"N": "27"}}, 1 + 2),
        ({"n": {"N": "-273"}}, 1 + 3),
        ({"n": {"N": "5000.00"}}, 1 + 2),
        ({"n": {"N": "0.00125"}}, 1 + 3),
        ({"n": {"BOOL": True}}, 1 + 1),
        ({"n": {"NULL": True}}, 1 + 1),
        ({"n": {"B": "YWJj"}}, 1 + 3),
        # Sets: their elements.
        ({"n": {"SS": ["a", "bc"]}}, 1 + 3),
        ({"n": {"NS": ["1", "100"]}}, 1 + 2 + 2),
        # Lists and maps: 3 bytes, and 1 for each element.
        ({"n": {"L": []}}, 1 + 3),
        ({"n": {"M": {}}}, 1 + 3),
        ({"n": {"L": [{"S": "ab"}, {"N": "1"}]}}, 1 + 3 + (1 + 2) + (1 + 2)),
        ({"n": {"M": {"sku": {"S": "ABC"}, "qty": {"N": "2"}}}}, 1 + 3 + (1 + 3 + 3) + (1 + 3 + 2)),
        ({"n": {"L": [{"M": {"a": {"S": "b"}}}]}}, 1 + 3 + 1 + (3 + (1 + 1 + 1))),
    ],
)
def test_the_size_of_an_item(item: dict[str, Any], size: int) -> None:
    assert item_size(item) == size


def test_a_type_whose_size_is_not_known_is_no_guess() -> None:
    with pytest.raises(ValueError, match="SET"):
        item_size({"n": {"SET": ["a"]}})


@pytest.mark.parametrize(
    ("size", "consistent", "units"),
    [
        (3_500, True, "1"),
        (4 * KB, True, "1"),
        (8 * KB, True, "2"),
        (8 * KB, False, "1"),
        (10 * KB, True, "3"),
        (0, True, "1"),  # "If you perform a read operation on an item that doesn't exist"
        (0, False, "0.5"),
    ],
)
def test_read_units(size: int, units: str, *, consistent: bool) -> None:
    assert read_units(size, consistent=consistent) == Decimal(units)


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, of_size(500), 1),
        (None, of_size(KB), 1),
        (None, of_size(KB + 1), 2),
        (of_size(500), of_size(3_500), 4),
        (of_size(3_500), of_size(500), 4),  # The larger counts.
        (of_size(2 * KB), None, 2),
        (None, None, 1),  # Nothing was there to delete, or the condition failed.
    ],
)
def test_write_units(before: Any, after: Any, units: int) -> None:
    assert write_units(before, after) == units


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, ROW, 1),
        (ROW, None, 1),
        (ROW, ROW, 0),
        (ROW, {**ROW, "status": {"S": "processing"}}, 0),  # Not in the index.
        (ROW, {**ROW, "attention": {"S": "failed#1"}}, 2),  # A delete and a put.
        (ROW, {name: ROW[name] for name in ("order_id", "created_at", "status")}, 1),
        ({"order_id": {"S": "a"}}, {"order_id": {"S": "a"}, "created_at": {"S": "2026"}}, 0),
    ],
)
def test_what_a_write_costs_in_an_index(before: Any, after: Any, units: int) -> None:
    assert INDEX.write_units(before, after) == units


def test_an_entry_that_keeps_its_keys_is_written_once() -> None:
    """ "one write is required to update the values of the projected attributes" """
    everything = Index("all", INDEX.keys, None)
    assert everything.write_units(ROW, {**ROW, "status": {"S": "x" * 1_900}}) == 2
    assert everything.write_units({**ROW, "status": {"S": "x" * 1_900}}, ROW) == 2
    moved = {**ROW, "attention": {"S": "failed#1"}, "status": {"S": "x" * 1_900}}
    assert everything.write_units(ROW, moved) == 1 + 2
