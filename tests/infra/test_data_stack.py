"""Tables and the tokens secret. The emulator ignores TTL, point-in-time recovery and what is kept on delete."""

import json

import pytest

from comanda.adapters.order_rows import ATTENTION_INDEX
from tests.infra.conftest import Synthesized

TABLES = {
    "Orders": ([("order_id", "HASH")], "expires_at"),
    "Ledger": ([("recipient_id", "HASH"), ("entry", "RANGE")], None),
    "Idempotency": ([("id", "HASH")], "expiration"),
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
        "AWS::Logs::LogGroup",
    ):
        resources = every_stage.resources(resource_type)
        assert resources
        for logical_id, resource in resources.items():
            assert resource["DeletionPolicy"] == ("Retain" if kept else "Delete"), logical_id
            assert resource["UpdateReplacePolicy"] == resource["DeletionPolicy"], logical_id
    for table in every_stage.resources("AWS::DynamoDB::Table").values():
        assert table["Properties"].get("DeletionProtectionEnabled", False) is kept


def test_the_secret_starts_without_tokens(every_stage: Synthesized) -> None:
    (secret,) = every_stage.data.find_resources("AWS::SecretsManager::Secret").values()
    assert secret["Properties"]["Name"] == f"comanda-{every_stage.settings.stage}-tokens"
    template = secret["Properties"]["GenerateSecretString"]
    assert json.loads(template["SecretStringTemplate"]) == {"tokens": {}}
    assert template["GenerateStringKey"] == "created_with"


def test_outputs(every_stage: Synthesized) -> None:
    outputs = every_stage.data.find_outputs("*")
    named = {name for name, output in outputs.items() if "Export" not in output}
    assert named == {"OrdersTable", "LedgerTable", "IdempotencyTable", "TokensSecret"}
    assert outputs["TokensSecret"]["Value"] == every_stage.settings.tokens_secret_name


def test_open_and_failed_orders_have_a_sparse_index_that_carries_nothing_else(every_stage: Synthesized) -> None:
    """Keys only: written when an order is claimed and when it is done with, and by no other change."""
    (index,) = (
        index
        for table in every_stage.data.find_resources("AWS::DynamoDB::Table").values()
        for index in table["Properties"].get("GlobalSecondaryIndexes", [])
    )
    assert index["IndexName"] == ATTENTION_INDEX
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["attention", "created_at"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
