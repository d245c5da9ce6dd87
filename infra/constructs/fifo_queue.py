"""A FIFO queue with a dead-letter queue of its own."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.settings import QueueWork, StageSettings

_RETENTION = Duration.days(14)
"""The longest SQS keeps a message ("Amazon SQS message quotas")."""


class FifoQueue(Construct):
    """Messages of a group in order; after too many receives they go to the dead-letter queue, from where the console
    moves them back to their source (P9)."""

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, settings: StageSettings, work: QueueWork
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.work = work
        prefix = f"comanda-{settings.stage}-{name}"
        # Built from its name, because either queue names the other.
        source_arn = Stack.of(self).format_arn(service="sqs", resource=f"{prefix}.fifo")
        self.dead_letter_queue = self._fifo(
            "DeadLetters",
            f"{prefix}-dlq.fifo",
            settings,
            redrive_allow_policy=sqs.RedriveAllowPolicy(
                redrive_permission=sqs.RedrivePermission.BY_QUEUE,
                source_queues=[sqs.Queue.from_queue_arn(self, "Source", source_arn)],
            ),
        )
        self.queue = self._fifo(
            "Queue",
            f"{prefix}.fifo",
            settings,
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letter_queue, max_receive_count=work.max_receive_count
            ),
        )

    def _fifo(
        self,
        construct_id: str,
        queue_name: str,
        settings: StageSettings,
        *,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
        redrive_allow_policy: sqs.RedriveAllowPolicy | None = None,
    ) -> sqs.Queue:
        """Named, so that an operator finds it; high throughput as in "High throughput for FIFO queues"."""
        return sqs.Queue(
            self,
            construct_id,
            queue_name=queue_name,
            fifo=True,
            content_based_deduplication=True,
            deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP,
            fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
            retention_period=_RETENTION,
            visibility_timeout=Duration.seconds(self.work.visibility_timeout_seconds),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            dead_letter_queue=dead_letter_queue,
            redrive_allow_policy=redrive_allow_policy,
            removal_policy=RemovalPolicy.RETAIN if settings.keep_on_delete else RemovalPolicy.DESTROY,
        )
