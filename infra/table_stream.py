"""A function that is told of each write to a table."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_

from infra.python_function import PythonFunction


def read_stream(
    function: PythonFunction,
    name: str,
    table: dynamodb.Table,
    *,
    only: Mapping[str, Any],
    oldest_seconds: int | None = None,
) -> None:
    """Hand `function` the writes that match the pattern `only`, again and again until it takes them.

    Half of a batch goes on where the other half cannot. `oldest_seconds`: what is older is left out; None: all that the
    stream keeps, a day. From the oldest there is: "latest" leaves out what comes while the mapping is made or updated
    ("Using Lambda with DynamoDB").
    """
    function.reads_streams = True
    stream_arn = table.table_stream_arn
    assert stream_arn is not None  # noqa: S101 - infra/data_stack.py gives orders and reports one
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
        max_record_age=Duration.seconds(oldest_seconds) if oldest_seconds else None,
        filters=[lambda_.FilterCriteria.filter(only)],
    )
    mapping.node.add_dependency(function.role)
