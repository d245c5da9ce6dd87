"""The GETs: who sees what, in which form, and how long it may be kept."""

import io
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest

from comanda.adapters.ledger_table import LedgerTable
from comanda.adapters.order_table import OrderTable
from comanda.application.complete_orders import posting_of
from comanda.application.ports import Balance
from comanda.domain.access import Origin, Scope
from comanda.domain.order import Enrichment, Order, Stage
from comanda.domain.work_item import By, Failure
from tests.builders import NOW, a_caller, a_claim, a_pending_order, a_processing_order, an_enriched_order
from tests.functions.conftest import Api

OPS = a_caller("ops", Origin.API, frozenset(Scope))
STRANGER = a_caller("mobile", Origin.MOBILE)


def stored(api: Api, order: Order) -> Order:
    assert OrderTable(api.resources.dynamodb, api.resources.orders_table).claim(order) is None
    return order


def completed(api: Api, count: int, recipient_id: str = "r-1") -> list[Order]:
    orders = [stored(api, an_enriched_order("10.50", recipient_id=recipient_id)) for _ in range(count)]
    ledger = LedgerTable(api.resources.dynamodb, api.resources.ledger_table, api.resources.orders_table)
    for order in orders:
        before = ledger.balance(recipient_id) or Balance(recipient_id, "BRL")
        ledger.post(posting_of(before, [order], NOW))
    return orders


def test_an_order_is_shown_whole(api: Api) -> None:
    order = a_processing_order(client_order_id="mine", metadata={"a": 1})
    enrichment = Enrichment("simulated", "ref", {"ABC": Decimal(19), "XYZ": Decimal(249)}, {"name": "Ana"})
    shown = api.get(f"/orders/{stored(api, order.enriched(enrichment, NOW)).order_id}").body
    at = "2026-11-22T09:30:00.000Z"
    assert shown == {
        "order_id": order.order_id,
        "client_order_id": "mine",
        "customer_id": "123",
        "recipient_id": "123",
        "origin": "web",
        "status": "processing",
        "items": [{"sku": "ABC", "qty": 2, "unit_price": "19.00"}, {"sku": "XYZ", "qty": 1, "unit_price": "249.00"}],
        "currency": "BRL",
        "total_amount": "287.00",
        "metadata": {"a": 1},
        "enrichment": {"provider": "simulated", "reference": "ref", "customer": {"name": "Ana"}, "enriched_at": at},
        "timeline": [{"status": "pending", "at": at}, {"status": "processing", "at": at}],
        "created_at": at,
        "updated_at": at,
    }


def test_a_failure_is_shown_without_our_message_id(api: Api) -> None:
    failure = Failure("Timeout", "slow", Stage.ENRICHMENT, 5, NOW, "m-1")
    shown = api.get(f"/orders/{stored(api, a_processing_order().failed(failure)).order_id}").body
    assert shown["failure"] == {
        "class": "Timeout",
        "message": "slow",
        "stage": "enrichment",
        "attempts": 5,
        "at": "2026-11-22T09:30:00.000Z",
    }
    assert shown["total_amount"] is None


def test_a_claim_a_stranger_and_an_unknown_id_are_all_not_found(api: Api) -> None:
    claim, order = stored(api, a_claim()), stored(api, a_pending_order())
    answers = [
        api.get(f"/orders/{claim.order_id}"),
        api.get(f"/orders/{order.order_id}", STRANGER),
        api.get(f"/orders/{uuid.uuid4()}"),
        api.get("/orders/not-a-uuid"),
    ]
    assert [answer.status for answer in answers] == [404] * 4
    assert {answer.body["type"] for answer in answers} == {"urn:comanda:problem:not-found"}
    assert api.get(f"/orders/{order.order_id}", OPS).status == 200
    assert api.get(f"/orders/{claim.order_id}", OPS).status == 404


def test_reading_needs_its_scope(api: Api) -> None:
    order = stored(api, a_pending_order())
    writer = a_caller(scopes=frozenset({Scope.ORDERS_WRITE}))
    assert api.get(f"/orders/{order.order_id}", writer).status == 403
    assert api.get("/recipients/r-1").status == 403
    assert api.get("/recipients/r-1/entries").status == 403


def test_an_unchanged_order_is_not_sent_again(api: Api) -> None:
    order = stored(api, a_pending_order())
    first = api.get(f"/orders/{order.order_id}")
    etag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "private, no-cache"
    for tags in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = api.get(f"/orders/{order.order_id}", If_None_Match=tags)
        assert (again.status, again.text, again.headers["ETag"]) == (304, "", etag)
    started = order.started(NOW)
    OrderTable(api.resources.dynamodb, api.resources.orders_table).save(order, started)
    changed = api.get(f"/orders/{order.order_id}", If_None_Match=etag)
    assert (changed.status, changed.headers["ETag"] != etag) == (200, True)


def test_a_completed_order_may_be_kept_and_is_kept_while_the_function_is_warm(api: Api) -> None:
    (order,) = completed(api, 1)
    first = api.get(f"/orders/{order.order_id}")
    assert first.headers["Cache-Control"] == "private, max-age=3600"
    table, key = api.resources.orders_table, {"order_id": {"S": order.order_id}}
    api.resources.dynamodb.delete_item(TableName=table, Key=key)  # To see that it is not read again.
    assert api.get(f"/orders/{order.order_id}").text == first.text
    assert api.get(f"/orders/{order.order_id}", STRANGER).status == 404


def test_a_failed_order_is_not_kept_as_it_may_be_taken_up_again(api: Api) -> None:
    failed = a_processing_order().failed(Failure("X", "x", Stage.ENRICHMENT, 1, NOW, "m"))
    order = stored(api, failed)
    assert api.get(f"/orders/{order.order_id}").headers["Cache-Control"] == "private, no-cache"
    OrderTable(api.resources.dynamodb, api.resources.orders_table).save(
        order, order.opened(By.OPERATOR, NOW, "redriven")
    )
    assert api.get(f"/orders/{order.order_id}").body["status"] == "processing"


def test_a_balance_and_its_entries(api: Api) -> None:
    orders = completed(api, 3)
    assert api.get("/recipients/r-1", OPS).body == {
        "recipient_id": "r-1",
        "balance": "31.50",
        "currency": "BRL",
        "orders_completed": 3,
    }
    entries = api.get("/recipients/r-1/entries", OPS).body
    assert [(entry["sequence"], entry["order_id"]) for entry in entries["entries"]] == [
        (number, order.order_id) for number, order in enumerate(orders, start=1)
    ]
    assert entries["entries"][0]["amount"] == "10.50"
    assert "next_cursor" not in entries


def test_entries_come_in_pages(api: Api) -> None:
    completed(api, 5)
    seen: list[int] = []
    query: dict[str, str] = {"limit": "2"}
    for _ in range(3):
        page = api.get("/recipients/r-1/entries", OPS, query).body
        seen += [entry["sequence"] for entry in page["entries"]]
        if "next_cursor" not in page:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [1, 2, 3, 4, 5]
    assert "next_cursor" not in page


@pytest.mark.parametrize("cursor", ["", "x", "YWZ0ZXI6LTE=", "YWZ0ZXI6OTk5OTk5OTk5OTk5OQ==", "ü"])
def test_a_foreign_cursor_is_refused(api: Api, cursor: str) -> None:
    completed(api, 1)
    answer = api.get("/recipients/r-1/entries", OPS, {"cursor": cursor})
    assert (answer.status, "next_cursor" in answer.body["detail"]) == (400, True)


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "", "1.5", "٣"])
def test_a_bad_limit_is_refused(api: Api, limit: str) -> None:
    answer = api.get("/recipients/r-1/entries", OPS, {"limit": limit})
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "limit")


def test_a_recipient_without_a_completed_order_is_not_found(api: Api) -> None:
    assert api.get("/recipients/nobody", OPS).status == 404
    assert api.get("/recipients/nobody/entries", OPS).status == 404


def test_cancelling_is_for_pending_orders(api: Api) -> None:
    pending, begun = stored(api, a_pending_order()), stored(api, a_processing_order())
    assert api.post(None, path=f"/orders/{pending.order_id}/cancel").body["status"] == "cancelled"
    late = api.post(None, path=f"/orders/{begun.order_id}/cancel")
    assert (late.status, late.body["type"]) == (409, "urn:comanda:problem:illegal-transition")
    assert api.post(None, path=f"/orders/{uuid.uuid4()}/cancel").status == 404


def test_health_and_readiness(api: Api) -> None:
    assert api.get("/health").body == {"status": "ok"}
    ready = api.get("/ready")
    assert (ready.status, ready.body["status"]) == (200, "ready")
    assert ready.body["checks"] == {"storage": "ok", "queues": "ok"}


def test_a_missing_table_is_not_ready_and_its_name_is_for_the_log(api: Api, logs: io.StringIO) -> None:
    api.resources.dynamodb.delete_table(TableName=api.resources.ledger_table)
    answer = api.get("/ready")
    assert (answer.status, answer.body["status"], answer.headers["Retry-After"]) == (503, "not ready", "2")
    assert answer.body["checks"] == {"storage": "failing", "queues": "ok"}
    (line,) = [json.loads(line) for line in logs.getvalue().splitlines() if "readiness.failing" in line]
    assert (line["resource"], "ResourceNotFoundException" in line["reason"]) == (api.resources.ledger_table, True)


def test_a_missing_queue_is_not_ready_and_its_name_is_not_told(api: Api) -> None:
    api.resources.sqs.delete_queue(QueueUrl=api.resources.queue_url)
    answer = api.get("/ready")
    assert (answer.status, answer.body["checks"]) == (503, {"storage": "ok", "queues": "failing"})
    assert api.resources.queue_url.rpartition("/")[2] not in answer.text


def test_an_outage_is_a_503_without_a_word_on_our_insides(api: Api) -> None:
    api.resources.dynamodb.delete_table(TableName=api.resources.orders_table)
    answers: list[Any] = [api.get(f"/orders/{uuid.uuid4()}"), api.post({"item_name": "A", "quantity": 1, "price": 1})]
    for answer in answers:
        assert (answer.status, answer.body["type"]) == (503, "urn:comanda:problem:unavailable")
        assert "Retry-After" in answer.headers
        assert "Exception" not in answer.text


def test_a_defect_is_a_500_without_a_stack_trace(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(_: Order) -> None:
        raise KeyError("caller")

    order = stored(api, a_pending_order())
    monkeypatch.setattr("functions.read_orders.app.order_view", defect)
    answer = api.get(f"/orders/{order.order_id}")
    assert (answer.status, answer.body["type"]) == (500, "urn:comanda:problem:internal")
    assert "KeyError" not in answer.text


def test_an_unknown_path_is_a_problem_too(api: Api) -> None:
    answer = api.get("/nothing/here")
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
