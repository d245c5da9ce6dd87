"""What must outlive a deploy: the tables, the files, the callers' tokens and what their webhooks are signed with."""

import json

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.cors import cors_of_files
from infra.settings import StageSettings


class DataStack(Stack):
    """Orders, the ledger, reports and their files, idempotency records, circuits, hashes of tokens, and secrets."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings) -> None:
        super().__init__(scope, construct_id, description="Comanda: tables, files and tokens")
        self._settings = settings
        self._removal_policy = RemovalPolicy.RETAIN if settings.keep_on_delete else RemovalPolicy.DESTROY

        self.orders = self._table("OrdersTable", "order_id", expires_by="expires_at", stream=True)
        # Open, failed and owed orders, for the reconciler and the CLI: sparse, so that it costs two writes in the life
        # of an order.
        _add_index(self.orders, "attention", "attention", "created_at")
        # Orders by the time they were accepted, for reports: written once in an order's life (docs/decisions/0007).
        _add_index(self.orders, "period", "period", "created_at")
        self.ledger = self._table("LedgerTable", "recipient_id", sort_key="entry")
        self.reports = self._table("ReportsTable", "report_id", expires_by="expires_at", stream=True)
        # What is owed and what failed, here and below: sparse, and empty while all goes well.
        _add_index(self.reports, "attention", "attention", "created_at")
        self.idempotency = self._table("IdempotencyTable", "id", expires_by="expiration")
        self.circuits = self._table("CircuitsTable", "id", expires_by="expiration")
        self.subscriptions = self._table("SubscriptionsTable", "id")
        self.notifications = self._table("NotificationsTable", "notification_id", expires_by="expires_at")
        # All about an order or a report, for the CLI and the reconciler.
        _add_index(self.notifications, "subject", "subject_id", "happened_at")
        _add_index(self.notifications, "attention", "attention", "created_at")
        self.report_files = self._report_files()
        self.tokens = self._tokens_secret()
        self.webhook_secrets = self._webhook_secrets()
        self.link_keys = self._link_keys()
        self.resources = {
            "ORDERS_TABLE": self.orders.table_name,
            "LEDGER_TABLE": self.ledger.table_name,
            "REPORTS_TABLE": self.reports.table_name,
            "IDEMPOTENCY_TABLE": self.idempotency.table_name,
            "CIRCUITS_TABLE": self.circuits.table_name,
            "SUBSCRIPTIONS_TABLE": self.subscriptions.table_name,
            "NOTIFICATIONS_TABLE": self.notifications.table_name,
            "BUCKET": self.report_files.bucket_name,
        }
        """Names, by the variables of functions (infra/environment.py)."""

    def _table(
        self,
        construct_id: str,
        partition_key: str,
        *,
        sort_key: str | None = None,
        expires_by: str | None = None,
        stream: bool = False,
    ) -> dynamodb.Table:
        """`stream`: whoever is told of changes reads them there (docs/decisions/0010)."""
        table = dynamodb.Table(
            self,
            construct_id.removesuffix("Table"),
            partition_key=_text(partition_key),
            sort_key=_text(sort_key) if sort_key else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute=expires_by,
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES if stream else None,
            deletion_protection=self._settings.keep_on_delete,
            removal_policy=self._removal_policy,
        )
        CfnOutput(self, construct_id, value=table.table_name)
        if stream:  # Else CDK exports the streams in an order of its own, which differs from one synthesis to the next.
            self.export_value(table.table_stream_arn)
        return table

    def _report_files(self) -> s3.Bucket:
        """Finished reports, and the tables that callers uploaded for them.

        A file goes on the first midnight (UTC) after its days, and so never before its report expires. A table can be
        asked for as long as a report lives, and is then needed as long again. Where a stage is removed with its data,
        the bucket has to be empty first: what empties it by itself is a function with rights over all of it.
        """
        days = self._settings.reports.lifetime_days
        bucket = s3.Bucket(
            self,
            "ReportFiles",
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            cors=cors_of_files(self._settings),
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(id="reports", prefix="reports/", expiration=Duration.days(days)),
                s3.LifecycleRule(id="tables", prefix="tables/", expiration=Duration.days(2 * days)),
                s3.LifecycleRule(id="unfinished-uploads", abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
            removal_policy=self._removal_policy,
        )
        acknowledge(
            bucket,
            "AwsSolutions-S1",
            "Files are reached by links that live for minutes; a log of each download is its owner's choice and cost.",
        )
        CfnOutput(self, "ReportsBucket", value=bucket.bucket_name)
        return bucket

    def _tokens_secret(self) -> secretsmanager.Secret:
        """`comanda token create` adds tokens, as hashes. The template is not empty because the emulator wants it so."""
        secret = secretsmanager.Secret(
            self,
            "Tokens",
            secret_name=self._settings.tokens_secret_name,
            description="Callers of the Comanda API: hashes of their bearer tokens, by token id",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"tokens": {}}), generate_string_key="created_with"
            ),
            removal_policy=self._removal_policy,
        )
        acknowledge(
            secret, "AwsSolutions-SMG4", "Holds hashes of tokens given to callers, each renewed on its own by the CLI."
        )
        # A Ref of a secret is its ARN on AWS and its name on the emulator.
        CfnOutput(self, "TokensSecret", value=self._settings.tokens_secret_name)
        return secret

    def _webhook_secrets(self) -> secretsmanager.Secret:
        """`comanda webhook secret issue` adds them. They sign, so that they are kept themselves, and not as hashes."""
        secret = secretsmanager.Secret(
            self,
            "WebhookSecrets",
            secret_name=self._settings.webhook_secrets_name,
            description="What Comanda signs webhooks with, by caller",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"secrets": {}}), generate_string_key="created_with"
            ),
            removal_policy=self._removal_policy,
        )
        acknowledge(
            secret,
            "AwsSolutions-SMG4",
            "Shared with callers, each of whom takes the next one in its own time: the CLI.",
        )
        CfnOutput(self, "WebhookSecretsSecret", value=self._settings.webhook_secrets_name)
        return secret

    def _link_keys(self) -> secretsmanager.Secret:
        """A key by its id, and which one signs (layers/comanda/…/signed_link.py)."""
        secret = secretsmanager.Secret(
            self,
            "LinkKeys",
            secret_name=self._settings.link_keys_name,
            description="What Comanda signs links to reports with",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"current": "first"}),
                generate_string_key="first",
                password_length=64,
                exclude_punctuation=True,
            ),
            removal_policy=self._removal_policy,
        )
        acknowledge(
            secret, "AwsSolutions-SMG4", "Known to nobody but the functions; a new key would only end links early."
        )
        return secret


def _add_index(table: dynamodb.Table, name: str, partition_key: str, sort_key: str) -> None:
    table.add_global_secondary_index(
        index_name=name,
        partition_key=_text(partition_key),
        sort_key=_text(sort_key),
        projection_type=dynamodb.ProjectionType.KEYS_ONLY,
    )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
