"""Those who tell of changes may do exactly what they do, as in test_permissions.py."""

import json
from dataclasses import replace
from datetime import timedelta

import boto3
import time_machine
from aws_lambda_powertools.utilities.parameters import SecretsProvider

from comanda.adapters.notifications.queue import NotificationQueuePublisher
from comanda.adapters.notifications.table import NotificationTable
from comanda.adapters.notifications.webhook_secrets import StoredWebhookSecrets
from comanda.adapters.notifications.webhook_sender import FAILURES, RECOVERY_SECONDS
from comanda.domain.delivery.work_item import Failure
from comanda.domain.notifications.notification import STAGE, Notification
from comanda.domain.notifications.webhook_signature import issue_webhook_secret
from functions.tend_notifications import app as tend_notifications
from local.servers.webhook_receiver import WebhookReceiver
from tests.functions.conftest import Context
from tests.functions.recorded_calls import Recorder, allowed, without
from tests.functions.test_notifications import Path, a_change
from tests.golden import scheduled_event
from tests.support.builders import NOW, a_notification
from tests.support.fakes import FakeClock
from tests.support.permissions import MAY, READ_STREAM
from tests.support.targets import Resources

SECRET = "webhook-secrets"  # noqa: S105 - its name


def test_announce_changes(moto: Resources) -> None:
    """The mapping reads the streams, and says what it gave up."""
    path, recorder = Path(moto), Recorder.of(moto)
    with WebhookReceiver() as receiver:
        a_change(path, receiver)
    streams = {resource for resource, actions in MAY["announce_changes"].items() if actions == READ_STREAM}
    assert recorder.calls == without(allowed("announce_changes"), {*streams, "AnnounceChangesGivenUp"})


def test_deliver_notifications(moto: Resources) -> None:
    """To receivers that are well, gone, and down until they are left alone, and then tried again."""
    client = boto3.client("secretsmanager", region_name="us-east-1")
    client.create_secret(Name=SECRET, SecretString=json.dumps({"secrets": {"web": [issue_webhook_secret(NOW)]}}))
    path = Path(moto, secrets=StoredWebhookSecrets(SecretsProvider(boto3_client=client), SECRET))
    with WebhookReceiver() as receiver:
        a_change(path, receiver)
    (redriven,) = moto.messages()
    redriven["Attributes"]["MessageDeduplicationId"] = redriven["MessageId"]
    recorder = Recorder.of(moto, client, others={SECRET: "secret:webhook-secrets"})
    assert path.hand_over([redriven]) == []
    assert "sqs:SendMessage" in recorder.calls["Queue"]
    with WebhookReceiver() as receiver, WebhookReceiver() as gone, time_machine.travel(NOW) as clock:
        gone.status = 410
        a_change(path, gone)
        path.deliver()
        for status in (204, *[503] * FAILURES, 204):
            receiver.status = status
            clock.shift(RECOVERY_SECONDS + 1)
            a_change(path, receiver)
            path.deliver()
    recorder.calls["Notifications"].discard("dynamodb:PutItem")  # The test's own, and so are the next two:
    recorder.calls["Queue"] -= {"sqs:ReceiveMessage", "sqs:DeleteMessage"}  # it is the mapping.
    assert recorder.calls == without(allowed("deliver_notifications"), {"secret:link-keys"}), "no link was signed here"


def test_tend_notifications(moto: Resources) -> None:
    """One that was dead-lettered untried, one that is delivered, and ten that failed and hide one more of theirs."""
    table = NotificationTable(moto.dynamodb, moto.notifications_table)
    publisher = NotificationQueuePublisher(moto.sqs, moto.queue_url)

    def dead_lettered(number: int, subject_id: str) -> Notification:
        notification = a_notification(notification_id=f"n-{number}", subject_id=subject_id)
        table.add(notification)
        publisher.publish(notification)
        return notification

    dead_lettered(0, "o-0")
    done = dead_lettered(1, "o-1")
    table.save(done, done.delivered(NOW))
    failed = [dead_lettered(number, "o-2") for number in range(2, 12)]
    for notification in failed:
        table.save(notification, notification.failed(Failure("HttpStatus", "503", STAGE, 3, NOW, "m")))
    dead_lettered(12, "o-2")
    settings = {
        "NOTIFICATIONS_TABLE": moto.notifications_table,
        "NOTIFICATIONS_QUEUE_URL": moto.queue_url,
        "NOTIFICATIONS_DLQ_URL": moto.queue_url,
        "MAX_RESCUES": "1",
        "WORKER_RESERVE_SECONDS": "1",
    }
    later = replace(moto.world(), clock=FakeClock(NOW + timedelta(hours=1)))
    reconciler = tend_notifications.build(tend_notifications.Settings.load(settings), later)
    recorder = Recorder.of(moto)
    reconciler(scheduled_event(), Context())  # type: ignore[arg-type]
    assert recorder.calls == allowed("tend_notifications")
    rescued = table.get("n-12")
    assert rescued
    assert rescued.rescues == 1
