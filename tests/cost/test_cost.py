"""What an order costs does not grow unnoticed: exact counts, and what docs/cost.md says of them."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cost.prices import PRICES, cost_of
from benchmarks.cost.scenarios import BODY, Measured, Scenarios
from benchmarks.cost.stage import running_stage, stream_record_of
from benchmarks.cost.tables import BATCHES, SQS_LIMITS, WRITE_UNIT_LIMIT, counts_table
from benchmarks.cost.usage import Kind, Usage
from tests.infra.test_table_streams import PATTERNS
from tests.strict.test_everywhere import both_are_refused
from tests.support.stream_filter import matches

DOC = (Path(__file__).parents[2] / "docs" / "cost.md").read_text()
LOG_BYTES_AT_MOST = {1: 5_000, 2: 4_000, 10: 3_000}
"""Of one order. Not exact: numbers in log lines vary in length."""


def counts(usage: Usage) -> dict[str, float]:
    """Calls, write units and read units, by name."""
    return {
        **{f"{of} {what}": float(amount) for (of, what), amount in usage.by(Kind.CALL).items()},
        **{f"write {of}": float(amount) for of, amount in usage.by_resource(Kind.WRITE_UNITS).items()},
        **{f"read {of}": float(amount) for of, amount in usage.by_resource(Kind.READ_UNITS).items()},
    }


@pytest.fixture(scope="module")
def happy(scenarios: Scenarios) -> dict[int, Measured]:
    return {batch: scenarios.happy_path(batch, 2) for batch in BATCHES}


HAPPY: dict[str, float] = {
    "dynamodb PutItem": 2,
    "dynamodb UpdateItem": 4,
    "sqs SendMessage": 3,
    "write orders": 6,
    "write orders/attention": 2,
    "write orders/period": 1,
    "write idempotency": 2,
    "read orders": 3,
    "read circuits": 0.5,
}
HAPPY_BY_BATCH: dict[int, dict[str, float]] = {
    1: {
        "dynamodb BatchGetItem": 3,
        "dynamodb GetItem": 2,
        "dynamodb TransactWriteItems": 1,
        "write ledger": 4,
        "read ledger": 1,
    },
    2: {
        "dynamodb BatchGetItem": 1.5,
        "dynamodb GetItem": 1.5,
        "dynamodb TransactWriteItems": 0.5,
        "write ledger": 3,
        "read ledger": 0.5,
    },
    10: {
        "dynamodb BatchGetItem": 0.3,
        "dynamodb GetItem": 1.1,
        "dynamodb TransactWriteItems": 0.1,
        "write ledger": 2.2,
        "read ledger": 0.1,
    },
}


@pytest.mark.parametrize("batch", BATCHES)
def test_an_order_on_the_happy_path(happy: dict[int, Measured], batch: int) -> None:
    usage = happy[batch].usage
    assert counts(usage) == {**HAPPY, **HAPPY_BY_BATCH[batch]}
    assert usage.total(Kind.INVOCATION) == 1 + Fraction(3, batch)
    assert usage.total(Kind.SQS_REQUEST) == 3 + Fraction(6, batch)
    assert usage.total(Kind.LOG_BYTES) < LOG_BYTES_AT_MOST[batch]


def test_the_targets_of_units_and_requests_are_met(happy: dict[int, Measured]) -> None:
    for batch, measured in happy.items():
        assert measured.usage.total(Kind.WRITE_UNITS) <= WRITE_UNIT_LIMIT
        assert measured.usage.total(Kind.SQS_REQUEST) <= SQS_LIMITS.get(batch, 9)
        assert max(measured.largest.values()) < 1024, "each write of this item costs a unit more from here on"


@pytest.mark.parametrize("batch", BATCHES)
def test_what_websockets_cost_where_nobody_is_connected(scenarios: Scenarios, batch: int) -> None:
    """Two queries, of an order and of a recipient, for each of three changes; the fourth write changes no status."""
    usage = scenarios.broadcasts(batch, 2).usage
    assert usage.total(Kind.INVOCATION) == Fraction(4, batch)
    assert usage.total(Kind.READ_UNITS) == 3 + Fraction(3, batch)
    assert usage.total(Kind.WRITE_UNITS) == usage.total(Kind.SQS_REQUEST) == 0


def test_a_dead_letter(scenarios: Scenarios) -> None:
    """Let through by its worker until the queue has received it as often as its redrive policy says."""
    receives = scenarios.settings.delivery.max_receive_count
    usage = scenarios.dead_letter().usage
    assert counts(usage) == {
        "dynamodb PutItem": 2,
        "dynamodb UpdateItem": 3,
        "dynamodb DeleteItem": 1,
        "dynamodb GetItem": 1,
        "dynamodb BatchGetItem": 1 + receives,
        "sqs SendMessage": 2,
        "sqs ChangeMessageVisibilityBatch": receives,
        "write orders": 4,
        "write orders/attention": 3,
        "write orders/period": 1,
        "write idempotency": 2,
        "read orders": 1 + receives,
        "read circuits": 0.5,
    }
    assert usage.total(Kind.INVOCATION) == 2 + receives
    assert usage.total(Kind.SQS_REQUEST) == 2 + 2 + 2 * receives


AGAIN: dict[str, float] = {
    "dynamodb PutItem": 1,
    "dynamodb UpdateItem": 4,
    "dynamodb BatchGetItem": 4,
    "dynamodb GetItem": 3,
    "dynamodb TransactWriteItems": 1,
    "sqs SendMessage": 3,
    "sqs ReceiveMessage": 1,
    "sqs DeleteMessage": 1,
    "write orders": 5,
    "write orders/attention": 5,
    "write idempotency": 2,
    "write ledger": 4,
    "read ledger": 1,
}
"""The next run begins with a write that says that its message is owed, and one that says that it is sent: each moves
the row within the index."""


def test_a_redrive_by_the_cli(scenarios: Scenarios) -> None:
    usage = scenarios.redrive().usage
    assert counts(usage) == {**AGAIN, "read orders": 5, "read circuits": 0.5}
    assert usage.total(Kind.INVOCATION) == 3


def test_a_rescue_by_the_reconciler(scenarios: Scenarios) -> None:
    """It looks whether an outage is to blame."""
    usage = scenarios.rescue().usage
    assert counts(usage) == {**AGAIN, "read orders": 4, "read circuits": 1.5}
    assert usage.total(Kind.INVOCATION) == 3


def test_docs_say_what_is_counted(happy: dict[int, Measured]) -> None:
    assert counts_table([measured.usage for measured in happy.values()]) in DOC


def test_everything_billed_has_a_price(happy: dict[int, Measured]) -> None:
    used = {use.kind for use, _ in happy[1].usage}
    assert cost_of(happy[1].usage).keys() == used - {Kind.CALL}
    assert set(PRICES) == set(Kind) - {Kind.CALL}
    assert all(price.page for price in PRICES.values())


def test_aws_refuses_here_too_what_it_documents(scenarios: Scenarios) -> None:
    with running_stage(scenarios.settings, scenarios.tables) as stage:
        both_are_refused(stage.dynamodb, stage._watched("sqs"))


@pytest.mark.parametrize(
    ("asked", "records"),
    [({}, 0), ({"notify": {"webhook_url": "https://example.com/hook"}}, 50)],
    ids=["nobody", "one"],
)
def test_only_orders_that_somebody_is_told_of_invoke_who_tells(
    scenarios: Scenarios, asked: dict[str, Any], records: int
) -> None:
    """Ten orders, from the claim until they are completed, by the filter that tests/infra holds the templates to."""
    with running_stage(scenarios.settings, scenarios.tables) as stage:
        for _ in range(10):
            stage.post("/orders", {**BODY, **asked})
        stage.drain(10)
        written = [stream_record_of(write) for write in stage.meter.stream]
    assert len(written) == 50
    pattern: Any = PATTERNS["AnnounceChangesFunction"]
    assert sum(matches(record, pattern) for record in written) == records
