"""`comanda webhook secret`, and what the function that signs makes of it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from standardwebhooks import Webhook

from comanda.adapters.notifications.webhook_secrets import StoredWebhookSecrets
from comanda.domain.shared.errors import PermanentError, Unavailable
from comanda_cli.access.webhook_secrets import WebhookSecretStore
from comanda_cli.stack.stack_info import StackInfo
from tests.cli.conftest import Cli
from tests.support.builders import NOW

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@pytest.fixture
def client(stack: StackInfo, moto_session: boto3.Session) -> Iterator["SecretsManagerClient"]:
    """Secrets Manager with the secret as CDK makes it."""
    client = moto_session.client("secretsmanager", region_name=stack.region)
    client.create_secret(
        Name=stack.webhook_secrets_secret, SecretString=json.dumps({"secrets": {}, "created_with": "x"})
    )
    yield client
    client.delete_secret(SecretId=stack.webhook_secrets_secret, ForceDeleteWithoutRecovery=True)


@pytest.fixture
def webhook(cli: Cli, client: "SecretsManagerClient") -> Cli:
    """The command, with a secret to work on."""
    return cli


@pytest.fixture
def secrets(client: "SecretsManagerClient", stack: StackInfo) -> StoredWebhookSecrets:
    return StoredWebhookSecrets(SecretsProvider(boto3_client=client), stack.webhook_secrets_secret)


def made(cli: Cli, *arguments: str) -> dict[str, Any]:
    done = cli("webhook", "secret", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def listed(cli: Cli) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = json.loads(cli("webhook", "secret", "list", "--json").stdout)
    return shown


def test_an_issued_secret_is_printed_alone_once_and_signs(webhook: Cli, secrets: StoredWebhookSecrets) -> None:
    issued = webhook("webhook", "secret", "issue", "--caller", "shop").stdout.strip()
    assert Webhook(issued).sign("1", NOW, "{}")
    assert secrets.valid_for("shop", NOW) == [issued]
    shown = [webhook("webhook", "secret", "list", *options).stdout for options in ([], ["--json"])]
    assert all("shop" in each and issued not in each and "whsec" not in each for each in shown)


def test_the_first_secret_of_a_caller_signs_at_once(webhook: Cli, secrets: StoredWebhookSecrets) -> None:
    """Also where the function has just found that there is none."""
    with pytest.raises(PermanentError):
        secrets.valid_for("shop", NOW)
    issued = made(webhook, "issue", "--caller", "shop")["secret"]
    assert secrets.valid_for("shop", NOW) == [issued]


def test_while_it_is_rotated_two_are_valid_the_newest_first(webhook: Cli, secrets: StoredWebhookSecrets) -> None:
    old = made(webhook, "issue", "--caller", "shop")["secret"]
    new = made(webhook, "rotate", "--caller", "shop")["secret"]
    assert secrets.valid_for("shop", NOW) == [new, old]
    assert secrets.valid_for("shop", NOW + timedelta(hours=23, minutes=59)) == [new, old]
    assert secrets.valid_for("shop", NOW + timedelta(hours=24)) == [new]
    assert [each.get("expires_at") for each in listed(webhook)] == ["2026-11-23T09:30:00.000Z", None]


def test_an_overlap_is_as_long_as_was_said_and_never_grows(webhook: Cli, secrets: StoredWebhookSecrets) -> None:
    made(webhook, "issue", "--caller", "shop")
    second = made(webhook, "rotate", "--caller", "shop", "--overlap", "1")["secret"]
    third = made(webhook, "rotate", "--caller", "shop", "--overlap", "48")["secret"]
    assert len(secrets.valid_for("shop", NOW)) == 3
    assert secrets.valid_for("shop", NOW + timedelta(hours=1)) == [third, second]


def test_without_an_overlap_the_old_one_ends_at_once(webhook: Cli, secrets: StoredWebhookSecrets) -> None:
    made(webhook, "issue", "--caller", "shop")
    new = made(webhook, "rotate", "--caller", "shop", "--overlap", "0")["secret"]
    assert secrets.valid_for("shop", NOW) == [new]


def test_what_has_expired_is_forgotten_at_the_next_change(
    webhook: Cli, client: "SecretsManagerClient", stack: StackInfo
) -> None:
    made(webhook, "issue", "--caller", "shop")
    made(webhook, "rotate", "--caller", "shop", "--overlap", "1")
    WebhookSecretStore(client, stack.webhook_secrets_secret).rotate("shop", timedelta(), NOW + timedelta(hours=2))
    assert len(listed(webhook)) == 2


def test_a_revoked_secret_signs_no_more(webhook: Cli, secrets: StoredWebhookSecrets) -> None:
    first = made(webhook, "issue", "--caller", "shop")
    other = made(webhook, "issue", "--caller", "bank")
    assert "of shop is revoked" in webhook("webhook", "secret", "revoke", first["id"]).stdout
    assert secrets.valid_for("bank", NOW) == [other["secret"]]
    with pytest.raises(PermanentError) as caught:
        secrets.valid_for("shop", NOW)
    assert caught.value.name == "NoWebhookSecret"
    assert {each["caller"] for each in listed(webhook)} == {"bank"}
    assert made(webhook, "issue", "--caller", "shop"), "and the caller can be given another"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["issue", "--caller", "shop"], "shop has a secret already"),
        (["issue", "--caller", "My Shop"], "1 to 40 lower-case letters"),
        (["rotate", "--caller", "bank"], "bank has no secret"),
        (["revoke", "0123"], "there is no webhook secret 0123"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_done_is_said(webhook: Cli, arguments: list[str], says: str) -> None:
    before = made(webhook, "issue", "--caller", "shop")
    refused = webhook("webhook", "secret", *arguments)
    assert refused.exit_code == 1
    assert says in refused.stderr
    assert [each["id"] for each in listed(webhook)] == [before["id"]]


def test_of_two_changes_at_once_neither_is_lost(webhook: Cli, client: "SecretsManagerClient", stack: StackInfo) -> None:
    """Another caller is given one between the reading and the writing."""
    store = WebhookSecretStore(client, stack.webhook_secrets_secret)
    others = iter(["bank"])

    def issue_another(**_: Any) -> None:
        if name := next(others, None):
            store.issue(name, NOW)

    client.meta.events.register_first("before-call.secrets-manager.PutSecretValue", issue_another)
    store.issue("shop", NOW)
    assert set(store.records()) == {"bank", "shop"}


def test_an_outage_is_no_missing_secret(client: "SecretsManagerClient") -> None:
    nowhere = StoredWebhookSecrets(SecretsProvider(boto3_client=client), "no-such-secret")
    with pytest.raises(Unavailable):
        nowhere.valid_for("shop", NOW)
