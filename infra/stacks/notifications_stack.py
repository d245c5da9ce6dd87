"""The path of a notification: from the tables' streams to whoever asked to be told."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.constructs.bundling import Bundler
from infra.constructs.dead_letter_reconciler import DeadLetterReconciler
from infra.constructs.fifo_queue import FifoQueue
from infra.constructs.python_function import PythonFunction
from infra.constructs.queue_worker import QueueWorker
from infra.constructs.secret_arn import secret_arn
from infra.constructs.shared_layers import SharedLayers
from infra.constructs.table_stream import Patience, read_streams
from infra.settings import StageSettings
from infra.stacks.api_stack import API_STAGE, ApiStack
from infra.stacks.data_stack import DataStack

_ASKED_FOR = {"dynamodb": {"NewImage": {"notify": {"S": [{"exists": True}]}}}}
"""Rows that somebody asked to be told of: the others cost no invocation. `S`, as "exists" looks at leaves only
("Using event filtering with a DynamoDB event source"). Who is told stands in the new image; a row that was removed
tells of nothing."""
_PATIENCE = Patience(oldest_seconds=6 * 60 * 60, retries=1_000)
"""Longer than most outages. Whoever is called has the rest of the stream's day to look at what was given up."""


class NotificationsStack(Stack):
    """streams of orders and reports → announce_changes → notifications.fifo → deliver_notifications → receivers"""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        bundler: Bundler,
        data: DataStack,
        api: ApiStack,
    ) -> None:
        super().__init__(scope, construct_id, description="Comanda: notifications")
        self._settings = settings
        self._data = data
        self._api = api
        self._layers = SharedLayers(self, "Layers", settings=settings, bundler=bundler)

        self.notifications = FifoQueue(
            self, "Notifications", name="notifications", settings=settings, work=settings.notification_work
        )
        self._resources = {
            **data.resources,
            "NOTIFICATIONS_QUEUE_URL": self.notifications.queue.queue_url,
            "NOTIFICATIONS_DLQ_URL": self.notifications.dead_letter_queue.queue_url,
            "PUBLIC_URL": self._public_url(),
        }
        self.announce_changes = self._announce_changes()
        self.deliver_notifications = self._deliver_notifications()
        self.tend_notifications = self._tend_notifications()

        CfnOutput(self, "NotificationsQueueUrl", value=self.notifications.queue.queue_url)
        CfnOutput(self, "NotificationsDlqUrl", value=self.notifications.dead_letter_queue.queue_url)
        for construct in (self.announce_changes, self.deliver_notifications, self.tend_notifications):
            CfnOutput(self, f"{construct.node.id}Function", value=construct.function.function_name)

    def _announce_changes(self) -> PythonFunction:
        announce = PythonFunction(
            self,
            "AnnounceChanges",
            name="announce_changes",
            description="Writes a notification for each change that somebody asked to be told of",
            layers=self._layers,
            timeout_seconds=self._settings.orders.timeout_seconds,
            resources=self._resources,
        )
        announce.allow("dynamodb:PutItem", on=self._data.notifications.table_arn)
        announce.allow("sqs:SendMessage", on=self.notifications.queue.queue_arn)
        read_streams(
            announce,
            {"Orders": self._data.orders, "Reports": self._data.reports},
            settings=self._settings,
            only=_ASKED_FOR,
            patience=_PATIENCE,
        )
        return announce

    def _deliver_notifications(self) -> QueueWorker:
        settings = self._settings
        worker = QueueWorker(
            self,
            "DeliverNotifications",
            name="deliver_notifications",
            description="Sends webhooks and mails",
            layers=self._layers,
            source=self.notifications,
            resources=self._resources,
        )
        worker.allow("dynamodb:BatchGetItem", "dynamodb:UpdateItem", on=self._data.notifications.table_arn)
        # One that the console redrove begins again.
        worker.allow("sqs:SendMessage", on=self.notifications.queue.queue_arn)
        worker.allow("dynamodb:GetItem", "dynamodb:PutItem", on=self._data.subscriptions.table_arn)
        # What Powertools' circuit breaker calls.
        worker.allow("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", on=self._data.circuits.table_arn)
        for name in (settings.webhook_secrets_name, settings.link_keys_name):
            worker.allow("secretsmanager:GetSecretValue", on=secret_arn(self, name))
        if settings.notifications.email_from:
            self._allow_mail(worker)
        return worker

    def _allow_mail(self, worker: QueueWorker) -> None:
        """SES asks for a right on the identity that was verified: the address, or its domain."""
        address = str(self._settings.notifications.email_from)
        for identity in (address, address.partition("@")[2]):
            worker.allow(
                "ses:SendEmail", on=self.format_arn(service="ses", resource="identity", resource_name=identity)
            )

    def _public_url(self) -> str:
        settings, api = self._settings, self._api.api
        if settings.api.public_url:
            return str(settings.api.public_url).rstrip("/")
        if settings.emulator_url:
            emulator = str(settings.emulator_url).rstrip("/")
            return f"{emulator}/restapis/{api.rest_api_id}/{API_STAGE}/_user_request_"
        return api.deployment_stage.url_for_path().removesuffix("/")

    def _tend_notifications(self) -> DeadLetterReconciler:
        reconciler = DeadLetterReconciler(
            self,
            "TendNotifications",
            name="tend_notifications",
            description="Every minute: what notifications owe, and what was dead-lettered",
            layers=self._layers,
            queues=[self.notifications],
            schedule_id="NotificationsEveryMinute",
            resources=self._resources,
        )
        reconciler.allow("dynamodb:BatchGetItem", "dynamodb:UpdateItem", on=self._data.notifications.table_arn)
        for index in ("attention", "subject"):
            reconciler.allow("dynamodb:Query", on=f"{self._data.notifications.table_arn}/index/{index}")
        return reconciler
