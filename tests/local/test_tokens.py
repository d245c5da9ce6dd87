"""Tokens in Secrets Manager, and the commands that make them."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from comanda.domain.shared.access import (
    CANARY,
    CLIENT_SCOPES,
    Action,
    Caller,
    Origin,
    Scope,
    Whose,
    authenticate,
    needed_for,
)
from comanda_cli.access import secret_document
from comanda_cli.access.tokens import CreatedToken, TokenStore
from comanda_cli.main import app
from comanda_cli.stack.sessions import local_session
from comanda_cli.stack.stack_info import StackInfo
from comanda_cli.terminal.errors import CliError
from local.stack import LOCAL_CALLERS, ensure_tokens
from local.state import State, write_private

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def stage() -> str:
    """A stage that no other test uses."""
    return f"test{uuid4().hex[:8]}"


@pytest.fixture
def secret(stage: str) -> str:
    return f"comanda-{stage}-tokens"


@pytest.fixture(params=["moto", "emulator"])
def client(request: pytest.FixtureRequest, secret: str) -> Iterator["SecretsManagerClient"]:
    """Secrets Manager with the secret as CDK makes it."""
    with mock_aws() if request.param == "moto" else nullcontext():
        if request.param == "moto":
            client = boto3.client("secretsmanager", region_name="us-east-1")
        else:
            client = local_session(request.getfixturevalue("bare_emulator")).client("secretsmanager")
        client.create_secret(Name=secret, SecretString=json.dumps({"tokens": {}, "created_with": "x"}))
        yield client


@pytest.fixture
def store(client: "SecretsManagerClient", secret: str) -> TokenStore:
    return TokenStore(client, secret)


def create(store: TokenStore, name: str) -> CreatedToken:
    return store.create(name, Origin.WEB, [Scope.ORDERS_WRITE], NOW)


def test_a_created_token_authenticates_and_its_secret_is_not_kept(
    store: TokenStore, client: "SecretsManagerClient", secret: str
) -> None:
    created = create(store, "shop")
    assert authenticate(created.bearer, store.records()) == Caller("shop", Origin.WEB, frozenset({Scope.ORDERS_WRITE}))
    assert (
        created.bearer.partition(".")[2]
        not in client.get_secret_value(SecretId=secret, VersionStage="AWSCURRENT")["SecretString"]
    )


def test_a_revoked_token_does_not(store: TokenStore) -> None:
    kept, revoked = create(store, "shop"), create(store, "shop")
    store.revoke(revoked.id)
    assert authenticate(revoked.bearer, store.records()) is None
    assert authenticate(kept.bearer, store.records()) is not None
    with pytest.raises(CliError, match="there is no token"):
        store.revoke(revoked.id)


def test_of_two_creates_at_once_neither_is_lost(store: TokenStore, client: "SecretsManagerClient") -> None:
    """Another create comes between the reading and the writing of the first."""
    others = iter(["second", "third"])

    def create_another(**_: Any) -> None:
        name = next(others, None)
        if name:
            create(store, name)

    client.meta.events.register_first("before-call.secrets-manager.PutSecretValue", create_another)
    create(store, "first")
    assert {record["name"] for record in store.records().values()} == {"first", "second", "third"}


def test_when_others_never_stop_it_gives_up_and_says_so(
    store: TokenStore, client: "SecretsManagerClient", secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_document, "_TRIES", 3)

    def overwrite(**_: Any) -> None:
        """As the AWS console does, with no regard for us."""
        client.put_secret_value(SecretId=secret, SecretString='{"tokens": {}}')

    client.meta.events.register_first("before-call.secrets-manager.UpdateSecretVersionStage", overwrite)
    with pytest.raises(CliError, match="nothing was changed"):
        create(store, "first")
    assert store.records() == {}


def test_a_full_secret_is_refused_before_aws_does(store: TokenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_document, "SECRET_LIMIT_BYTES", 300)
    create(store, "first")
    with pytest.raises(CliError, match="is full"):
        create(store, "second")


def test_a_bad_name_is_refused(store: TokenStore) -> None:
    with pytest.raises(CliError, match="1 to 40 lower-case letters"):
        create(store, "My Shop")


def test_local_tokens_are_made_once(store: TokenStore) -> None:
    first = ensure_tokens(store, {})
    assert {name: authenticate(bearer, store.records()) for name, bearer in first.items()} == LOCAL_CALLERS
    assert ensure_tokens(store, first) == first
    assert len(store.records()) == len(LOCAL_CALLERS)


def test_local_tokens_that_do_not_hold_any_more_are_replaced(store: TokenStore) -> None:
    first = ensure_tokens(store, {})
    store.revoke(first["web"].partition(".")[0])
    second = ensure_tokens(store, {**first, "ops": "nonsense"})
    assert {name for name in first if first[name] != second[name]} == {"web", "ops"}
    assert len(store.records()) == len(LOCAL_CALLERS)


@pytest.fixture
def deployed(bare_emulator: str, stage: str, secret: str, monkeypatch: pytest.MonkeyPatch) -> TokenStore:
    """A stage as far as the CLI looks at it: a secret, and the stack whose outputs name it."""
    session = local_session(bare_emulator)
    monkeypatch.setenv("AWS_ENDPOINT_URL", bare_emulator)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = session.client("secretsmanager")
    client.create_secret(Name=secret, SecretString='{"tokens": {}}')
    api = {"ApiUrl": "https://x/v1", "RestApiId": "x", "ApiStageName": "v1"}
    outputs = {**api, "TokensSecret": secret, "WebhookSecretsSecret": "w", "ReportsBucket": "files"}
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    cloudformation = session.client("cloudformation")
    cloudformation.create_stack(StackName=f"Comanda-{stage}-Data", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=f"Comanda-{stage}-Data", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    return TokenStore(client, secret)


def test_the_commands_create_list_and_revoke(deployed: TokenStore, stage: str) -> None:
    run = CliRunner().invoke
    options = ["--name", "shop", "--origin", "mobile", "--scope", "orders:read", "--scope", "ledger:read"]
    created = json.loads(run(app, ["token", "create", *options, "--stage", stage, "--json"]).stdout)
    caller = authenticate(created["token"], deployed.records())
    assert caller == Caller("shop", Origin.MOBILE, frozenset({Scope.ORDERS_READ, Scope.LEDGER_READ}))

    listed = run(app, ["token", "list", "--stage", stage, "--json"]).stdout
    assert [token["id"] for token in json.loads(listed)] == [created["id"]]
    for shown in (listed, run(app, ["token", "list", "--stage", stage]).stdout):
        assert created["id"] in shown
        assert created["token"].partition(".")[2] not in shown
        assert "sha256" not in shown

    assert run(app, ["token", "revoke", created["id"], "--stage", stage]).exit_code == 0
    assert deployed.records() == {}


def test_a_token_that_is_granted_more_stays_the_same_one(deployed: TokenStore, stage: str) -> None:
    """As those do that were made before reports had a scope of their own."""
    before = deployed.create("shop", Origin.WEB, [Scope.ORDERS_WRITE, Scope.ORDERS_READ], NOW)
    result = CliRunner().invoke(app, ["token", "grant", before.id, "--scope", "reports:write", "--stage", stage])
    assert (result.exit_code, "orders:read orders:write reports:write" in result.output) == (0, True)
    assert authenticate(before.bearer, deployed.records()) == Caller("shop", Origin.WEB, CLIENT_SCOPES)
    assert deployed.records()[before.id]["created_at"] == before.record["created_at"]


def test_the_rights_are_shown_as_the_table_has_them() -> None:
    shown = CliRunner().invoke(app, ["token", "rights"], env={"COLUMNS": "200"}).output
    for action in Action:
        (line,) = [line for line in shown.splitlines() if line.startswith(f"│ {action.value} ")]
        assert all(needed_for(action, whose) in line for whose in Whose), line


def test_the_canary_is_given_a_token_and_loses_those_it_had(
    deployed: TokenStore, bare_emulator: str, secret: str, stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, canary_secret = local_session(bare_emulator).client("secretsmanager"), f"comanda-{stage}-canary"
    client.create_secret(Name=canary_secret, SecretString='{"value": "Bearer none-yet"}')
    stack = StackInfo(
        api_url="http://x",
        endpoint_url=bare_emulator,
        region="us-east-1",
        webhook_secrets_secret="unused",
        tokens_secret=secret,
        queues={},
        tables={},
        functions={},
        canary_secret=canary_secret,
        bucket="bucket",
    )
    write_private(State(tmp_path / ".local").stack_file, stack.to_json())
    monkeypatch.chdir(tmp_path)
    other = create(deployed, "shop")
    for _ in range(2):
        result = CliRunner().invoke(app, ["token", "canary"])
        assert result.exit_code == 0, result.output
        bearer = json.loads(client.get_secret_value(SecretId=canary_secret)["SecretString"])["value"]
        caller = authenticate(bearer.removeprefix("Bearer "), deployed.records())
        assert caller == Caller(CANARY, Origin.API, frozenset({Scope.ORDERS_READ, Scope.ORDERS_WRITE}))
        assert bearer.partition(".")[2] not in result.output
    assert len(deployed.records()) == 2
    assert other.id in deployed.records()


def test_a_stage_without_a_canary_says_so(deployed: TokenStore, stage: str) -> None:
    result = CliRunner().invoke(app, ["token", "canary", "--stage", stage])
    assert result.exit_code == 1
    assert "observability.canary_minutes" in result.output


def test_create_prints_the_token_alone_so_that_a_script_can_take_it(
    deployed: TokenStore, bare_emulator: str, secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And without --stage it takes the local stack of the folder it is called in."""
    stack = StackInfo(
        api_url="http://x",
        endpoint_url=bare_emulator,
        region="us-east-1",
        tokens_secret=secret,
        webhook_secrets_secret="webhook-secrets",
        queues={},
        tables={},
        functions={},
        bucket="bucket",
    )
    write_private(State(tmp_path / ".local").stack_file, stack.to_json())
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    result = CliRunner().invoke(app, ["token", "create", "--name", "shop", "--origin", "web"])
    caller = authenticate(result.stdout.strip(), deployed.records())
    assert caller == Caller("shop", Origin.WEB, CLIENT_SCOPES)


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["token", "list", "--stage", "nowhere"], "there is no stage 'nowhere' in us-east-1"),
        (["token", "revoke", "0123", "--stage", "STAGE"], "there is no token 0123"),
        (["token", "grant", "0123", "--scope", "ops", "--stage", "STAGE"], "there is no token 0123"),
        (["token", "create", "--name", "My Shop", "--origin", "web", "--stage", "STAGE"], "1 to 40 lower-case letters"),
        (["token", "list"], "start a stack with `make up`"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: list[str], message: str, stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, [stage if argument == "STAGE" else argument for argument in arguments])
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
