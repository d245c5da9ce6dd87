"""A function that is told of each write to a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsii
from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from infra.constructs.acknowledge import acknowledge
from infra.constructs.python_function import PythonFunction
from infra.settings import StageSettings


@dataclass(frozen=True)
class Patience:
    """After which a batch that the function does not take is given up, so that the changes behind it are told of."""

    oldest_seconds: int
    """Of its oldest change; less than the day for which the stream keeps it, as a batch is looked up there."""
    retries: int
    """Each half of a batch that was split has them again."""


def read_streams(
    function: PythonFunction,
    tables: Mapping[str, dynamodb.Table],
    *,
    settings: StageSettings,
    only: Mapping[str, Any],
    patience: Patience,
) -> None:
    """Hand `function` the writes that match the pattern `only`, again and again until it takes them.

    Half of a batch goes on where the other half cannot. What is given up is described in a queue: where it stands in
    which stream ("Retain discarded records for a DynamoDB event source in Lambda"). From the oldest there is: "latest"
    leaves out what comes while the mapping is made or updated ("Using Lambda with DynamoDB").
    """
    given_up = _queue_of_what_is_given_up(function, settings)
    function.given_up = given_up
    function.allow("sqs:SendMessage", on=given_up.queue_arn)
    for name, table in tables.items():
        stream_arn = table.table_stream_arn
        assert stream_arn is not None  # noqa: S101 - infra/stacks/data_stack.py gives orders and reports one
        function.allow(
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
            on=stream_arn,
        )
        mapping = lambda_.EventSourceMapping(
            function,
            f"{name}Stream",
            target=function.function,
            event_source_arn=stream_arn,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=100,
            bisect_batch_on_error=True,
            max_record_age=Duration.seconds(patience.oldest_seconds),
            retry_attempts=patience.retries,
            on_failure=_Destination(given_up),
            filters=[lambda_.FilterCriteria.filter(only)],
        )
        mapping.node.add_dependency(function.role)


def _queue_of_what_is_given_up(function: PythonFunction, settings: StageSettings) -> sqs.Queue:
    """Not FIFO, which Lambda takes no destination to be."""
    queue = sqs.Queue(
        function,
        "GivenUp",
        queue_name=f"comanda-{settings.stage}-{function.name.replace('_', '-')}-given-up",
        retention_period=Duration.days(14),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        removal_policy=RemovalPolicy.RETAIN if settings.keep_on_delete else RemovalPolicy.DESTROY,
    )
    acknowledge(queue, "AwsSolutions-SQS3", "It is a dead-letter queue itself: a person reads it.")
    return queue


@jsii.implements(lambda_.IEventSourceDlq)
class _Destination:
    """As CDK's SqsDlq, without the rights beside sending that that grants."""

    def __init__(self, queue: sqs.Queue) -> None:
        self._queue = queue

    def bind(self, _target: lambda_.IEventSourceMapping, _handler: lambda_.IFunction) -> lambda_.DlqDestinationConfig:
        return lambda_.DlqDestinationConfig(destination=self._queue.queue_arn)
