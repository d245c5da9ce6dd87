"""The metrics that dashboard and alarms look at. Events say what is measured (`events.py` of each capability in
comanda.application); a test holds the names to theirs."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.settings import StageSettings

MINUTE = Duration.minutes(1)


def business(settings: StageSettings, name: str, statistic: str = "Sum", label: str | None = None) -> cloudwatch.Metric:
    """What the owner of the orders asks about."""
    return _own(settings, "business", name, statistic, label)


def technical(
    settings: StageSettings, name: str, statistic: str = "Sum", label: str | None = None
) -> cloudwatch.Metric:
    """What the engineer on call asks about."""
    return _own(settings, "technical", name, statistic, label)


def _own(settings: StageSettings, service: str, name: str, statistic: str, label: str | None) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=settings.metrics_namespace,
        metric_name=name,
        dimensions_map={"service": service},
        statistic=statistic,
        period=MINUTE,
        label=label,
    )
