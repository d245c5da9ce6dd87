"""A webhook on its way to its receiver: the circuit breaker in front of each, and the last attempt that passes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from comanda.adapters.notifications.webhook_sender import FAILURES, ReceiverCircuits, WebhookSender
from comanda.domain.shared.errors import ReceiverOutage
from tests.support.builders import NOW, a_notification
from tests.support.fakes import FakeTelemetry
from tests.support.notification_fakes import NoLinks
from tests.support.targets import Resources

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLw0000000000000="  # noqa: S105
MAX_ATTEMPTS = 3
LATER = NOW + timedelta(seconds=1)


@dataclass
class FakeReceivers:
    """Implements `Receivers` and `WebhookSecrets`: those of `down` do not answer."""

    down: set[str] = field(default_factory=set)
    called: list[str] = field(default_factory=list)

    def tell(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        assert body
        assert "webhook-signature" in headers
        self.called.append(url)
        if url in self.down:
            raise ReceiverOutage("ReceiverUnavailable", "503")

    def valid_for(self, caller: str, at: datetime) -> Sequence[str]:  # noqa: ARG002
        return [SECRET]


@pytest.fixture
def url() -> str:
    """Of its own for each test: what Powertools counts outlives one."""
    return f"https://{uuid4()}.example.com/hook"


@pytest.fixture
def receivers() -> FakeReceivers:
    return FakeReceivers()


@pytest.fixture
def sender(resources: Resources, receivers: FakeReceivers) -> WebhookSender:
    circuits = ReceiverCircuits(resources.dynamodb, resources.circuits_table, FakeTelemetry())
    return WebhookSender(receivers, receivers, circuits, NoLinks(), lambda: NOW, MAX_ATTEMPTS)


def fail_often(sender: WebhookSender, url: str) -> None:
    for _ in range(FAILURES):
        with pytest.raises(ReceiverOutage, match="503"):
            sender.prepare(a_notification(target=url))()


def test_a_receiver_that_does_not_answer_is_left_alone_and_no_other(
    sender: WebhookSender, receivers: FakeReceivers, url: str
) -> None:
    receivers.down = {url}
    fail_often(sender, url)
    with pytest.raises(ReceiverOutage) as resting:
        sender.prepare(a_notification(target=url))()
    assert resting.value.name == "ReceiverResting"
    sender.prepare(a_notification(target=f"{url}/other"))()
    assert receivers.called == [*[url] * FAILURES, f"{url}/other"]


def test_the_last_attempt_is_made_whatever_is_known_of_the_receiver(
    sender: WebhookSender, receivers: FakeReceivers, url: str
) -> None:
    """Nothing fails of a receiver that was not asked (P6)."""
    receivers.down = {url}
    fail_often(sender, url)
    receivers.down.clear()
    last = a_notification(target=url)
    for receive_count in range(1, MAX_ATTEMPTS):
        last = last.tried("m-1", receive_count, LATER)
    sender.prepare(last)()
    assert len(receivers.called) == FAILURES + 1
