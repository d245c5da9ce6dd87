"""The canary: a function on a schedule that sends an order through the API, with a token of its own."""

import json

from aws_cdk import CfnOutput, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.bundling import Bundler
from infra.constructs.every_minute import RECONCILER_TIMEOUT_SECONDS, EveryMinute
from infra.constructs.python_function import PythonFunction
from infra.constructs.secret_arn import secret_arn
from infra.constructs.shared_layers import SharedLayers
from infra.settings import StageSettings


class Canary(Construct):
    """`comanda token canary` puts the token into the secret; until then the canary tells that it fails."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: StageSettings, bundler: Bundler, api: apigateway.RestApi
    ) -> None:
        super().__init__(scope, construct_id)
        secret = secretsmanager.Secret(
            self,
            "Token",
            secret_name=settings.canary_secret_name,
            description="The bearer token of the canary",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"value": "Bearer none-yet"}), generate_string_key="made_with"
            ),
            removal_policy=RemovalPolicy.DESTROY,  # Of no use without the canary.
        )
        acknowledge(secret, "AwsSolutions-SMG4", "A token of our own API, renewed by `comanda token canary`.")
        self.function = PythonFunction(
            self,
            "CheckCanary",
            name="check_canary",
            description="Whether an order gets through, from the front door to its completion",
            layers=SharedLayers(self, "Layers", settings=settings, bundler=bundler),
            timeout_seconds=RECONCILER_TIMEOUT_SECONDS,
            resources={"API_URL": api.deployment_stage.url_for_path().removesuffix("/")},
        )
        self.function.node.add_dependency(secret)
        self.function.allow("secretsmanager:GetSecretValue", on=secret_arn(self, settings.canary_secret_name))
        EveryMinute(self, "Schedule", self.function.function, minutes=settings.observability.canary_minutes)
        CfnOutput(self, "Secret", value=settings.canary_secret_name).override_logical_id("CanarySecret")
