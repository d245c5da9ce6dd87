"""A Lambda function from functions/<name>, allowed exactly what it is told."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict, Unpack

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.log_group import log_group
from infra.constructs.shared_layers import SharedLayers, architecture_of, runtime_of
from infra.environment import environment_of


class FunctionCode(TypedDict):
    """What runs: functions/<name>, on these layers, in so much memory."""

    name: str
    description: str
    layers: SharedLayers
    own_layers: NotRequired[Sequence[lambda_.ILayerVersion]]
    """Beside the shared ones."""
    memory_mb: NotRequired[int]
    """The stage's, if none is given."""
    function_name: NotRequired[str]
    """For one that another refers to which it depends on itself; else CloudFormation finds one."""


class PythonFunction(Construct):
    """A function, its role and its log group.

    infra/environment.py says what it reads from its environment; `resources` has the names and addresses in there.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        timeout_seconds: int,
        resources: Mapping[str, str],
        **code: Unpack[FunctionCode],
    ) -> None:
        super().__init__(scope, construct_id)
        self.name, layers = code["name"], code["layers"]
        self.given_up: sqs.Queue | None = None
        """Of one that is told of writes to tables: where what it did not take is described
        (infra/constructs/table_stream.py)."""
        settings = layers.settings
        self.log_group = log_group(self, "Logs", settings)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=code.get("function_name"),
            description=code["description"],
            code=lambda_.Code.from_asset(str(layers.bundler.function_code(self.name))),
            handler=f"functions.{self.name}.handler.handler",
            runtime=runtime_of(settings),
            architecture=architecture_of(settings),
            layers=[*layers.versions, *code.get("own_layers", ())],
            memory_size=code.get("memory_mb", settings.functions.memory_mb),
            timeout=Duration.seconds(timeout_seconds),
            environment=environment_of(self.name, settings, resources),
            log_group=self.log_group,
            role=self.role,
            tracing=lambda_.Tracing.ACTIVE if settings.observability.tracing else None,
        )
        if settings.observability.tracing:
            acknowledge(self.role, "AwsSolutions-IAM5[Resource::*]", "X-Ray knows no resource but all of it.")
        CfnOutput(Stack.of(self), f"{construct_id}LogGroup", value=self.log_group.log_group_name)
        # The ARN attribute of a log group ends in ":*", so this covers its streams and nothing else.
        self.allow("logs:CreateLogStream", "logs:PutLogEvents", on=self.log_group.log_group_arn)
        if settings.stage == "local":
            self._accept_runtime_of_this_machine()

    def allow(self, *actions: str, on: str) -> None:
        """Let the function call `actions` on the resource with the ARN `on`, and on nothing else."""
        self.role.add_to_principal_policy(iam.PolicyStatement(actions=list(actions), resources=[on]))

    def allow_idempotency(self, records: dynamodb.ITable) -> None:
        """What Powertools' DynamoDBPersistenceLayer calls. A record that is there comes with the failed condition, so
        that it never reads one."""
        self.allow("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", on=records.table_arn)

    def allow_objects(self, *actions: str, of: s3.IBucket, below: str) -> None:
        """Let the function call `actions` on the objects of another stack's bucket whose keys begin with `below`."""
        self.allow(*actions, on=of.arn_for_objects(f"{below}*"))
        # cdk-nag names the finding by what the template will hold: the bucket's export.
        exported = Stack.of(self).resolve(Stack.of(of).export_value(of.bucket_arn))["Fn::ImportValue"]
        acknowledge(
            self.role,
            f"AwsSolutions-IAM5[Resource::{exported}/{below}*]",
            "The star stands for the keys below one folder of one bucket.",
        )

    def _accept_runtime_of_this_machine(self) -> None:
        """The emulator runs functions with the Python of the machine, which Lambda may have left behind."""
        acknowledge(self.function, "AwsSolutions-L1", "Built for this machine's Python, which runs the emulator.")
        resource = self.function.node.default_child
        if isinstance(resource, lambda_.CfnFunction):
            resource.add_metadata("cfn-lint", {"config": {"ignore_checks": ["W2531", "E2531", "E2533"]}})
