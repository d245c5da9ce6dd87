"""A Lambda function from functions/<name>, allowed exactly what it is told."""

from collections.abc import Mapping
from typing import TypedDict, Unpack

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.log_group import log_group
from infra.shared_layers import SharedLayers, architecture_of, runtime_of


class FunctionCode(TypedDict):
    """What runs: functions/<name>, on these layers."""

    name: str
    description: str
    layers: SharedLayers


class PythonFunction(Construct):
    """A function, its role and its log group."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        timeout_seconds: int,
        environment: Mapping[str, str],
        **code: Unpack[FunctionCode],
    ) -> None:
        super().__init__(scope, construct_id)
        name, layers = code["name"], code["layers"]
        settings = layers.settings
        self.log_group = log_group(self, "Logs", settings)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.function = lambda_.Function(
            self,
            "Function",
            description=code["description"],
            code=lambda_.Code.from_asset(str(layers.bundler.function_code(name))),
            handler=f"functions.{name}.handler.handler",
            runtime=runtime_of(settings),
            architecture=architecture_of(settings),
            layers=layers.versions,
            memory_size=settings.function_memory_mb,
            timeout=Duration.seconds(timeout_seconds),
            environment={
                "POWERTOOLS_SERVICE_NAME": name.replace("_", "-"),
                "POWERTOOLS_METRICS_NAMESPACE": "Comanda",
                "POWERTOOLS_LOG_LEVEL": settings.log_level,
                "STAGE": settings.stage,
                **environment,
            },
            log_group=self.log_group,
            role=self.role,
        )
        # The ARN attribute of a log group ends in ":*", so this covers its streams and nothing else.
        self.allow("logs:CreateLogStream", "logs:PutLogEvents", on=self.log_group.log_group_arn)
        if settings.stage == "local":
            self._accept_runtime_of_this_machine()

    def allow(self, *actions: str, on: str) -> None:
        """Let the function call `actions` on the resource with the ARN `on`, and on nothing else."""
        self.role.add_to_principal_policy(iam.PolicyStatement(actions=list(actions), resources=[on]))

    def _accept_runtime_of_this_machine(self) -> None:
        """The emulator runs functions with the Python of the machine, which Lambda may have left behind."""
        acknowledge(self.function, "AwsSolutions-L1", "Built for this machine's Python, which runs the emulator.")
        resource = self.function.node.default_child
        if isinstance(resource, lambda_.CfnFunction):
            resource.add_metadata("cfn-lint", {"config": {"ignore_checks": ["W2531", "E2531", "E2533"]}})
