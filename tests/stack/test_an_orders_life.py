"""The whole stack through HTTP: from 202 to the ledger, for web, mobile and API clients."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from comanda_cli.stack.stack_info import StackInfo
from tests.stack.conftest import ApiClients
from tests.stack.helpers import a_recipient, an_order, finished, ledger, post

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@pytest.mark.parametrize("origin", ["web", "mobile", "api"])
def test_an_order_of_each_origin_completes(api: ApiClients, origin: str) -> None:
    client = api(origin)
    recipient = a_recipient()
    answer = client.post("orders", json=an_order(recipient, "ABC", "XYZ"))
    assert answer.status_code == 202
    assert answer.headers["location"] == f"orders/{answer.json()['order_id']}"
    order = finished(client, answer.json()["order_id"])
    assert (order["status"], order["origin"], order["total_amount"]) == ("completed", origin, "268.90")
    assert [moment["status"] for moment in order["timeline"]] == ["pending", "processing", "completed"]
    assert order["enrichment"]["provider"] == "simulated"
    (entry,) = ledger(api("ops"), recipient)
    assert (entry["order_id"], entry["amount"], entry["sequence"]) == (order["order_id"], "268.90", 1)
    assert api("ops").get(f"recipients/{recipient}").json() == {
        "recipient_id": recipient,
        "balance": "268.90",
        "currency": "BRL",
        "orders_completed": 1,
    }


@pytest.mark.parametrize(
    "body",
    [
        {"customer_id": "123", "items": [{"sku": "ABC", "qty": 2}, {"sku": "XYZ", "qty": 1}]},
        {"item_name": "Notebook", "quantity": 1, "price": 5000},
    ],
)
def test_the_example_bodies_complete(api: ApiClients, body: dict[str, Any]) -> None:
    client = api("web")
    assert finished(client, post(client, body))["status"] == "completed"


def test_bomba_fails_with_its_reason_and_ends_in_the_dead_letter_queue(
    api: ApiClients, stack: StackInfo, aws: boto3.Session
) -> None:
    client, recipient = api("web"), a_recipient()
    first = post(client, an_order(recipient))
    bomba = post(client, {"item_name": "BOMBA", "quantity": 1, "price": 10, "recipient_id": recipient})
    behind = post(client, an_order(recipient))
    failed = finished(client, bomba)
    assert failed["status"] == "failed"
    assert failed["failure"].items() >= {"class": "ItemRejected", "stage": "enrichment", "attempts": 1}.items()
    assert [finished(client, order_id)["status"] for order_id in (first, behind)] == ["completed"] * 2
    assert [entry["order_id"] for entry in ledger(api("ops"), recipient)] == [first, behind]
    message = dead_letter(aws.client("sqs"), stack.queues["enrichment"].dlq_url, bomba)
    assert message["Attributes"]["MessageGroupId"] == recipient
    assert "DeadLetterQueueSourceArn" in message["Attributes"]


def dead_letter(sqs: "SQSClient", dlq_url: str, order_id: str, limit_seconds: int = 20) -> dict[str, Any]:
    for _ in range(limit_seconds):
        answer = sqs.receive_message(
            QueueUrl=dlq_url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=1,
            VisibilityTimeout=0,
            MessageSystemAttributeNames=["All"],
        )
        for message in answer.get("Messages", []):
            if order_id in message.get("Body", ""):
                return dict(message)
    raise AssertionError(f"no message of order {order_id} came within {limit_seconds} s")


def test_what_fails_for_now_is_tried_again_and_keeps_its_place(api: ApiClients) -> None:
    client, recipient = api("mobile"), a_recipient()
    orders = [post(client, an_order(recipient, sku)) for sku in ("ABC", "FLAKY-2", "XYZ")]
    assert [finished(client, order_id)["status"] for order_id in orders] == ["completed"] * 3
    assert [entry["order_id"] for entry in ledger(api("ops"), recipient)] == orders


def test_an_unknown_sku_fails_and_a_price_of_the_clients_is_kept(api: ApiClients) -> None:
    client = api("api")
    unknown = finished(client, post(client, an_order(a_recipient(), "NOWHERE")))
    assert unknown["failure"]["class"] == "ItemUnknown"
    items = [{"sku": "NOWHERE", "qty": 3, "unit_price": "0.10"}, {"sku": "ABC", "qty": 1}]
    order = finished(client, post(client, {"customer_id": "123", "items": items}))
    assert order["total_amount"] == str(Decimal("20.20"))
    assert [item["unit_price"] for item in order["items"]] == ["0.10", "19.90"]


def test_an_unchanged_order_is_answered_with_304(api: ApiClients) -> None:
    client = api("web")
    order_id = post(client, an_order(a_recipient()))
    finished(client, order_id)
    first = client.get(f"orders/{order_id}")
    again = client.get(f"orders/{order_id}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "private, max-age=3600"


def test_a_callers_orders_are_its_own(api: ApiClients) -> None:
    order_id = post(api("web"), an_order(a_recipient()))
    assert api("mobile").get(f"orders/{order_id}").status_code == 404
    assert api("ops").get(f"orders/{order_id}").status_code == 200
    assert api("web").get("recipients/123").status_code == 403


def test_a_cancelled_order_is_never_worked_on(api: ApiClients) -> None:
    """SLOW-3 holds the recipient's group, so that the order behind it is still pending."""
    client, recipient = api("web"), a_recipient()
    slow = post(client, an_order(recipient, "SLOW-3"))
    order_id = post(client, an_order(recipient))
    answer = client.post(f"orders/{order_id}/cancel")
    assert answer.status_code in {200, 409}
    finished(client, slow)
    status = finished(client, order_id)["status"]
    assert status == ("cancelled" if answer.status_code == 200 else "completed")


def test_health_and_readiness_need_no_token(api: ApiClients) -> None:
    assert api(None).get("health").json() == {"status": "ok"}
    ready = api(None).get("ready")
    assert ready.json()["status"] == "ready"
    assert set(ready.json()["checks"].values()) == {"ok"}
