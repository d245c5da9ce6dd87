"""WebSockets: who may open one, and how changes reach those who subscribed. A stage can be without."""

import json

from aws_cdk import ArnFormat, CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.bundling import Bundler
from infra.constructs.log_group import log_group
from infra.constructs.python_function import PythonFunction
from infra.constructs.secret_arn import secret_arn
from infra.constructs.shared_layers import SharedLayers
from infra.constructs.table_stream import Patience, read_streams
from infra.settings import StageSettings
from infra.stacks.api_stack import ApiStack
from infra.stacks.data_stack import DataStack

WEBSOCKET_STAGE = "v1"
BROADCAST_TIMEOUT_SECONDS = 30
_PATIENCE = Patience(oldest_seconds=300, retries=100)
"""What could not be told for so long keeps newer changes waiting."""
_NOT_OF_CLAIMS = {"dynamodb": {"NewImage": {"status": {"S": [{"anything-but": ["accepting"]}]}}}}
"""Nobody is told of claims, nor of rows that expire, which have no new image."""


class WebSocketStack(Stack):
    """client → authorize_connection, serve_connections → connections table ← broadcast ← streams of orders, reports.

    It knows the stack of the data; of the API, only that its account-wide role for logs is needed here too.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        bundler: Bundler,
        data: DataStack,
        api: ApiStack,
    ) -> None:
        super().__init__(scope, construct_id, description="Comanda: WebSocket notifications")
        self.add_stack_dependency(data)  # the authorizer knows the secret by its name only
        self.add_stack_dependency(api)  # "Set up logging for WebSocket APIs": by the role that the REST API sets
        self._settings = settings
        self._data = data
        self._layers = SharedLayers(self, "Layers", settings=settings, bundler=bundler)

        self.connections = self._connections()
        self.authorize_connection = self._authorize_connection()
        self.api = apigatewayv2.WebSocketApi(
            self,
            "WebSocket",
            api_name=f"comanda-{settings.stage}-websocket",
            description="Comanda: tells of orders and reports as they change",
        )
        self.stage = self._stage()
        self._resources = {
            **data.resources,
            "CONNECTIONS_TABLE": self.connections.table_name,
            "CALLBACK_URL": self.stage.callback_url,
        }
        self.serve_connections = self._serve_connections()
        self.broadcast = self._broadcast()
        self._add_routes()

        CfnOutput(self, "WebSocketUrl", value=self.stage.url)
        CfnOutput(self, "WebSocketApiId", value=self.api.api_id)
        CfnOutput(self, "WebSocketStageName", value=self.stage.stage_name)
        CfnOutput(self, "ConnectionsTable", value=self.connections.table_name)
        for construct in (self.authorize_connection, self.serve_connections, self.broadcast):
            CfnOutput(self, f"{construct.node.id}Function", value=construct.function.function_name)

    def _connections(self) -> dynamodb.Table:
        """Rows that no connection outlives: nothing in it is worth keeping, on whatever stage."""
        table = dynamodb.Table(
            self,
            "Connections",
            partition_key=dynamodb.Attribute(name="topic", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="connection_id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(table, "AwsSolutions-DDB3", "Open connections, for two hours each: there is nothing to restore.")
        return table

    def _authorize_connection(self) -> PythonFunction:
        authorize = PythonFunction(
            self,
            "AuthorizeConnection",
            name="authorize_connection",
            description="Tells who opens a WebSocket from the bearer token",
            layers=self._layers,
            timeout_seconds=self._settings.api.authorizer_timeout_seconds,
            resources={},
        )
        authorize.allow("secretsmanager:GetSecretValue", on=secret_arn(self, self._settings.tokens_secret_name))
        return authorize

    def _stage(self) -> apigatewayv2.WebSocketStage:
        access_logs = log_group(self, "AccessLogs", self._settings)
        stage = apigatewayv2.WebSocketStage(
            self,
            "Stage",
            web_socket_api=self.api,
            stage_name=WEBSOCKET_STAGE,
            auto_deploy=True,
            detailed_metrics_enabled=True,
            throttle=apigatewayv2.ThrottleSettings(
                rate_limit=self._settings.api.rate_per_second, burst_limit=self._settings.api.burst
            ),
        )
        resource = stage.node.default_child
        assert isinstance(resource, apigatewayv2.CfnStage)  # noqa: S101 - jsii knows the type, mypy does not
        resource.access_log_settings = apigatewayv2.CfnStage.AccessLogSettingsProperty(
            destination_arn=self.format_arn(
                service="logs",
                resource="log-group",
                resource_name=access_logs.log_group_name,
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            ),
            format=_access_log_format(),
        )
        return stage

    def _serve_connections(self) -> PythonFunction:
        serve = PythonFunction(
            self,
            "ServeConnections",
            name="serve_connections",
            description="Opens and closes WebSockets, and subscribes",
            layers=self._layers,
            timeout_seconds=self._settings.api.timeout_seconds,
            resources=self._resources,
        )
        for table in (self._data.orders, self._data.reports, self._data.ledger):
            serve.allow("dynamodb:GetItem", on=table.table_arn)
        serve.allow(
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchWriteItem",
            on=self.connections.table_arn,
        )
        self._allow_sending(serve)
        return serve

    def _broadcast(self) -> PythonFunction:
        broadcast = PythonFunction(
            self,
            "Broadcast",
            name="broadcast",
            description="Tells those who subscribed of what has changed",
            layers=self._layers,
            timeout_seconds=BROADCAST_TIMEOUT_SECONDS,
            resources=self._resources,
        )
        broadcast.allow(
            "dynamodb:Query",
            "dynamodb:GetItem",
            "dynamodb:UpdateItem",
            "dynamodb:BatchWriteItem",
            on=self.connections.table_arn,
        )
        self._allow_sending(broadcast)
        read_streams(
            broadcast,
            {"Orders": self._data.orders, "Reports": self._data.reports},
            settings=self._settings,
            only=_NOT_OF_CLAIMS,
            patience=_PATIENCE,
        )
        return broadcast

    def _add_routes(self) -> None:
        integration = integrations.WebSocketLambdaIntegration("Serve", self.serve_connections.function)
        authorizer = authorizers.WebSocketLambdaAuthorizer(
            "Authorizer",
            self.authorize_connection.function,
            # Asked of every client there is. Both of the headers that a token may stand in would be asked for at once.
            identity_source=["route.request.header.Host"],
        )
        self.api.add_route("$connect", integration=integration, authorizer=authorizer)
        for key in ("$disconnect", "$default"):
            route = self.api.add_route(key, integration=integration)
            acknowledge(route, "AwsSolutions-APIG4", "Only $connect can have an authorizer; it decides for all.")

    def _allow_sending(self, function: PythonFunction) -> None:
        for method in ("POST", "DELETE"):
            connections = f"{WEBSOCKET_STAGE}/{method}/@connections/*"
            function.allow(
                "execute-api:ManageConnections",
                on=self.format_arn(service="execute-api", resource=self.api.api_id, resource_name=connections),
            )
            resource = self.api.node.default_child
            assert isinstance(resource, apigatewayv2.CfnApi)  # noqa: S101 - as above
            arn = "arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>"
            acknowledge(
                function.role,
                f"AwsSolutions-IAM5[Resource::{arn}:<{self.get_logical_id(resource)}>/{connections}]",
                "The star stands for the connections of this one API.",
            )


def _access_log_format() -> str:
    """No header is among it: a browser's token stands in one."""
    return json.dumps(
        {
            "request_id": "$context.requestId",
            "connection_id": "$context.connectionId",
            "caller": "$context.authorizer.principalId",
            "ip": "$context.identity.sourceIp",
            "event": "$context.eventType",
            "route": "$context.routeKey",
            "status": "$context.status",
            "error": "$context.error.message",
            "function_error": "$context.integrationErrorMessage",
            "function_ms": "$context.integrationLatency",
            "time": "$context.requestTime",
        }
    )
