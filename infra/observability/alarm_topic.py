"""Where alarms are told: an SNS topic that CloudWatch may write to, and nobody else."""

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.settings import StageSettings

_CLOUDWATCH = iam.ServicePrincipal("cloudwatch.amazonaws.com")


class AlarmTopic(Construct):
    """Encrypted with a key of its own: CloudWatch may not use the one SNS brings along ("Amazon SNS alarm actions")."""

    def __init__(self, scope: Construct, construct_id: str, settings: StageSettings) -> None:
        super().__init__(scope, construct_id)
        key = kms.Key(
            self,
            "Key",
            description=f"Comanda {settings.stage}: messages of the alarms",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        of_this_account = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[_CLOUDWATCH],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],  # In a key's policy, the key itself.
                conditions=of_this_account,
            )
        )
        self.topic = sns.Topic(
            self, "Topic", topic_name=f"comanda-{settings.stage}-alarms", master_key=key, enforce_ssl=True
        )
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[_CLOUDWATCH],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=of_this_account,
            )
        )
        if settings.alarms.email:
            self.topic.add_subscription(subscriptions.EmailSubscription(settings.alarms.email))
