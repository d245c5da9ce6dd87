"""The GETs: who sees what, in which form, and how long it may be kept."""

import io
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest

from comanda.adapters.orders.ledger import LedgerTable
from comanda.adapters.orders.table import OrderTable
from comanda.application.orders.complete import posting_of
from comanda.application.orders.ports import Balance
from comanda.domain.delivery.work_item import By, Failure
from comanda.domain.orders.order import Enrichment, Order, Stage
from comanda.domain.shared.access import Origin, Scope
from tests.functions.conftest import Api
from tests.golden import rest_event
from tests.support.builders import (
    NOW,
    a_caller,
    a_claim,
    a_pending_order,
    a_processing_order,
    an_api_event,
    an_enriched_order,
)

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


def test_head_is_get_without_the_content(api: Api) -> None:
    order = stored(api, a_pending_order())
    for path, status in ((f"/orders/{order.order_id}", 200), (f"/orders/{uuid.uuid4()}", 404), ("/ready", 200)):
        get, head = (api.raw(an_api_event(method, path)) for method in ("GET", "HEAD"))
        assert (get.status, head.status, head.text, head.headers) == (status, status, "", get.headers)
    etag = api.get(f"/orders/{order.order_id}").headers["ETag"]
    again = api.raw(an_api_event("HEAD", f"/orders/{order.order_id}", headers={"If-None-Match": etag}))
    assert again.status == 304


def test_an_id_in_a_path_is_decoded_once(api: Api) -> None:
    """API Gateway hands the path over as it was sent."""
    recipient_id = "loja:centro@exemplo.com.br"
    completed(api, 1, recipient_id)
    for path in ("/recipients/loja%3Acentro%40exemplo.com.br", "/recipients/loja:centro@exemplo.com.br"):
        assert api.raw(rest_event("GET", path, caller=OPS)).body["recipient_id"] == recipient_id
        assert len(api.raw(rest_event("GET", f"{path}/entries", caller=OPS)).body["entries"]) == 1
    assert api.raw(rest_event("GET", "/recipients/loja%253Acentro%2540exemplo.com.br", caller=OPS)).status == 404


@pytest.mark.parametrize(
    "wire_id", ["a" * 101, "a" * 3000, "%C3%A9", "%ff", "%00", "a%2Fb", "a%0A", "%", "a%zz", "-a", "a+b", "%25"]
)
def test_an_id_that_nothing_can_have_is_looked_for_nowhere(api: Api, wire_id: str) -> None:
    operations: list[str] = []
    api.resources.dynamodb.meta.events.register(
        "before-parameter-build.*", lambda model, **_: operations.append(model.name)
    )
    for method, path in (
        ("GET", "/orders/{}"),
        ("POST", "/orders/{}/cancel"),
        ("GET", "/recipients/{}"),
        ("GET", "/recipients/{}/entries"),
    ):
        answer = api.raw(rest_event(method, path.format(wire_id), caller=OPS))
        assert (answer.status, answer.body["type"]) == (404, "urn:comanda:problem:not-found")
    assert operations == []


def test_a_parameter_that_is_given_twice_is_no_guess(api: Api) -> None:
    path = "/recipients/r-1/entries"
    completed(api, 1)
    for name, values in (("limit", ("1", "2")), ("cursor", ("YWZ0ZXI6MQ==", "YWZ0ZXI6Mg=="))):
        answer = api.raw(rest_event("GET", path, query=[(name, value) for value in values], caller=OPS))
        assert (answer.status, answer.body["errors"][0]["field"]) == (422, name)
    assert api.raw(rest_event("GET", path, query=[("limit", "1"), ("limit", "1")], caller=OPS)).status == 200


def test_if_none_match_is_a_list_in_one_line_or_in_several(api: Api) -> None:
    path = f"/orders/{stored(api, a_pending_order()).order_id}"
    etag = api.get(path).headers["ETag"]
    for tags in ([etag, '"other"'], ['"other"', etag]):
        lines = [("If-None-Match", tag) for tag in tags]
        assert api.raw(rest_event("GET", path, headers=lines, caller=a_caller())).status == 304


def test_what_goes_wrong_with_an_answer_to_an_error_is_a_problem_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(*_: object) -> None:
        raise RecursionError("inside")

    monkeypatch.setattr("comanda.adapters.http.api.problem_of", defect)
    monkeypatch.setattr("comanda.adapters.http.api.json_response", defect)
    answer = api.get("/orders/not-there")
    assert (answer.status, answer.headers["Content-Type"]) == (500, "application/problem+json")
    assert (answer.body["type"], "inside" in answer.text) == ("urn:comanda:problem:internal", False)
    assert answer.body["request_id"] == "request-1"


def test_an_unknown_path_is_a_problem_too(api: Api) -> None:
    answer = api.get("/nothing/here")
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
