"""Tables, the bucket and the tokens secret. The emulator ignores TTL, point-in-time recovery, lifecycle rules and what
is kept on delete."""

import json
from urllib.parse import urlsplit

import boto3
import pytest

from comanda.adapters.aws.versioned_rows import ATTENTION_INDEX
from comanda.adapters.notifications.table import SUBJECT_INDEX
from comanda.adapters.orders.rows import PERIOD_INDEX
from comanda.adapters.reports.uploads import TableBucket
from comanda.domain.reports.report import Report, ReportFormat, ReportRequest
from tests.infra.conftest import Resource, Synthesized
from tests.support.builders import NOW

TABLES = {
    "Orders": ([("order_id", "HASH")], "expires_at"),
    "Ledger": ([("recipient_id", "HASH"), ("entry", "RANGE")], None),
    "Reports": ([("report_id", "HASH")], "expires_at"),
    "Idempotency": ([("id", "HASH")], "expiration"),
    "Circuits": ([("id", "HASH")], "expiration"),
    "Subscriptions": ([("id", "HASH")], None),
    "Notifications": ([("notification_id", "HASH")], "expires_at"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_its_keys_and_its_expiry(every_stage: Synthesized, name: str) -> None:
    keys, expires_by = TABLES[name]
    tables = every_stage.data.find_resources("AWS::DynamoDB::Table")
    assert len(tables) == len(TABLES)
    (table,) = (resource["Properties"] for logical_id, resource in tables.items() if logical_id.startswith(name))
    assert [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]] == keys
    indexed = {key["AttributeName"] for index in table.get("GlobalSecondaryIndexes", []) for key in index["KeySchema"]}
    defined = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    assert defined == dict.fromkeys({attribute for attribute, _ in keys} | indexed, "S")
    if expires_by:
        assert table["TimeToLiveSpecification"] == {"AttributeName": expires_by, "Enabled": True}
    else:
        assert "TimeToLiveSpecification" not in table
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_production_keeps_its_data_and_other_stages_clean_up(every_stage: Synthesized) -> None:
    kept = every_stage.settings.stage == "prod"
    for resource_type in (
        "AWS::DynamoDB::Table",
        "AWS::SecretsManager::Secret",
        "AWS::SQS::Queue",
        "AWS::S3::Bucket",
        "AWS::Logs::LogGroup",
    ):
        resources = {
            logical_id: resource
            for logical_id, resource in every_stage.resources(resource_type).items()
            if not logical_id.startswith("Connections")  # Open WebSockets: nothing to keep.
        }
        assert resources
        for logical_id, resource in resources.items():
            assert resource["DeletionPolicy"] == ("Retain" if kept else "Delete"), logical_id
            assert resource["UpdateReplacePolicy"] == resource["DeletionPolicy"], logical_id
    for table in every_stage.data.find_resources("AWS::DynamoDB::Table").values():
        assert table["Properties"].get("DeletionProtectionEnabled", False) is kept


@pytest.mark.parametrize(("name", "holds"), [("tokens", "tokens"), ("webhook-secrets", "secrets")])
def test_a_secret_starts_empty(every_stage: Synthesized, name: str, holds: str) -> None:
    named = {"Name": f"comanda-{every_stage.settings.stage}-{name}"}
    (secret,) = every_stage.data.find_resources("AWS::SecretsManager::Secret", {"Properties": named}).values()
    template = secret["Properties"]["GenerateSecretString"]
    assert json.loads(template["SecretStringTemplate"]) == {holds: {}}
    assert template["GenerateStringKey"] == "created_with"


def test_the_first_key_of_links_is_generated(every_stage: Synthesized) -> None:
    named = {"Name": every_stage.settings.link_keys_name}
    (secret,) = every_stage.data.find_resources("AWS::SecretsManager::Secret", {"Properties": named}).values()
    template = secret["Properties"]["GenerateSecretString"]
    assert json.loads(template["SecretStringTemplate"])["current"] == template["GenerateStringKey"]
    assert template["PasswordLength"] == 64


def test_outputs(every_stage: Synthesized) -> None:
    outputs = every_stage.data.find_outputs("*")
    named = {name for name, output in outputs.items() if "Export" not in output}
    tables = {f"{name}Table" for name in TABLES}
    assert named == tables | {"ReportsBucket", "TokensSecret", "WebhookSecretsSecret"}
    assert outputs["TokensSecret"]["Value"] == every_stage.settings.tokens_secret_name
    assert outputs["WebhookSecretsSecret"]["Value"] == every_stage.settings.webhook_secrets_name


def test_the_indexes_of_orders_carry_keys_only(every_stage: Synthesized) -> None:
    """`attention` is written when an order is claimed and when it is done with, `period` when it is accepted; by no
    other change (docs/decisions/0007)."""
    indexes = {
        index["IndexName"]: index
        for logical_id, table in every_stage.data.find_resources("AWS::DynamoDB::Table").items()
        for index in table["Properties"].get("GlobalSecondaryIndexes", [])
        if logical_id.startswith("Orders")
    }
    assert set(indexes) == {ATTENTION_INDEX, PERIOD_INDEX}
    for name, index in indexes.items():
        assert [key["AttributeName"] for key in index["KeySchema"]] == [name, "created_at"]
        assert [key["KeyType"] for key in index["KeySchema"]] == ["HASH", "RANGE"]
        assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def the_bucket(stage: Synthesized) -> Resource:
    (bucket,) = stage.data.find_resources("AWS::S3::Bucket").values()
    properties: Resource = bucket["Properties"]
    return properties


def test_files_are_private_and_encrypted(every_stage: Synthesized) -> None:
    bucket = the_bucket(every_stage)
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_the_bucket_refuses_plain_http_and_allows_nobody_by_itself(every_stage: Synthesized) -> None:
    (policy,) = every_stage.data.find_resources("AWS::S3::BucketPolicy").values()
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    assert {statement["Effect"] for statement in statements} == {"Deny"}
    conditions = [statement["Condition"] for statement in statements]
    assert {"Bool": {"aws:SecureTransport": "false"}} in conditions
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions


def test_files_tables_and_unfinished_uploads_are_swept(every_stage: Synthesized, moto_session: boto3.Session) -> None:
    """The folders are those that the code writes to; no file goes before its report expires."""
    days = every_stage.settings.reports.lifetime_days
    rules = {rule["Id"]: rule for rule in the_bucket(every_stage)["LifecycleConfiguration"]["Rules"]}
    assert set(rules) == {"reports", "tables", "unfinished-uploads"}
    assert {rule["Status"] for rule in rules.values()} == {"Enabled"}
    request = ReportRequest("c", True, "orders", ReportFormat.CSV, {})
    report = Report("r", request, False, "", NOW, created_at=NOW, updated_at=NOW)
    assert report.file_key.startswith(rules["reports"]["Prefix"])
    assert rules["reports"]["ExpirationInDays"] == days
    upload = TableBucket(moto_session.client("s3"), "bucket").new_upload("web", 1, "application/json")
    assert urlsplit(upload.url).path.startswith(f"/{rules['tables']['Prefix']}")
    assert rules["tables"]["ExpirationInDays"] == 2 * days
    assert "Prefix" not in rules["unfinished-uploads"]
    assert rules["unfinished-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    variables = every_stage.functions()["write_reports"]["Environment"]["Variables"]
    assert int(variables["REPORT_LIFETIME_SECONDS"]) == days * 24 * 60 * 60


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("Reports", {ATTENTION_INDEX: [ATTENTION_INDEX, "created_at"]}),
        (
            "Notifications",
            {SUBJECT_INDEX: ["subject_id", "happened_at"], ATTENTION_INDEX: [ATTENTION_INDEX, "created_at"]},
        ),
    ],
)
def test_what_is_owed_and_what_failed_is_found_by_an_index_of_keys_only(
    every_stage: Synthesized, table: str, expected: dict[str, list[str]]
) -> None:
    (indexes,) = (
        each["Properties"]["GlobalSecondaryIndexes"]
        for logical_id, each in every_stage.data.find_resources("AWS::DynamoDB::Table").items()
        if logical_id.startswith(table)
    )
    keys = {index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]] for index in indexes}
    assert keys == expected
    assert {index["Projection"]["ProjectionType"] for index in indexes} == {"KEYS_ONLY"}


def test_what_callers_are_told_of_is_read_off_two_streams(every_stage: Synthesized) -> None:
    streams = {
        logical_id[:-8]: table["Properties"]["StreamSpecification"]
        for logical_id, table in every_stage.data.find_resources("AWS::DynamoDB::Table").items()
        if "StreamSpecification" in table["Properties"]
    }
    assert streams == {name: {"StreamViewType": "NEW_AND_OLD_IMAGES"} for name in ("Orders", "Reports")}
