"""One row that cannot be read, at each place that reads it: it hurts nobody but whom it is about."""

import io
import json

import pytest

from comanda.adapters.orders.table import OrderTable
from comanda.domain.orders.order import Order, OrderStatus
from comanda.domain.shared.access import Caller, Scope
from tests.functions.conftest import Api, Pipeline
from tests.support.builders import a_caller, a_delivery, a_pending_order, an_sqs_event
from tests.support.targets import Resources
from tests.support.unreadable import GONE, ORDERS, spoilt

OPS = a_caller("ops", scopes=frozenset({Scope.ORDERS_READ, Scope.ORDERS_READ_ALL}))


def spoil(resources: Resources, name: str, value: object, order: Order | None = None) -> Order:
    order = order or a_pending_order()
    OrderTable(resources.dynamodb, resources.orders_table).claim(order)
    item = spoilt(resources.row(order.order_id), name, value)
    resources.dynamodb.put_item(TableName=resources.orders_table, Item=item)
    return order


@pytest.mark.parametrize(("name", "value"), ORDERS)
def test_a_worker_fails_it_and_goes_on(pipeline: Pipeline, name: str, value: object) -> None:
    resources = pipeline.resources
    bad, good = spoil(resources, name, value), a_pending_order(recipient_id="r-2")
    table = OrderTable(resources.dynamodb, resources.orders_table)
    table.claim(good)
    delivery = a_delivery(bad)
    assert pipeline.process(an_sqs_event(delivery, a_delivery(good))) == [delivery.message_id]
    now = table.get(good.order_id)
    assert now
    assert now.status is OrderStatus.PROCESSING
    row = resources.row(bad.order_id)
    assert (row["status"]["S"], row["failure"]["M"]["class"]["S"]) == ("failed", "UnreadableRow")


def test_it_is_told_of_as_an_error_by_its_id_alone_and_counted(
    pipeline: Pipeline, logs: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = spoil(pipeline.resources, "customer_id", {"name": "Ana Secret"})
    pipeline.process(an_sqs_event(a_delivery(bad)))
    told = [json.loads(line) for line in logs.getvalue().splitlines()]
    (error,) = [line for line in told if line["level"] == "ERROR"]
    assert (error["message"], error["row_id"], error["reason"]) == (
        "row.unreadable",
        bad.order_id,
        "customer_id is no text",
    )
    assert "Secret" not in logs.getvalue()
    assert '"UnreadableRows":[1.0]' in capsys.readouterr().out


@pytest.mark.parametrize(("name", "value"), ORDERS)
def test_a_get_says_that_it_cannot_be_read(api: Api, name: str, value: object) -> None:
    order = spoil(api.resources, name, value)
    answer = api.get(f"/orders/{order.order_id}", OPS)
    assert (answer.status, answer.body["type"]) == (409, "urn:comanda:problem:unreadable-record")
    assert answer.body["request_id"] == "request-1"
    assert name in answer.body["detail"]


@pytest.mark.parametrize(
    ("caller", "name", "status"),
    [(a_caller(), "origin", 409), (a_caller("mobile"), "origin", 404), (a_caller(), "caller", 404)],
    ids=["its own", "another's", "nobody knows whose"],
)
def test_it_is_shown_to_those_alone_who_may_see_it(api: Api, caller: Caller, name: str, status: int) -> None:
    order = spoil(api.resources, name, GONE)
    assert api.get(f"/orders/{order.order_id}", caller).status == status
    assert api.post({}, caller, path=f"/orders/{order.order_id}/cancel").status == status


def test_its_key_sent_again_says_so_too(api: Api) -> None:
    body = {"customer_id": "123", "items": [{"sku": "ABC", "qty": 1}]}
    accepted = api.post(body, idempotency_key="k-1")
    item = spoilt(api.resources.row(accepted.body["order_id"]), "origin", "fax")
    api.resources.dynamodb.put_item(TableName=api.resources.orders_table, Item=item)
    for record in api.resources.dynamodb.scan(TableName=api.resources.idempotency_table)["Items"]:
        api.resources.dynamodb.delete_item(TableName=api.resources.idempotency_table, Key={"id": record["id"]})
    again = api.post(body, idempotency_key="k-1")
    assert (again.status, again.body["type"]) == (409, "urn:comanda:problem:unreadable-record")
