"""The alarms: each is told to the topic, with what to do in docs/alarms.md under its name.

A silent metric is not a good sign or a bad one by itself, so that each alarm says what silence means to it.
"""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.fifo_queue import FifoQueue
from infra.observability.metrics import MINUTE, business, technical
from infra.observability.watched import Watched
from infra.settings import StageSettings

_OVER = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_QUIET_IS_WELL = cloudwatch.TreatMissingData.NOT_BREACHING
"""Nothing was counted because nothing happened."""
_SILENCE_IS_BAD = cloudwatch.TreatMissingData.BREACHING
"""It is told every minute by a function that must run."""

LATE_CHANGE_SECONDS = 120
"""Of a change that a stream holds. Those who subscribed are told within five minutes, or not any more."""
FEWEST_ORDERS = 10
"""Less than so many in ten minutes say nothing about a share."""


class Alarms(Construct):
    """Every alarm of a stage; docs/alarms.md has a paragraph on each."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        topic: sns.Topic,
        watched: Watched,
        api: apigateway.RestApi,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._action = actions.SnsAction(topic)
        # The emulator knows neither alarms on alarms nor on expressions: there, each part of a whole is told by itself.
        self._plain_only = settings.stage == "local"
        self.told: list[cloudwatch.AlarmBase] = []
        """Those that the topic hears of."""

        for queue in watched.queues:
            self._dead_letters(queue)
        self._enrichment_and_late_orders(watched)
        self._late("reports-late", watched.report_queue, settings.reports.late_seconds, told=True)
        self._failed_orders()
        for kind in ("orders", "reports", "notifications"):
            self._any(f"{kind}-rescued", f"a steward began {kind} again that no worker had tried")
        self._any("messages-owed-too-long", "the first message of a run could not be sent for ten minutes")
        self._any("messages-ahead-of-rows", "a message is of a run that its row knows nothing of, which cannot be")
        self._any("unreadable-rows", "a row is stored in a form that this release cannot read")
        if settings.observability.canary_minutes:
            self._canary()
        self._api_errors(api)
        self._api_slow(api)
        self._functions(watched)
        self._streams(watched)
        self._tables(watched.tables)

    def _dead_letters(self, queue: FifoQueue) -> None:
        """SQS reports on a queue as long as somebody looks into it, and the reconcilers do so each minute."""
        self._alarm(
            f"{queue.name}-dead-letters",
            "messages that no retry can mend",
            queue.dead_letter_queue.metric_approximate_number_of_messages_visible(period=MINUTE, statistic="Maximum"),
            threshold=0,
            missing=_QUIET_IS_WELL,
        )

    def _enrichment_and_late_orders(self, watched: Watched) -> None:
        """While the enrichment is paused, its orders are late on purpose: that is told once, by the pause."""
        paused = self._alarm(
            "enrichment-paused",
            "the enrichment's provider is down for five minutes, or nobody looks after it",
            technical(self._settings, "EnrichmentPaused", "Maximum"),
            threshold=0,
            periods=5,
            missing=_SILENCE_IS_BAD,
        )
        limit = self._settings.alarms.order_age_seconds
        late = {
            queue: self._late(f"{queue.name}-queue-late", queue, limit, told=self._plain_only)
            for queue in watched.order_queues
        }
        if self._plain_only:
            return
        by_themselves = [
            cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM)
            if queue is not watched.enrichment_queue
            else cloudwatch.AlarmRule.all_of(
                cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM),
                cloudwatch.AlarmRule.not_(cloudwatch.AlarmRule.from_alarm(paused, cloudwatch.AlarmState.ALARM)),
            )
            for queue, alarm in late.items()
        ]
        self._composite("orders-late", "orders wait in a queue that nobody empties", by_themselves)

    def _late(self, name: str, queue: FifoQueue, limit_seconds: int, *, told: bool) -> cloudwatch.Alarm:
        """SQS does not report on a queue that nobody used for hours ("Available CloudWatch metrics for Amazon SQS")."""
        return self._alarm(
            name,
            f"the oldest message in {queue.name} waits for too long",
            queue.queue.metric_approximate_age_of_oldest_message(period=MINUTE, statistic="Maximum"),
            threshold=limit_seconds,
            periods=2,
            missing=_QUIET_IS_WELL,
            told=told,
        )

    def _failed_orders(self) -> None:
        if self._plain_only:
            return
        ratio = cloudwatch.MathExpression(
            expression=f"IF(failed + completed >= {FEWEST_ORDERS}, 100 * failed / (failed + completed), 0)",
            using_metrics={
                "failed": cloudwatch.MathExpression(
                    expression="FILL(told_failed, 0)",
                    using_metrics={"told_failed": business(self._settings, "OrdersFailed")},
                ),
                "completed": cloudwatch.MathExpression(
                    expression="FILL(told_completed, 0)",
                    using_metrics={"told_completed": business(self._settings, "OrdersCompleted")},
                ),
            },
            period=Duration.minutes(10),
            label="failed orders (%)",
        )
        self._alarm(
            "orders-failing",
            f"more than {self._settings.alarms.failed_percent:g} % of the orders fail",
            ratio,
            threshold=self._settings.alarms.failed_percent,
            missing=_QUIET_IS_WELL,
        )

    def _any(self, name: str, what: str) -> None:
        """At the first: the metric is called as the alarm is."""
        metric = "".join(map(str.capitalize, name.split("-")))
        self._alarm(name, what, technical(self._settings, metric), threshold=0, missing=_QUIET_IS_WELL)

    def _canary(self) -> None:
        minutes = Duration.minutes(self._settings.observability.canary_minutes)
        self._alarm(
            "canary-failing",
            "an order of our own did not get through, twice in a row, or was not even sent",
            technical(self._settings, "CanaryFailed", "Maximum").with_(period=minutes),
            threshold=0,
            periods=2,
            missing=_SILENCE_IS_BAD,
        )

    def _api_errors(self, api: apigateway.RestApi) -> None:
        """The average of a metric that is 0 or 1 for each request: a share."""
        self._alarm(
            "api-errors",
            "more than 1 % of the requests are answered with a 5xx",
            api.deployment_stage.metric_server_error(period=MINUTE, statistic="Average"),
            threshold=0.01,
            periods=5,
            at_least=3,
            missing=_QUIET_IS_WELL,
        )

    def _api_slow(self, api: apigateway.RestApi) -> None:
        limit = self._settings.alarms.api_p99_milliseconds
        self._alarm(
            "api-slow",
            f"one request in a hundred takes more than {limit} ms",
            api.deployment_stage.metric_latency(period=MINUTE, statistic="p99"),
            threshold=limit,
            periods=5,
            at_least=3,
            missing=_QUIET_IS_WELL,
            few_samples="ignore",
        )

    def _functions(self, watched: Watched) -> None:
        """Without a call there is no error and no throttle."""
        throttled = [
            self._part(
                f"{function.name}-throttled",
                f"Lambda turns calls of {function.name} away",
                function.function.metric_throttles(period=MINUTE, statistic="Sum"),
            )
            for function in watched.functions
        ]
        self._any_of("functions-throttled", "Lambda turns calls away", throttled)
        failing = [
            self._part(
                f"{function.name}-failing",
                f"calls of {function.name} end in an exception or a timeout",
                function.function.metric_errors(period=MINUTE, statistic="Sum"),
            )
            for function in watched.functions
            if function is not watched.authorizer  # To it, a token that is refused is an exception.
        ]
        self._any_of("functions-failing", "a function crashes or runs out of time", failing)

    def _streams(self, watched: Watched) -> None:
        """How old the newest record of a batch is when its function has dealt with it ("Lambda function metrics"), and
        the batches it never took."""
        for function in watched.functions:
            if function.given_up:
                self._alarm(
                    f"{function.name}-late",
                    f"{function.name} is behind with the changes of orders or reports",
                    function.function.metric("IteratorAge", period=MINUTE, statistic="Maximum"),
                    threshold=LATE_CHANGE_SECONDS * 1000,
                    periods=2,
                    missing=_QUIET_IS_WELL,
                )
                self._alarm(
                    f"{function.name}-given-up",
                    f"changes of orders or reports that {function.name} did not take",
                    function.given_up.metric_approximate_number_of_messages_visible(period=MINUTE, statistic="Maximum"),
                    threshold=0,
                    missing=_QUIET_IS_WELL,
                )

    def _tables(self, tables: Sequence[dynamodb.Table]) -> None:
        """DynamoDB tells of throttles where there are some."""
        throttled = [
            self._part(
                f"{table.node.id.lower()}-{kind}s-throttled",
                f"DynamoDB turns {kind}s of {table.node.id.lower()} away",
                table.metric(f"{kind.capitalize()}ThrottleEvents", period=MINUTE, statistic="Sum"),
            )
            for table in tables
            for kind in ("read", "write")
        ]
        self._any_of("tables-throttled", "DynamoDB turns reads or writes away", throttled)

    def _alarm(
        self,
        name: str,
        what: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float,
        missing: cloudwatch.TreatMissingData,
        periods: int = 1,
        at_least: int | None = None,
        few_samples: str | None = None,
        told: bool = True,
    ) -> cloudwatch.Alarm:
        """Over `threshold` in each of so many periods, or in `at_least` of them. A part of a whole is not `told`."""
        alarm = cloudwatch.Alarm(
            self,
            _id_of(name),
            alarm_name=self._name(name),
            alarm_description=self._description(name, what) if told else what,
            metric=metric,
            threshold=threshold,
            comparison_operator=_OVER,
            evaluation_periods=periods,
            datapoints_to_alarm=at_least or periods,
            evaluate_low_sample_count_percentile=few_samples,
            treat_missing_data=missing,
        )
        if told:
            self._tell(alarm)
        return alarm

    def _part(self, name: str, what: str, metric: cloudwatch.IMetric) -> cloudwatch.Alarm:
        """In two of five minutes; to be told as part of a whole (`_any_of`) where there are wholes."""
        return self._alarm(
            name,
            what,
            metric,
            threshold=0,
            periods=5,
            at_least=2,
            missing=_QUIET_IS_WELL,
            told=self._plain_only,
        )

    def _any_of(self, name: str, what: str, parts: Sequence[cloudwatch.Alarm]) -> None:
        if not self._plain_only:
            rules = [cloudwatch.AlarmRule.from_alarm(part, cloudwatch.AlarmState.ALARM) for part in parts]
            self._composite(name, what, rules)

    def _composite(self, name: str, what: str, any_of: Sequence[cloudwatch.IAlarmRule]) -> None:
        self._tell(
            cloudwatch.CompositeAlarm(
                self,
                _id_of(name),
                composite_alarm_name=self._name(name),
                alarm_description=self._description(name, what),
                alarm_rule=cloudwatch.AlarmRule.any_of(*any_of),
            )
        )

    def _tell(self, alarm: cloudwatch.AlarmBase) -> None:
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
        self.told.append(alarm)

    def _name(self, name: str) -> str:
        return f"comanda-{self._settings.stage}-{name}"

    def _description(self, name: str, what: str) -> str:
        runbook = self._settings.observability.runbook_url or "docs/alarms.md"
        return f"{what}. What to do: {runbook}#{name}"


def _id_of(name: str) -> str:
    return "".join(word.capitalize() for word in name.replace("_", "-").split("-"))
