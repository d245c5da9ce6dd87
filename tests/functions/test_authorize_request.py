"""The authorizer: bearer tokens, by their hashes."""

import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from moto import mock_aws

from comanda.domain.shared.access import Origin, Scope, TokenRecord, issue_token
from comanda.domain.shared.errors import Unavailable
from functions.authorize_request.app import AuthorizerHandler, Settings, Unauthorized, build
from tests.functions.conftest import Context
from tests.golden import token_event
from tests.support.builders import NOW

ARN = "arn:aws:execute-api:us-east-1:000000000000:api123/v1/GET/orders/1"
BEARER, TOKEN_ID, RECORD = issue_token("web-shop", Origin.WEB, [Scope.ORDERS_READ, Scope.ORDERS_WRITE], NOW)


@pytest.fixture
def authorize() -> Iterator[AuthorizerHandler]:
    with mock_aws():
        yield _authorizer({TOKEN_ID: RECORD})


def _authorizer(tokens: dict[str, TokenRecord], **settings: str) -> AuthorizerHandler:
    client = boto3.client("secretsmanager", region_name="us-east-1")
    client.create_secret(Name="tokens", SecretString=json.dumps({"tokens": tokens}))
    return build(Settings.load({"TOKENS_SECRET": "tokens", **settings}), SecretsProvider(boto3_client=client))


def ask(authorize: AuthorizerHandler, header: str) -> dict[str, Any]:
    return authorize(token_event(header, ARN), Context())  # type: ignore[arg-type]


def test_a_token_opens_the_whole_api_and_tells_who_calls(authorize: AuthorizerHandler) -> None:
    answer = ask(authorize, f"Bearer {BEARER}")
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Resource"] == ["arn:aws:execute-api:us-east-1:000000000000:api123/v1/*/*"]
    assert answer["context"] == {"caller": "web-shop", "origin": "web", "scopes": "orders:read orders:write"}
    assert "usageIdentifierKey" not in answer


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(authorize: AuthorizerHandler, scheme: str) -> None:
    assert ask(authorize, f"{scheme} {BEARER}")["principalId"] == "web-shop"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "{bearer}", "Basic {bearer}", "Bearer {bearer}x", "Bearer {token_id}.{wrong}"]
)
def test_anything_else_is_unauthorized(authorize: AuthorizerHandler, header: str) -> None:
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        ask(authorize, header.format(bearer=BEARER, token_id=TOKEN_ID, wrong="A" * 43))


def test_with_usage_plans_the_answer_names_the_origins_key() -> None:
    with mock_aws():
        authorize = _authorizer({TOKEN_ID: RECORD}, USAGE_KEY_PREFIX="comanda-prod-usage-plan")
        assert ask(authorize, f"Bearer {BEARER}")["usageIdentifierKey"] == "comanda-prod-usage-plan-web"


def test_no_tokens_let_nobody_in() -> None:
    with mock_aws(), pytest.raises(Unauthorized):
        ask(_authorizer({}), f"Bearer {BEARER}")


def test_a_secret_that_cannot_be_read_is_an_outage_and_not_a_refusal() -> None:
    with mock_aws():
        provider = SecretsProvider(boto3_client=boto3.client("secretsmanager", region_name="us-east-1"))
        authorize = build(Settings.load({"TOKENS_SECRET": "missing"}), provider)
        with pytest.raises(Unavailable):
            ask(authorize, f"Bearer {BEARER}")


def test_no_log_line_holds_a_token(authorize: AuthorizerHandler, logs: io.StringIO) -> None:
    ask(authorize, f"Bearer {BEARER}")
    with pytest.raises(Unauthorized):
        ask(authorize, f"Bearer {BEARER}x")
    assert "token.accepted" in logs.getvalue()
    assert BEARER.split(".")[1] not in logs.getvalue()
