"""`comanda queues`: what waits where."""

from datetime import timedelta
from typing import Any

import typer

from comanda_cli.stack.connection import Connection, connect
from comanda_cli.terminal.options import Json, Stage
from comanda_cli.terminal.output import print_json, print_table, remark

METRIC = "ApproximateAgeOfOldestMessage"
LOOK_BACK = timedelta(minutes=15)
"""CloudWatch gets SQS metrics every minute, and is a few minutes behind for a queue that was idle."""


def show_queues(ctx: typer.Context, stage: Stage = None, as_json: Json = False) -> None:
    """Show each queue: waiting, in flight, delayed, and how much lies in its dead-letter queue.

    The numbers are SQS's approximations. Ages (in seconds) come from CloudWatch; SQS itself does not tell them, so
    that the local stack shows none.
    """
    connection = connect(ctx, stage)
    ages = _ages(connection)
    report = []
    for name, queue in connection.stack.queues.items():
        depth, dead = _depth(connection, queue.url), _depth(connection, queue.dlq_url)
        report.append(
            {
                "queue": name,
                **depth,
                "oldest_seconds": ages.get(queue.url),
                "dead": dead["waiting"] + dead["in_flight"],
                "oldest_dead_seconds": ages.get(queue.dlq_url),
            }
        )
    if as_json:
        print_json(report)
        return
    print_table(
        ["Queue", "Waiting", "In flight", "Delayed", "Oldest (s)", "Dead letters", "Oldest dead (s)"],
        [list(row.values()) for row in report],
    )
    if not connection.enrichment_is_running:
        remark("Enrichment is paused: its provider is down, orders wait, and go on by themselves once it is well.")


def _depth(connection: Connection, queue_url: str) -> dict[str, int]:
    answer = connection.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])
    numbers = answer["Attributes"]
    return {
        "waiting": int(numbers["ApproximateNumberOfMessages"]),
        "in_flight": int(numbers["ApproximateNumberOfMessagesNotVisible"]),
        "delayed": int(numbers["ApproximateNumberOfMessagesDelayed"]),
    }


def _ages(connection: Connection) -> dict[str, int]:
    """Seconds, by queue url, of the queues that CloudWatch knows ("Available CloudWatch metrics for Amazon SQS")."""
    if connection.stack.endpoint_url is not None:
        return {}
    urls = [url for queue in connection.stack.queues.values() for url in (queue.url, queue.dlq_url)]
    end = connection.outside.clock()
    answer = connection.client("cloudwatch").get_metric_data(
        StartTime=end - LOOK_BACK,
        EndTime=end,
        ScanBy="TimestampDescending",
        MetricDataQueries=[_query(number, url) for number, url in enumerate(urls)],
    )
    newest = {result["Id"]: result["Values"][0] for result in answer["MetricDataResults"] if result["Values"]}
    return {url: int(newest[f"q{number}"]) for number, url in enumerate(urls) if f"q{number}" in newest}


def _query(number: int, queue_url: str) -> dict[str, Any]:
    name = queue_url.rsplit("/", 1)[-1]
    return {
        "Id": f"q{number}",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/SQS",
                "MetricName": METRIC,
                "Dimensions": [{"Name": "QueueName", "Value": name}],
            },
            "Period": 60,
            "Stat": "Maximum",
        },
    }
