"""WebSockets: what API Gateway and the mappings of the streams are told. Permissions, variables and logs are held to
the same rules as everybody's, in test_orders_stack.py. The emulator enforces no throttles and makes no access logs."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from aws_cdk import App

from app import build_app, settings_of
from comanda.domain.live.subscriptions import PENDING_AT_MOST
from infra.settings import load_settings
from tests.infra.conftest import Resource, Synthesized, feature_flags
from tests.infra.test_orders_stack import named


def properties(stage: Synthesized, resource_type: str) -> dict[str, Resource]:
    found = stage.websocket.find_resources(resource_type)
    return {named({"Ref": logical_id}): dict(resource["Properties"]) for logical_id, resource in found.items()}


def test_all_routes_lead_to_one_function_and_the_first_has_an_authorizer(every_stage: Synthesized) -> None:
    routes = {route["RouteKey"]: route for route in properties(every_stage, "AWS::ApiGatewayV2::Route").values()}
    assert {key: route["AuthorizationType"] for key, route in routes.items()} == {
        "$connect": "CUSTOM",
        "$disconnect": "NONE",
        "$default": "NONE",
    }
    assert named(routes["$connect"]["AuthorizerId"]) == "WebSocketAuthorizer"
    (integration,) = properties(every_stage, "AWS::ApiGatewayV2::Integration").values()
    assert integration["IntegrationType"] == "AWS_PROXY"
    assert "ServeConnectionsFunction" in str(integration["IntegrationUri"])
    allowed = [str(each["SourceArn"]) for each in properties(every_stage, "AWS::Lambda::Permission").values()]
    assert sorted(arn.rpartition("/*")[2].rstrip("']}") for arn in allowed if "/*$" in arn) == sorted(routes)
    assert len(allowed) == len(routes) + 1


def test_the_authorizer_is_asked_whatever_headers_there_are(every_stage: Synthesized) -> None:
    """API Gateway answers 401 by itself where an identity source is missing, and a token may stand in either of two."""
    (authorizer,) = properties(every_stage, "AWS::ApiGatewayV2::Authorizer").values()
    assert authorizer["AuthorizerType"] == "REQUEST"
    assert authorizer["IdentitySource"] == ["route.request.header.Host"]
    assert "AuthorizeConnectionFunction" in str(authorizer["AuthorizerUri"])


def test_the_stage_is_throttled_measured_and_logged_without_headers(every_stage: Synthesized) -> None:
    (stage,) = properties(every_stage, "AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"] == {
        "DetailedMetricsEnabled": True,
        "ThrottlingRateLimit": every_stage.settings.api.rate_per_second,
        "ThrottlingBurstLimit": every_stage.settings.api.burst,
    }
    assert "AccessLogs" in str(stage["AccessLogSettings"]["DestinationArn"])
    assert ":*" not in str(stage["AccessLogSettings"]["DestinationArn"])
    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert logged["request_id"] == "$context.requestId", "API Gateway wants it"
    assert not [value for value in logged.values() if "header" in value or "query" in value]


@pytest.mark.parametrize("table", ["Orders", "Reports"])
def test_both_streams_are_read_from_their_beginning_and_not_for_ever(every_stage: Synthesized, table: str) -> None:
    mappings = properties(every_stage, "AWS::Lambda::EventSourceMapping").values()
    assert len(mappings) == 2
    (mapping,) = (each for each in mappings if named(each["EventSourceArn"]) == table)
    assert "StreamArn" in str(mapping["EventSourceArn"])
    assert named(mapping["FunctionName"]) == "BroadcastFunction"
    assert mapping["StartingPosition"] == "TRIM_HORIZON", "LATEST misses what comes while a mapping is made or changed"
    assert "FunctionResponseTypes" not in mapping, "the emulator takes a partial answer for a success"
    assert "ParallelizationFactor" not in mapping
    (pattern,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {
        "dynamodb": {"NewImage": {"status": {"S": [{"anything-but": ["accepting"]}]}}}
    }


def test_a_mapping_waits_for_its_role(every_stage: Synthesized) -> None:
    for mapping in every_stage.websocket.find_resources("AWS::Lambda::EventSourceMapping").values():
        assert any("RoleDefaultPolicy" in logical_id for logical_id in mapping["DependsOn"])


def test_connections_are_found_by_their_topic_and_expire(every_stage: Synthesized) -> None:
    (table,) = properties(every_stage, "AWS::DynamoDB::Table").values()
    assert [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]] == [
        ("topic", "HASH"),
        ("connection_id", "RANGE"),
    ]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert "GlobalSecondaryIndexes" not in table, "an index cannot be read consistently"
    (resource,) = every_stage.websocket.find_resources("AWS::DynamoDB::Table").values()
    assert resource["DeletionPolicy"] == "Delete"


def test_nobody_sends_a_snapshot_for_longer_than_a_subscription_is_pending(every_stage: Synthesized) -> None:
    assert timedelta(seconds=every_stage.functions()["serve_connections"]["Timeout"]) < PENDING_AT_MOST


def test_no_stack_needs_this_one_but_who_watches_it(every_stage: Synthesized) -> None:
    exported = {
        output["Export"]["Name"] for output in every_stage.websocket.find_outputs("*").values() if "Export" in output
    }
    assert all(name.startswith("Comanda-") for name in exported)
    for stack in every_stage.stacks:
        if stack is not every_stage.observability:
            text = json.dumps(stack.to_json())
            assert not [name for name in exported if json.dumps({"Fn::ImportValue": name}) in text]


def test_outputs(every_stage: Synthesized) -> None:
    outputs = every_stage.websocket.find_outputs("*")
    assert named(outputs["ConnectionsTable"]["Value"]) == "Connections"
    assert named(outputs["WebSocketApiId"]["Value"]) == "WebSocket"
    assert outputs["WebSocketStageName"]["Value"] == "v1"
    assert str(outputs["WebSocketUrl"]["Value"]).startswith("{'Fn::Join': ['', ['wss://'")
    assert {name for name in outputs if name.endswith("Function")} == {
        "AuthorizeConnectionFunction",
        "ServeConnectionsFunction",
        "BroadcastFunction",
    }


def test_a_stage_can_be_without(tmp_path: Path) -> None:
    app = App(context={**feature_flags(), "stage": "dev", "websocket.enabled": "false"}, outdir=str(tmp_path))
    settings = settings_of(app, {})
    assert not settings.websocket.enabled
    stacks = {stack.stack_name for stack in build_app(settings, app).synth().stacks}
    assert stacks == {
        f"Comanda-dev-{name}" for name in ("Data", "Orders", "Reports", "Api", "Notifications", "Observability")
    }
    assert load_settings("dev").websocket
