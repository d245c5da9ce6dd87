"""The meter on real clients: what is counted, of which call."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from benchmarks.cost.meter import Meter, SideBySide, Table, UnknownOperation, Waiting, sqs_requests
from benchmarks.cost.units import KB, Index
from benchmarks.cost.usage import Kind
from comanda.adapters.observability.telemetry import BUSINESS, LOGGER

ROWS = Table("rows", ("id",), (Index("open", frozenset({"state"}), frozenset({"id", "state"})),))


@dataclass
class Metered:
    meter: Meter
    dynamodb: Any
    sqs: Any
    queue_url: str

    def units(self, kind: Kind) -> dict[str, float]:
        return {of: float(amount) for of, amount in self.meter.usage.by_resource(kind).items()}

    def put(self, item_id: str, size: int = 0, **fields: str) -> None:
        item = {"id": {"S": item_id}, "text": {"S": "x" * size}, **{name: {"S": text} for name, text in fields.items()}}
        self.dynamodb.put_item(TableName="rows", Item=item)


@pytest.fixture
def metered(moto_session: boto3.Session) -> Iterator[Metered]:
    with mock_aws():
        looking, watched, sqs = (
            moto_session.client("dynamodb"),
            moto_session.client("dynamodb"),
            moto_session.client("sqs"),
        )
        looking.create_table(
            TableName="rows",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "state")],
            BillingMode="PAY_PER_REQUEST",
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "open",
                    "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )
        url = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        meter = Meter(looking, {"rows": ROWS}, lambda _: 2.0)
        meter.watch(watched)
        meter.watch(sqs)
        yield Metered(meter, watched, sqs, url)


def test_nothing_is_counted_outside(metered: Metered) -> None:
    metered.put("a")
    assert metered.meter.usage.amounts == {}


def test_writes_with_their_indexes(metered: Metered) -> None:
    with metered.meter.listening():
        metered.put("a", 1_500, state="open")
        metered.put("a", 10, state="closed")
        metered.dynamodb.delete_item(TableName="rows", Key={"id": {"S": "a"}})
    assert metered.units(Kind.WRITE_UNITS) == {"rows": 2 + 2 + 1, "rows/open": 1 + 2 + 1}
    assert metered.meter.usage.total(Kind.CALL) == 3
    assert metered.meter.largest["rows"] > 1_500


def test_a_failed_condition_costs_the_item_that_is_there(metered: Metered) -> None:
    metered.put("a", 2_500, state="open")
    with metered.meter.listening():
        for item_id in ("a", "b"):
            with pytest.raises(ClientError):
                metered.dynamodb.update_item(
                    TableName="rows",
                    Key={"id": {"S": item_id}},
                    UpdateExpression="SET #state = :closed",
                    ConditionExpression="#state = :other",
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues={":closed": {"S": "closed"}, ":other": {"S": "other"}},
                )
    assert metered.units(Kind.WRITE_UNITS) == {"rows": 3 + 1}


def test_a_transaction_costs_twice_but_not_in_the_index(metered: Metered) -> None:
    puts = [
        {"Put": {"TableName": "rows", "Item": {"id": {"S": item_id}, "state": {"S": "open"}}}} for item_id in ("a", "b")
    ]
    with metered.meter.listening():
        metered.dynamodb.transact_write_items(TransactItems=puts)
    assert metered.units(Kind.WRITE_UNITS) == {"rows": 4, "rows/open": 2}


def test_reads_of_items_round_up_each_and_those_of_an_index_together(metered: Metered) -> None:
    for item_id, size in (("a", 1_500), ("b", 6_500)):
        metered.put(item_id, size, state="open")
    keys = [{"id": {"S": item_id}} for item_id in ("a", "b")]
    query: Any = {
        "TableName": "rows",
        "IndexName": "open",
        "KeyConditionExpression": "#state = :open",
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {":open": {"S": "open"}},
    }
    with metered.meter.listening():
        metered.dynamodb.batch_get_item(RequestItems={"rows": {"Keys": keys, "ConsistentRead": True}})
        metered.dynamodb.get_item(TableName="rows", Key=keys[0])
        metered.dynamodb.query(**query)
        metered.dynamodb.query(**query, Select="COUNT")
    assert metered.units(Kind.READ_UNITS) == {"rows": 1 + 2 + 0.5, "rows/open": 0.5 + 0.5}
    assert metered.units(Kind.WRITE_UNITS) == {}


def test_what_is_not_known_is_an_error(metered: Metered) -> None:
    with pytest.raises(UnknownOperation, match="Scan"), metered.meter.listening():
        metered.dynamodb.scan(TableName="rows")


@pytest.mark.parametrize(("size", "requests"), [(0, 1), (64 * KB, 1), (64 * KB + 1, 2), (1024 * KB, 16)])
def test_sqs_bills_by_64_kb(size: int, requests: int) -> None:
    assert sqs_requests(size) == requests


def test_an_invocation_is_counted_with_what_it_prints_and_waits_for(metered: Metered) -> None:
    with metered.meter.invocation("write_orders"):
        LOGGER.info("hello")
        BUSINESS.add_metric(name="Greetings", unit="Count", value=1)
        BUSINESS.flush_metrics()
        metered.sqs.receive_message(QueueUrl=metered.queue_url, WaitTimeSeconds=1)
    usage = metered.meter.usage
    assert usage.by(Kind.INVOCATION) == {("write_orders", "Invoke"): 1}
    assert usage.by(Kind.SQS_REQUEST) == {("functions", "ReceiveMessage"): 1}
    assert float(usage.total(Kind.WAITED_GB_SECONDS)) == pytest.approx(2.0)
    assert metered.meter.metrics == {("write_orders", "Greetings")}
    silent = Meter(metered.meter.looking, {}, lambda _: 2.0)
    with silent.invocation("write_orders"):
        pass
    assert usage.total(Kind.LOG_BYTES) > silent.usage.total(Kind.LOG_BYTES) + 300


def test_things_side_by_side_wait_together() -> None:
    waiting = Waiting()
    assert list(SideBySide(waiting).map(waiting.sleep, [1.0, 3.0, 2.0])) == [None] * 3
    assert waiting.seconds == 3
