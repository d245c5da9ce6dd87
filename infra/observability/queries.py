"""Saved queries of CloudWatch Logs Insights, over the logs of all functions."""

from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.observability.watched import Watched
from infra.settings import StageSettings

QUERIES = {
    "life-of-one-order": """
fields @timestamp, service, message, status, attempt, seconds, stage_seconds, error_class, reason
| filter order_id = "ORDER_ID" or report_id = "ORDER_ID"
| sort @timestamp asc
""",
    "slowest-orders": """
fields @timestamp, order_id, recipient_id, seconds
| filter message = "order.completed"
| sort seconds desc
| limit 50
""",
    "failures-by-class": """
filter message in ["order.failed", "report.failed"]
| stats count(*) as failures, earliest(@timestamp) as since, latest(@timestamp) as last,
  count_distinct(coalesce(recipient_id, caller)) as affected by message, error_class
| sort failures desc
""",
    "noisy-recipients": """
filter message in ["order.accepted", "order.attempt_failed", "order.failed"]
| stats count(*) as lines, sum(strcontains(message, "order.accepted")) as accepted,
  sum(strcontains(message, "order.attempt_failed")) as attempts_failed,
  sum(strcontains(message, "order.failed")) as failed by recipient_id
| sort lines desc
| limit 50
""",
}
"""By name. The `message` of a line is the name of an event (`events.py` of each capability in comanda.application)."""


class Queries(Construct):
    """The saved queries of CloudWatch Logs Insights."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings, watched: Watched) -> None:
        super().__init__(scope, construct_id)
        groups = [function.log_group.log_group_name for function in watched.functions]
        for name, query in QUERIES.items():
            logs.CfnQueryDefinition(
                self,
                name.title().replace("-", ""),
                name=f"comanda-{settings.stage}/{name}",
                log_group_names=groups,
                query_string=query.strip(),
            )
