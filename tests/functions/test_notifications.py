"""From POST to a signed webhook at a real receiver: the real handlers, moto, and HTTP on this machine."""

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from comanda.adapters.notifications.table import NotificationTable, SubscriptionTable
from comanda.adapters.notifications.webhook_call import WebhookCalls
from comanda.adapters.orders import rows as order_rows
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.runtime.world import GROUPS_AT_ONCE
from comanda.application.delivery.ports import Executor
from comanda.application.notifications.webhook_ports import Receivers, WebhookSecrets
from comanda.domain.notifications.notification import Notification, NotificationStatus
from comanda.domain.notifications.webhook_address import LOCAL_POLICY
from comanda.domain.notifications.webhook_signature import issue_webhook_secret
from comanda.domain.orders.order import Order
from comanda.domain.shared.errors import ReceiverOutage
from comanda.domain.shared.notify import LAST_EVENTS, Notify
from functions.announce_changes import app as announce_changes
from functions.deliver_notifications import app as deliver_notifications
from local.servers.webhook_receiver import WebhookReceiver
from tests.functions.conftest import Api, Context
from tests.golden import row_record, sqs_record
from tests.support.builders import NOW, a_caller, a_processing_order
from tests.support.notification_fakes import NoLinks
from tests.support.targets import Resources

BODY = {"item_name": "Notebook", "quantity": 1, "price": 5000}
SECRETS = [issue_webhook_secret(NOW)["secret"] for _ in range(2)]


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as one:
        yield one


@dataclass
class KnownSecrets:
    """Implements `WebhookSecrets`."""

    def valid_for(self, caller: str, at: datetime) -> list[str]:  # noqa: ARG002
        return SECRETS


class Path:
    """What lies between an order's row and its receiver."""

    def __init__(
        self,
        resources: Resources,
        receivers: Receivers | None = None,
        executor: Executor | None = None,
        secrets: WebhookSecrets | None = None,
    ) -> None:
        self.resources = resources
        world = replace(resources.world(), clock=partial(datetime.now, UTC))
        world = replace(world, executor=executor or world.executor)
        self.rows = NotificationTable(resources.dynamodb, resources.notifications_table)
        tables = {
            "NOTIFICATIONS_TABLE": resources.notifications_table,
            "SUBSCRIPTIONS_TABLE": resources.subscriptions_table,
            "CIRCUITS_TABLE": resources.circuits_table,
            "NOTIFICATIONS_QUEUE_URL": resources.queue_url,
            "SOURCE_QUEUE_URL": resources.queue_url,
            "WORKER_RESERVE_SECONDS": "1",
            "MAX_ATTEMPTS": "3",
            "RETRY_PAUSE_SECONDS": "1",
            "RETRY_PAUSE_LIMIT_SECONDS": "5",
        }
        self._announce = announce_changes.build(announce_changes.Settings.load(tables), world)
        calls = receivers or WebhookCalls(LOCAL_POLICY, world.clock)
        services = deliver_notifications.ExternalServices(calls, secrets or KnownSecrets(), NoLinks())
        deliver = deliver_notifications.Settings.load(tables)
        self._deliver = deliver_notifications.build(deliver, world, services)

    def announce(self, before: Order, after: Order) -> None:
        record = row_record("order_id", order_rows.to_row(before), order_rows.to_row(after))
        self._announce({"Records": [record]}, Context())  # type: ignore[arg-type]

    def deliver(self) -> list[str]:
        """What the mapping does with what is in the queue; gives what stays there."""
        return self.hand_over(self.resources.messages())

    def hand_over(self, messages: list[dict[str, Any]]) -> list[str]:
        answer = self._deliver({"Records": list(map(sqs_record, messages))}, Context(milliseconds=60_000))  # type: ignore[arg-type]
        stay = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        for message in messages:
            if message["MessageId"] not in stay:
                self.resources.sqs.delete_message(
                    QueueUrl=self.resources.queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
        return stay

    def all_about(self, order: Order) -> list[Notification]:
        return [each for each in self.rows.of_subject(order.order_id) if isinstance(each, Notification)]


@pytest.fixture
def path(moto: Resources) -> Path:
    return Path(moto)


def a_change(path: Path, receiver: WebhookReceiver, **notify: Any) -> Order:
    """An order that was started, and its receiver told of it."""
    order = a_processing_order(notify=Notify(receiver.url, events=("order.completed",), **notify))
    path.announce(order, order.completed(NOW))
    return order


def test_a_receiver_verifies_what_it_is_told(path: Path, receiver: WebhookReceiver) -> None:
    """With the package that receivers use, and with either secret while they are rotated."""
    order = a_change(path, receiver)
    assert path.deliver() == []
    ((headers, body),) = receiver.told
    for secret in SECRETS:
        told = Webhook(secret).verify(body, dict(headers))
        assert (told["type"], told["timestamp"]) == ("order.completed", "2026-11-22T09:30:00.000Z")
        assert (told["data"]["order_id"], told["data"]["status"]) == (order.order_id, "completed")
        assert told["data"].keys() & {"items", "timeline", "metadata"} == set()
    with pytest.raises(WebhookVerificationError):
        Webhook(issue_webhook_secret(NOW)["secret"]).verify(body, dict(headers))
    (row,) = path.all_about(order)
    assert (headers["webhook-id"], row.status) == (row.notification_id, NotificationStatus.DELIVERED)


def test_a_receiver_that_is_down_for_a_while_is_told_under_the_same_id(path: Path, receiver: WebhookReceiver) -> None:
    order = a_change(path, receiver)
    receiver.status = 503
    assert len(path.deliver()) == 1
    receiver.status = 200
    deadline = time.monotonic() + 20
    while path.deliver() or len(receiver.told) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    (row,) = path.all_about(order)
    assert {headers["webhook-id"] for headers, _ in receiver.told} == {row.notification_id}
    assert (len(receiver.told), row.status) == (2, NotificationStatus.DELIVERED)


def test_a_receiver_that_is_gone_is_called_no_more(path: Path, receiver: WebhookReceiver) -> None:
    receiver.status = 410
    first, second = a_change(path, receiver), a_change(path, receiver)
    for _ in range(2):
        assert path.deliver() == []
    assert len(receiver.told) == 1
    rows = [*path.all_about(first), *path.all_about(second)]
    assert [row.status for row in rows] == [NotificationStatus.ENDED] * 2


@pytest.mark.parametrize(
    ("notify", "field"),
    [
        ({"webhook_url": "ftp://example.com/"}, "notify.webhook_url"),
        ({"webhook_url": "http://2130706434/"}, "notify.webhook_url"),
        ({"webhook_url": "http://169.254.169.254/latest/meta-data"}, "notify.webhook_url"),
        ({"webhook_url": "https://ana@example.com/"}, "notify.webhook_url"),
        ({"email": "ana@example.com"}, "notify.email"),
        ({"webhook_url": "https://example.com/", "events": ["order.exploded"]}, "notify.events"),
        ({"webhook_url": "https://example.com/", "events": []}, "notify.events"),
        ({"webhook_url": "https://example.com/", "locale": "xx"}, "notify.locale"),
        ({"webhook": "https://example.com/"}, "notify.webhook"),
        ({"webhook_url": 1}, "notify.webhook_url"),
        ("https://example.com/", "notify"),
    ],
)
def test_what_cannot_be_told_is_refused_at_intake(api: Api, notify: object, field: str) -> None:
    answer = api.post({**BODY, "notify": notify})
    assert answer.status == 422
    assert [error["field"] for error in answer.body["errors"]] == [field]
    assert api.resources.messages() == []


def test_an_order_keeps_who_is_told(api: Api, moto: Resources) -> None:
    url = "https://example.com/hook"
    told = api.post({**BODY, "notify": {"webhook_url": url, "events": ["order.processing", "order.processing"]}})
    assert told.status == 202
    order = OrderTable(moto.dynamodb, moto.orders_table).get(told.body["order_id"])
    assert order
    assert order.notify == Notify(url, events=("order.processing",))


def test_a_callers_default_tells_where_an_order_says_nothing(api: Api, moto: Resources) -> None:
    default = Notify("https://example.com/default", events=LAST_EVENTS)
    SubscriptionTable(moto.dynamodb, moto.subscriptions_table).set_default("web", default)
    orders = OrderTable(moto.dynamodb, moto.orders_table)

    def told_of(body: object, **caller: Any) -> Notify | None:
        order = orders.get(api.post(body, a_caller(**caller)).body["order_id"])
        assert order
        return order.notify

    assert told_of(BODY) == default
    assert told_of({**BODY, "notify": {}}) is None, "nobody, whatever the default says"
    assert told_of(BODY, name="mobile") is None


def test_who_is_told_is_part_of_what_a_key_stands_for(api: Api) -> None:
    asked = {**BODY, "notify": {"webhook_url": "https://example.com/hook"}}
    assert api.post(asked, Idempotency_Key="k").status == 202
    assert api.post(asked, Idempotency_Key="k").headers["Idempotency-Replayed"] == "true"
    assert api.post({**BODY, "notify": {"webhook_url": "https://example.com/x"}}, Idempotency_Key="k").status == 422


def test_a_receiver_that_hangs_delays_no_other(moto: Resources) -> None:
    """Twenty others are told while its call is still open: by the same invocation, and by one beside it."""
    hanging, released = threading.Event(), threading.Event()
    told: list[str] = []

    class OneHangs:
        """Implements `Receivers`: one of them takes what it is told, and answers nothing."""

        def tell(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:  # noqa: ARG002
            if url.endswith("/hangs"):
                hanging.set()
                assert released.wait(30)
                raise ReceiverOutage("ReceiverTimeout", "no answer in time")
            told.append(url)

    with ThreadPoolExecutor(GROUPS_AT_ONCE) as executor, ThreadPoolExecutor(1) as beside:
        path = Path(moto, OneHangs(), executor)
        urls = ["https://example.com/hangs", *(f"https://example.com/{number}" for number in range(20))]
        for url in urls:
            order = a_processing_order(notify=Notify(url))
            path.announce(order, order.completed(NOW))
        first = beside.submit(path.deliver)
        assert hanging.wait(10)
        while len(told) < 20:
            assert hanging.is_set()
            path.deliver()
        assert not first.done(), "it hangs still"
        released.set()
        assert len(first.result(20)) == 1
    assert sorted(told) == sorted(urls[1:])
