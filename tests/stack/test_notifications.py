"""Webhooks of a deployed stack, at a real receiver on this machine."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from comanda_cli.access.webhook_secrets import WebhookSecretStore
from comanda_cli.stack.sessions import local_session
from comanda_cli.stack.stack_info import StackInfo
from local.servers.webhook_receiver import WebhookReceiver
from tests.stack.conftest import ApiClients
from tests.stack.helpers import a_recipient, an_order, finished, post, settled
from tests.stack.operators import wait_for
from tests.stack.terminal import Cli


@pytest.fixture(scope="module")
def secrets(stack: StackInfo) -> list[str]:
    """Of the caller `web`: an old one that goes on for an hour, and the new one."""
    assert stack.endpoint_url
    client = local_session(stack.endpoint_url, stack.region).client("secretsmanager")
    store, now = WebhookSecretStore(client, stack.webhook_secrets_secret), datetime.now(UTC)
    return [store.issue("web", now)["secret"], store.rotate("web", timedelta(hours=1), now)["secret"]]


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as one:
        yield one


def told(receiver: WebhookReceiver, order_id: str) -> list[str]:
    """What it was told of an order, repeats included."""
    bodies = [json.loads(body) for _, body in list(receiver.told)]
    return [body["type"] for body in bodies if body["data"].get("order_id") == order_id]


def test_a_receiver_is_told_of_every_change_in_order_and_can_verify_it(
    api: ApiClients, receiver: WebhookReceiver, secrets: list[str]
) -> None:
    events = ["order.pending", "order.processing", "order.completed"]
    notify = {"webhook_url": receiver.url, "events": events}
    orders = [post(api("web"), an_order(a_recipient(), notify=notify)) for _ in range(3)]
    for order_id in orders:
        wait_for(lambda order_id=order_id: len(told(receiver, order_id)) >= 3, "three webhooks")  # type: ignore[misc]
        assert list(dict.fromkeys(told(receiver, order_id))) == events
    for headers, body in receiver.told:
        for secret in secrets:
            Webhook(secret).verify(body, dict(headers))
    ids = {headers["webhook-id"]: json.loads(body)["type"] for headers, body in receiver.told}
    assert sorted(ids.values()) == sorted(events * 3)


def test_a_receiver_that_was_down_is_told_later_under_the_same_id_and_others_at_once(
    api: ApiClients, receiver: WebhookReceiver, secrets: list[str]
) -> None:
    receiver.status = 503
    down = post(api("web"), an_order(a_recipient(), notify={"webhook_url": receiver.url}))
    with WebhookReceiver() as well:
        order_id = post(api("web"), an_order(a_recipient(), notify={"webhook_url": well.url}))
        assert finished(api("web"), order_id)["status"] == "completed"
        wait_for(lambda: told(well, order_id) == ["order.completed"], "the other receiver's webhook", 20)
    assert finished(api("web"), down)["status"] == "completed", "no receiver holds up an order"
    wait_for(lambda: len(told(receiver, down)) >= 2, "a second attempt")
    receiver.status = 200
    tried = len(receiver.told)
    wait_for(lambda: len(receiver.told) > tried, "an attempt that gets through")
    assert len({headers["webhook-id"] for headers, _ in receiver.told}) == 1


def test_an_operator_finds_what_was_told_and_sends_it_once_more(
    api: ApiClients, receiver: WebhookReceiver, secrets: list[str], cli: Cli
) -> None:
    order_id = post(api("web"), an_order(a_recipient(), "BOMBA", notify={"webhook_url": receiver.url}))
    wait_for(lambda: told(receiver, order_id) == ["order.failed"], "the webhook of a failed order")
    (body,) = (json.loads(body) for _, body in receiver.told)
    assert body["data"]["failure"]["class"] == "ItemRejected"

    time.sleep(1)  # The row is written once the receiver has answered.
    (shown,) = cli.json("notification", "list", order_id)
    assert shown["status"] == "delivered"
    cli("notification", "resend", shown["notification_id"])
    wait_for(lambda: len(receiver.told) == 2, "the webhook once more")
    assert len({headers["webhook-id"] for headers, _ in receiver.told}) == 1


def test_a_receiver_that_says_gone_is_left_in_peace(
    api: ApiClients, receiver: WebhookReceiver, secrets: list[str]
) -> None:
    receiver.status = 410
    first = post(api("web"), an_order(a_recipient(), notify={"webhook_url": receiver.url}))
    wait_for(lambda: len(receiver.told) == 1, "the first webhook")
    time.sleep(1)
    second = post(api("web"), an_order(a_recipient(), notify={"webhook_url": receiver.url}))
    assert [finished(api("web"), each)["status"] for each in (first, second)] == ["completed"] * 2
    time.sleep(4)
    assert len(receiver.told) == 1


def test_everybody_who_asks_for_a_report_is_told_also_of_one_that_is_there(
    api: ApiClients, receiver: WebhookReceiver, secrets: list[str]
) -> None:
    body = {
        "type": "table",
        "format": "csv",
        "parameters": {
            "title": a_recipient(),
            "columns": [{"title": "Name"}],
            "rows": [["Ana"], ["Bia"]],
        },
    }
    asked = api("web").post("reports", json={**body, "notify": {"webhook_url": receiver.url}})
    assert asked.status_code == 202, asked.text
    report_id = asked.json()["report_id"]
    wait_for(lambda: len(receiver.told) == 1, "the report's webhook")
    assert settled(api("web"), f"reports/{report_id}", {"requested", "generating"}, 30)["status"] == "ready"
    with WebhookReceiver() as other:
        again = api("web").post("reports", json={**body, "notify": {"webhook_url": other.url}})
        assert again.json()["report_id"] == report_id
        wait_for(lambda: len(other.told) == 1, "the second one's webhook")
        (sent,) = (json.loads(each) for _, each in other.told)
    assert (sent["type"], sent["data"]["report_id"], sent["data"]["rows"]) == ("report.ready", report_id, 2)
    assert len(receiver.told) == 1


def test_what_is_inside_cannot_be_called(api: ApiClients) -> None:
    for url in ("http://169.254.169.254/latest/meta-data", "http://2130706433/", "http://[::ffff:127.0.0.1]/"):
        answer = api("web").post("orders", json=an_order(a_recipient(), notify={"webhook_url": url}))
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == ["notify.webhook_url"]
