"""The HTTP API: who may call what, and which function answers."""

import json

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.bundling import Bundler
from infra.constructs.cors import cors_of_fixed_answers
from infra.constructs.log_group import log_group
from infra.constructs.problem_responses import METHOD_NOT_ALLOWED, NOT_FOUND, add_problem_responses, answer_rest_with
from infra.constructs.python_function import PythonFunction
from infra.constructs.secret_arn import secret_arn
from infra.constructs.shared_layers import SharedLayers
from infra.settings import StageSettings
from infra.stacks.data_stack import DataStack
from infra.stacks.orders_stack import OrdersStack
from infra.stacks.reports_stack import ReportsStack

API_STAGE = "v1"
_LOG_PUSHER = "AmazonAPIGatewayPushToCloudWatchLogs"
_BEARER = r"^[Bb][Ee][Aa][Rr][Ee][Rr] +[A-Za-z0-9._~+/=-]+$"
"""What else stands in the header is refused before the authorizer is called."""


class ApiStack(Stack):
    """A REST API with a Lambda authorizer in front of the functions of orders and reports."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: StageSettings,
        bundler: Bundler,
        data: DataStack,
        orders: OrdersStack,
        reports: ReportsStack,
    ) -> None:
        super().__init__(scope, construct_id, description="Comanda: HTTP API")
        self.add_stack_dependency(data)  # the authorizer knows the secret by its name only
        self._settings = settings

        self.authorize_request = self._authorize_request(bundler)
        self._authorizer = apigateway.TokenAuthorizer(
            self,
            "BearerToken",
            handler=self.authorize_request.function,
            identity_source=apigateway.IdentitySource.header("Authorization"),
            validation_regex=_BEARER,
            results_cache_ttl=Duration.seconds(settings.api.authorizer_cache_seconds),
        )
        self.api = self._rest_api()
        self._for_browsers = cors_of_fixed_answers(settings)
        add_problem_responses(self.api, self._for_browsers)
        self._add_order_routes(orders)
        self._add_report_routes(reports)
        self._add_fallbacks(orders)
        self._add_usage_plans()

        stage = self.api.deployment_stage
        CfnOutput(self, "ApiUrl", value=stage.url_for_path().removesuffix("/"))
        CfnOutput(self, "RestApiId", value=self.api.rest_api_id)
        CfnOutput(self, "ApiStageName", value=stage.stage_name)
        CfnOutput(self, "AuthorizeRequestFunction", value=self.authorize_request.function.function_name)

    def _authorize_request(self, bundler: Bundler) -> PythonFunction:
        settings = self._settings
        authorize_request = PythonFunction(
            self,
            "AuthorizeRequest",
            name="authorize_request",
            description="Tells who calls from the bearer token",
            layers=SharedLayers(self, "Layers", settings=settings, bundler=bundler),
            timeout_seconds=settings.api.authorizer_timeout_seconds,
            resources={},
        )
        authorize_request.allow("secretsmanager:GetSecretValue", on=secret_arn(self, settings.tokens_secret_name))
        return authorize_request

    def _rest_api(self) -> apigateway.RestApi:
        settings = self._settings
        access_logs = log_group(self, "AccessLogs", settings)
        api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=f"comanda-{settings.stage}",
            description="Comanda: orders in, balances and reports out",
            endpoint_configuration=apigateway.EndpointConfiguration(types=[apigateway.EndpointType.REGIONAL]),
            # One setting of the whole account and region, which other APIs may have come to need: it stays.
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=RemovalPolicy.DESTROY
            if settings.stage == "local"
            else RemovalPolicy.RETAIN,
            api_key_source_type=apigateway.ApiKeySourceType.AUTHORIZER if settings.api.usage_plans else None,
            deploy_options=apigateway.StageOptions(
                stage_name=API_STAGE,
                throttling_rate_limit=settings.api.rate_per_second,
                throttling_burst_limit=settings.api.burst,
                metrics_enabled=True,
                tracing_enabled=settings.observability.tracing,
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                access_log_destination=apigateway.LogGroupLogDestination(access_logs),
                access_log_format=_access_log_format(),
            ),
        )
        api.node.try_remove_child("Endpoint")  # CDK's own output; ApiUrl is ours
        # API Gateway would make this group itself, and keep what is in it for ever.
        execution_logs = log_group(
            self, "ExecutionLogs", settings, f"API-Gateway-Execution-Logs_{api.rest_api_id}/{API_STAGE}"
        )
        api.deployment_stage.node.add_dependency(execution_logs)
        acknowledge(api, "AwsSolutions-APIG2", "The functions validate bodies, and name the field that is wrong.")
        acknowledge(
            api.deployment_stage,
            "AwsSolutions-APIG3",
            "Tokens, throttles and usage plans guard the API; a web ACL has a monthly price and is its owner's choice.",
        )
        acknowledge(
            api,
            f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/{_LOG_PUSHER}]",
            'The policy AWS names for this role ("Set up CloudWatch logging for REST APIs in API Gateway").',
        )
        return api

    def _add_order_routes(self, orders: OrdersStack) -> None:
        write = apigateway.LambdaIntegration(orders.write_orders.function, allow_test_invoke=False)
        read = apigateway.LambdaIntegration(orders.read_orders.function, allow_test_invoke=False)

        root = self.api.root
        orders_path = root.add_resource("orders")
        order_path = orders_path.add_resource("{order_id}")
        recipient_path = root.add_resource("recipients").add_resource("{recipient_id}")

        self._callers_only(orders_path, "POST", write)
        self._callers_only(order_path, "GET", read)
        self._callers_only(order_path.add_resource("cancel"), "POST", write)
        self._callers_only(recipient_path, "GET", read)
        self._callers_only(recipient_path.add_resource("entries"), "GET", read)
        self._everybody(root.add_resource("health"), "GET", read)
        self._everybody(root.add_resource("ready"), "GET", read)

    def _add_report_routes(self, reports: ReportsStack) -> None:
        write = apigateway.LambdaIntegration(reports.write_reports.function, allow_test_invoke=False)
        read = apigateway.LambdaIntegration(reports.read_reports.function, allow_test_invoke=False)

        reports_path = self.api.root.add_resource("reports")
        report_path = reports_path.add_resource("{report_id}")

        self._callers_only(reports_path, "POST", write)
        self._callers_only(reports_path.add_resource("uploads"), "POST", write)
        self._callers_only(report_path, "GET", read)
        self._callers_only(report_path.add_resource("download"), "GET", read)
        self._callers_only(report_path.add_resource("cancel"), "POST", write)
        self._everybody(self.api.root.add_resource("links").add_resource("{token}"), "GET", read)

    def _add_fallbacks(self, orders: OrdersStack) -> None:
        root = self.api.root
        for resource in (root, root.add_resource("{proxy+}")):
            # Else API Gateway takes an unknown path for a request to sign, and a bearer token for a bad signature.
            _acknowledge_open(answer_rest_with(resource, NOT_FOUND, **self._for_browsers))
            self._answer_preflight(
                resource, apigateway.LambdaIntegration(orders.read_orders.function, allow_test_invoke=False)
            )

    def _callers_only(
        self, resource: apigateway.Resource, method: str, integration: apigateway.LambdaIntegration
    ) -> None:
        for each in _with_head(method):
            added = resource.add_method(
                each,
                integration,
                authorizer=self._authorizer,
                authorization_type=apigateway.AuthorizationType.CUSTOM,
                api_key_required=bool(self._settings.api.usage_plans),
            )
            reason = "Callers are programs with bearer tokens: a Lambda authorizer checks."
            acknowledge(added, "AwsSolutions-COG4", reason)
        self._refuse_other_methods(resource, method)
        self._answer_preflight(resource, integration)

    def _everybody(self, resource: apigateway.Resource, method: str, integration: apigateway.LambdaIntegration) -> None:
        for each in _with_head(method):
            _acknowledge_open(
                resource.add_method(each, integration, authorization_type=apigateway.AuthorizationType.NONE)
            )
        self._refuse_other_methods(resource, method)
        self._answer_preflight(resource, integration)

    def _refuse_other_methods(self, resource: apigateway.Resource, method: str) -> None:
        allowed = (*_with_head(method), *(["OPTIONS"] if self._settings.api.cors_origins else []))
        _acknowledge_open(
            answer_rest_with(resource, METHOD_NOT_ALLOWED, Allow=", ".join(allowed), **self._for_browsers)
        )

    def _answer_preflight(self, resource: apigateway.IResource, integration: apigateway.LambdaIntegration) -> None:
        """The function knows the origins; a mock integration's templates would compare them as patterns, in which a dot
        stands for anything, and run on AWS only."""
        if self._settings.api.cors_origins and resource.node.try_find_child("OPTIONS") is None:
            _acknowledge_open(
                resource.add_method("OPTIONS", integration, authorization_type=apigateway.AuthorizationType.NONE)
            )

    def _add_usage_plans(self) -> None:
        """A plan per origin, under a key that no client ever sends.

        The authorizer names the key of the caller's origin (usageIdentifierKey) and with it the plan that counts, so
        the key's value needs to be known, not kept: a bearer token is what opens the API.
        """
        for origin, limits in self._settings.api.usage_plans.items():
            key = apigateway.ApiKey(
                self, f"{origin.capitalize()}Key", value=f"{self._settings.usage_key_prefix}-{origin}"
            )
            plan = self.api.add_usage_plan(
                f"{origin.capitalize()}Plan",
                name=f"comanda-{self._settings.stage}-{origin}",
                throttle=apigateway.ThrottleSettings(rate_limit=limits.rate_per_second, burst_limit=limits.burst),
                quota=apigateway.QuotaSettings(limit=limits.quota_per_day, period=apigateway.Period.DAY),
                api_stages=[apigateway.UsagePlanPerApiStage(api=self.api, stage=self.api.deployment_stage)],
            )
            plan.add_api_key(key)


def _with_head(method: str) -> tuple[str, ...]:
    """Whoever answers GET answers HEAD (RFC 9110, section 9.1)."""
    return ("GET", "HEAD") if method == "GET" else (method,)


def _access_log_format() -> apigateway.AccessLogFormat:
    """Not the path: a link to a report stands in it, and whoever has one may use it."""
    return apigateway.AccessLogFormat.custom(
        json.dumps(
            {
                "request_id": "$context.requestId",
                "caller": "$context.authorizer.principalId",
                "ip": "$context.identity.sourceIp",
                "method": "$context.httpMethod",
                "resource": "$context.resourcePath",
                "status": "$context.status",
                "error": "$context.error.responseType",
                "latency_ms": "$context.responseLatency",
                "function_ms": "$context.integration.latency",
                "response_bytes": "$context.responseLength",
                "time": "$context.requestTime",
            }
        )
    )


def _acknowledge_open(method: apigateway.Method) -> None:
    reason = "Open on purpose: a probe, a link that we signed, or a fixed answer that no function is called for."
    acknowledge(method, "AwsSolutions-APIG4", reason)
    acknowledge(method, "AwsSolutions-COG4", reason)
