"""A log group that forgets after the time the stage sets."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.settings import StageSettings
from infra.settings.observability import LogRetentionDays

_RETENTION: dict[LogRetentionDays, logs.RetentionDays] = {
    1: logs.RetentionDays.ONE_DAY,
    3: logs.RetentionDays.THREE_DAYS,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


def log_group(scope: Construct, construct_id: str, settings: StageSettings, name: str | None = None) -> logs.LogGroup:
    """A log group that keeps what the stage says, and goes or stays with its stack."""
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        retention=_RETENTION[settings.observability.log_retention_days],
        removal_policy=RemovalPolicy.RETAIN if settings.keep_on_delete else RemovalPolicy.DESTROY,
    )
