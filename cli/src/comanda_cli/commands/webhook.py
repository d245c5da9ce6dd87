"""`comanda webhook`: what webhooks are signed with."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from comanda.domain.notifications.webhook_signature import WebhookSecretRecord
from comanda_cli.access.webhook_secrets import WebhookSecretStore
from comanda_cli.stack.connection import Connection, connect
from comanda_cli.terminal.options import Json, Stage
from comanda_cli.terminal.output import print_json, print_table, remark, say

app = typer.Typer(no_args_is_help=True)
secret = typer.Typer(no_args_is_help=True)
app.add_typer(secret, name="secret", help="Issue, list, rotate and revoke signing secrets.")

Caller = Annotated[str, typer.Option(help="The caller's name, as its token has it.")]


@secret.command("issue")
def issue_secret(ctx: typer.Context, caller: Caller, stage: Stage = None, as_json: Json = False) -> None:
    """Make a caller's first secret and print it, once."""
    connection = connect(ctx, stage)
    _print_new(caller, _store(connection).issue(caller, connection.outside.clock()), as_json=as_json)


@secret.command("rotate")
def rotate_secret(
    ctx: typer.Context,
    caller: Caller,
    overlap: Annotated[
        float, typer.Option(min=0, metavar="HOURS", help="How long the old one goes on beside the new.")
    ] = 24,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Make a new secret and print it, once. Until the old one ends, webhooks are signed with both."""
    connection = connect(ctx, stage)
    rotated = _store(connection).rotate(caller, timedelta(hours=overlap), connection.outside.clock())
    _print_new(caller, rotated, as_json=as_json)


@secret.command("list")
def list_secrets(ctx: typer.Context, stage: Stage = None, as_json: Json = False) -> None:
    """List the secrets' ids and times; never a secret."""
    records = _store(connect(ctx, stage)).records()
    shown = [_shown(caller, record) for caller in sorted(records) for record in records[caller]]
    if as_json:
        print_json(shown)
        return
    print_table(
        ["Id", "Caller", "Created", "Expires"],
        [(each["id"], each["caller"], each["created_at"], each.get("expires_at")) for each in shown],
    )


@secret.command("revoke")
def revoke_secret(
    ctx: typer.Context,
    secret_id: Annotated[str, typer.Argument(help="The id, as `webhook secret list` shows it.")],
    stage: Stage = None,
) -> None:
    """Revoke a secret at once. A caller without any gets no webhooks."""
    caller = _store(connect(ctx, stage)).revoke(secret_id)
    say(f"Webhook secret {secret_id} of {caller} is revoked.")


def _print_new(caller: str, record: WebhookSecretRecord, *, as_json: bool) -> None:
    if as_json:
        print_json({**_shown(caller, record), "secret": record["secret"]})
    else:
        remark(f"Webhook secret {record['id']} of {caller}. Keep it now, it is not shown again:")
        say(record["secret"])


def _shown(caller: str, record: WebhookSecretRecord) -> dict[str, Any]:
    return {"caller": caller, **{name: value for name, value in record.items() if name != "secret"}}


def _store(connection: Connection) -> WebhookSecretStore:
    return WebhookSecretStore(connection.client("secretsmanager"), connection.stack.webhook_secrets_secret)
