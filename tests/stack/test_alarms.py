"""An alarm of a deployed stack fires, and somebody is told. On a stack of its own, as the others have no alarms.

The emulator has no metrics of SQS: the test puts the number that SQS would report.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from comanda_cli.stack.sessions import local_session
from local.stack import temporary_stack

ALARM = "comanda-local-enrichment-dead-letters"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[boto3.Session]:
    with temporary_stack(tmp_path_factory.mktemp("alarms"), {"alarms": "true"}) as stack:
        assert stack.endpoint_url
        yield local_session(stack.endpoint_url, stack.region)


def test_somebody_is_told_of_a_dead_letter(aws: boto3.Session) -> None:
    cloudwatch, sns, sqs = aws.client("cloudwatch"), aws.client("sns"), aws.client("sqs")
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
    (topic,) = alarm["AlarmActions"]
    queue_url = sqs.create_queue(QueueName="on-call")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["QueueArn"])

    def put(dead_letters: int) -> None:
        datum: Any = {"MetricName": alarm["MetricName"], "Dimensions": alarm["Dimensions"], "Value": dead_letters}
        cloudwatch.put_metric_data(Namespace=alarm["Namespace"], MetricData=[datum])

    def told(state: str) -> dict[str, Any]:
        """What the subscriber reads about this alarm."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for message in sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=2).get("Messages", []):
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
                notice: dict[str, Any] = json.loads(json.loads(message["Body"])["Message"])
                if (notice["AlarmName"], notice["NewStateValue"]) == (ALARM, state):
                    return notice
        raise AssertionError(f"nobody was told of {state}")

    put(1)
    notice = told("ALARM")
    assert "docs/alarms.md#enrichment-dead-letters" in notice["AlarmDescription"]
    (found,) = cloudwatch.describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
    assert found["StateValue"] == "ALARM"
