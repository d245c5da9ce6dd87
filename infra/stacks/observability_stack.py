"""What an engineer on call looks at, and what calls one: a dashboard, queries, alarms and their topic."""

from collections.abc import Iterable

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.constructs.bundling import Bundler
from infra.observability.alarm_topic import AlarmTopic
from infra.observability.alarms import Alarms
from infra.observability.canary import Canary
from infra.observability.dashboard import Dashboard
from infra.observability.queries import Queries
from infra.observability.watched import Watched
from infra.settings import StageSettings
from infra.stacks.api_stack import ApiStack
from infra.stacks.orders_stack import OrdersStack
from infra.stacks.reports_stack import ReportsStack


class ObservabilityStack(Stack):
    """It reads the other stacks and none reads it: it can be left out, or removed, and nothing else changes."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        bundler: Bundler,
        orders: OrdersStack,
        reports: ReportsStack,
        api: ApiStack,
        watched: Iterable[Stack],
    ) -> None:
        super().__init__(scope, construct_id, description="Comanda: dashboard and alarms")
        rest_api = api.api
        parts = Watched.inside(
            watched,
            order_queues=orders.queues,
            enrichment_queue=orders.enrichment,
            report_queue=reports.reports,
            authorizer=api.authorize_request,
        )
        told = []
        if settings.alarms.enabled:
            topic = AlarmTopic(self, "AlarmTopic", settings).topic
            alarms = Alarms(self, "Alarms", settings=settings, topic=topic, watched=parts, api=rest_api)
            told = alarms.told
            CfnOutput(self, "AlarmsTopicArn", value=topic.topic_arn)
        if settings.stage != "local":  # The emulator knows no saved queries.
            Queries(self, "Queries", settings=settings, watched=parts)
        if settings.observability.canary_minutes:
            Canary(self, "Canary", settings=settings, bundler=bundler, api=rest_api)
        dashboard = Dashboard(self, "Dashboard", settings=settings, watched=parts, api=rest_api, alarms=told)
        CfnOutput(self, "DashboardName", value=dashboard.name)
