"""One screen: is it well, for whom is it not, and where."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.observability.metrics import MINUTE, business, technical
from infra.observability.watched import Watched
from infra.settings import StageSettings

_WIDTH, _HEIGHT = 6, 5
"""Four graphs in a row; CloudWatch's grid has 24 columns."""
_PERCENTILES = ("p50", "p95", "p99")


class Dashboard(Construct):
    """One dashboard per stage: the business first, then what it stands on."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        watched: Watched,
        api: apigateway.RestApi,
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self.name = f"comanda-{settings.stage}"
        board = cloudwatch.Dashboard(self, "Board", dashboard_name=self.name, default_interval=Duration.hours(3))
        board.add_widgets(*self._head(alarms))
        board.add_widgets(*self._business())
        board.add_widgets(*self._stages(api))
        board.add_widgets(*_queues(watched))
        board.add_widgets(*_functions(watched))
        board.add_widgets(*self._reports_and_cost(watched, api))

    def _head(self, alarms: Sequence[cloudwatch.IAlarm]) -> list[cloudwatch.IWidget]:
        runbook = self._settings.observability.runbook_url
        link = f"[runbook of the alarms]({runbook})" if runbook else "`docs/alarms.md`, the runbook of the alarms"
        text = (
            f"# Comanda {self._settings.stage}\n"
            f"What to do: {link}. For whom: `comanda dlq list`, `comanda queues`, `comanda logs ORDER_ID`."
        )
        head: list[cloudwatch.IWidget] = [
            cloudwatch.TextWidget(markdown=text, width=6 if alarms else 24, height=4),
        ]
        if alarms:
            head.append(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=18, height=4))
        return head

    def _business(self) -> list[cloudwatch.IWidget]:
        orders = [
            self._count("OrdersAccepted", "accepted"),
            self._count("OrdersCompleted", "completed"),
            self._count("OrdersFailed", "failed"),
            self._count("OrdersReplayed", "duplicates answered"),
        ]
        by_class = cloudwatch.MathExpression(
            expression=f"SEARCH('{{{self._settings.metrics_namespace},service,error_class}} "
            'MetricName=("OrdersFailed" OR "ReportsFailed")\', \'Sum\')',
            using_metrics={},
            label="",
            period=MINUTE,
        )
        reports = [
            self._count("ReportsAccepted", "accepted"),
            self._count("ReportsReady", "ready"),
            self._count("ReportsFailed", "failed"),
        ]
        to_complete = [business(self._settings, "TimeToComplete", each, each) for each in _PERCENTILES]
        return [
            _graph("Orders a minute", orders),
            _graph("Accepted to completed (ms)", to_complete),
            _graph("Failures by class", [by_class]),
            _graph("Reports a minute", reports),
        ]

    def _stages(self, api: apigateway.RestApi) -> list[cloudwatch.IWidget]:
        stage = api.deployment_stage
        requests = [
            stage.metric_count(period=MINUTE, statistic="Sum", label="requests"),
            stage.metric_client_error(period=MINUTE, statistic="Sum", label="4xx"),
            stage.metric_server_error(period=MINUTE, statistic="Sum", label="5xx"),
        ]
        latency = [stage.metric_latency(period=MINUTE, statistic=each, label=each) for each in _PERCENTILES]
        in_stages = [
            technical(self._settings, f"TimeIn{name}", "p95", name.lower())
            for name in ("Processing", "Enrichment", "Completion")
        ]
        enrichment = [technical(self._settings, "EnrichmentLatency", each, each) for each in _PERCENTILES]
        return [
            _graph("API requests a minute", requests),
            _graph("API latency (ms)", latency),
            _graph("Time in each stage, p95 (ms)", in_stages),
            _graph(
                "Enrichment: latency (ms), and paused or not",
                enrichment,
                right=[technical(self._settings, "EnrichmentPaused", "Maximum", "paused")],
            ),
        ]

    def _reports_and_cost(self, watched: Watched, api: apigateway.RestApi) -> list[cloudwatch.IWidget]:
        reports = [
            technical(self._settings, "ReportQueueTime", "p95", "waiting p95"),
            technical(self._settings, "TimeToGenerate", "p95", "generation p95"),
        ]
        size = [technical(self._settings, "ReportRows", "Sum", "rows")]
        consumed = [
            table.metric(
                f"Consumed{kind}CapacityUnits", period=MINUTE, statistic="Sum", label=f"{table.node.id} {kind}"
            )
            for table in watched.tables
            for kind in ("Read", "Write")
        ]
        runs = [
            each.function.metric_duration(period=MINUTE, statistic="Sum", label=f"{each.name} ms")
            for each in watched.functions
        ]
        calls: list[cloudwatch.IMetric] = [
            api.deployment_stage.metric_count(period=MINUTE, statistic="Sum", label="API requests")
        ]
        return [
            _graph(
                "Reports: waiting and generation (ms), rows",
                reports,
                right=size,
            ),
            _graph("DynamoDB throttles", _throttles(watched.tables)),
            _graph("Cost: DynamoDB units", consumed, stacked=True),
            _graph("Cost: Lambda time (ms), API requests", runs, right=calls, stacked=True),
        ]

    def _count(self, name: str, label: str) -> cloudwatch.Metric:
        return business(self._settings, name, "Sum", label)


def _queues(watched: Watched) -> list[cloudwatch.IWidget]:
    waiting = [
        each.queue.metric_approximate_number_of_messages_visible(period=MINUTE, statistic="Maximum", label=each.name)
        for each in watched.queues
    ]
    oldest = [
        each.queue.metric_approximate_age_of_oldest_message(period=MINUTE, statistic="Maximum", label=each.name)
        for each in watched.queues
    ]
    in_flight = [
        each.queue.metric_approximate_number_of_messages_not_visible(
            period=MINUTE, statistic="Maximum", label=each.name
        )
        for each in watched.queues
    ]
    dead = [
        each.dead_letter_queue.metric_approximate_number_of_messages_visible(
            period=MINUTE, statistic="Maximum", label=each.name
        )
        for each in watched.queues
    ]
    return [
        _graph("Queues: waiting", waiting),
        _graph("Queues: age of the oldest (s)", oldest),
        _graph("Queues: in flight", in_flight),
        _graph("Dead letters", dead),
    ]


def _functions(watched: Watched) -> list[cloudwatch.IWidget]:
    errors = [
        each.function.metric_errors(period=MINUTE, statistic="Sum", label=each.name) for each in watched.functions
    ]
    throttles = [
        each.function.metric_throttles(period=MINUTE, statistic="Sum", label=each.name) for each in watched.functions
    ]
    duration = [
        each.function.metric_duration(period=MINUTE, statistic="p95", label=each.name) for each in watched.functions
    ]
    at_once = [
        each.function.metric("ConcurrentExecutions", period=MINUTE, statistic="Maximum", label=each.name)
        for each in watched.functions
    ]
    return [
        _graph("Functions: errors", errors),
        _graph("Functions: throttles", throttles),
        _graph("Functions: duration p95 (ms)", duration),
        _graph("Functions: at once", at_once, stacked=True),
    ]


def _throttles(tables: Sequence[dynamodb.Table]) -> list[cloudwatch.IMetric]:
    return [
        table.metric(f"{kind}ThrottleEvents", period=MINUTE, statistic="Sum", label=f"{table.node.id} {kind.lower()}")
        for table in tables
        for kind in ("Read", "Write")
    ]


def _graph(
    title: str,
    left: Sequence[cloudwatch.IMetric],
    *,
    right: Sequence[cloudwatch.IMetric] = (),
    stacked: bool = False,
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(left),
        right=list(right),
        stacked=stacked,
        width=_WIDTH,
        height=_HEIGHT,
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        right_y_axis=cloudwatch.YAxisProps(min=0, show_units=False) if right else None,
    )
