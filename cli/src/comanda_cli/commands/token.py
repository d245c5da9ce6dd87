"""`comanda token`: who may call."""

import json
from operator import itemgetter
from typing import Annotated, Any

import typer

from comanda.domain.shared.access import CANARY, CLIENT_SCOPES, Action, Origin, Scope, TokenRecord, Whose, needed_for
from comanda_cli.access.tokens import TokenStore
from comanda_cli.stack.connection import Connection, connect
from comanda_cli.terminal.errors import CliError
from comanda_cli.terminal.options import Json, Stage
from comanda_cli.terminal.output import print_json, print_table, remark, say

app = typer.Typer(no_args_is_help=True)

_USUAL = sorted(CLIENT_SCOPES)
_SCOPE_HELP = "What it may do; repeat for more. `comanda token rights` shows what each scope opens."


@app.command("create")
def create_token(
    ctx: typer.Context,
    name: Annotated[str, typer.Option(help="The caller's name. It stays the same when the token is rotated.")],
    origin: Annotated[Origin, typer.Option(help="Where this caller's orders come from.")],
    scope: Annotated[list[Scope], typer.Option(help=_SCOPE_HELP)] = _USUAL,
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it, once: only its hash is kept."""
    connection = connect(ctx, stage)
    created = _token_store(connection).create(name, origin, scope, connection.outside.clock())
    if as_json:
        print_json({**_shown(created.id, created.record), "token": created.bearer})
    else:
        remark(f"Token {created.id} of {name}. Keep it now, it is not shown again:")
        say(created.bearer)


@app.command("list")
def list_tokens(ctx: typer.Context, stage: Stage = None, as_json: Json = False) -> None:
    """List the tokens, without their secrets."""
    records = _token_store(connect(ctx, stage)).records()
    tokens = [_shown(token_id, record) for token_id, record in records.items()]
    tokens.sort(key=itemgetter("name", "created_at"))
    if as_json:
        print_json(tokens)
        return
    print_table(
        ["Id", "Name", "Origin", "Scopes", "Created"],
        [
            (token["id"], token["name"], token["origin"], " ".join(token["scopes"]), token["created_at"][:10])
            for token in tokens
        ],
    )


@app.command("grant")
def grant_scopes(
    ctx: typer.Context,
    token_id: Annotated[str, typer.Argument(help="The id, as `token list` shows it: what stands before the dot.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do besides; repeat for more.")],
    stage: Stage = None,
) -> None:
    """Let a token do more: the same token, so that its holder changes nothing. The authorizer may go on with what it
    knows for as long as it caches its answers."""
    record = _token_store(connect(ctx, stage)).grant(token_id, scope)
    say(f"Token {token_id} of {record['name']} has {' '.join(record['scopes'])}.")


@app.command("rights")
def show_rights() -> None:
    """Show which scopes open what. What any of them opens, `ops` opens too."""
    print_table(
        ["To", *(f"if it is {whose}" for whose in Whose)],
        [(action.value, *(needed_for(action, whose) for whose in Whose)) for action in Action],
    )


@app.command("revoke")
def revoke_token(
    ctx: typer.Context,
    token_id: Annotated[str, typer.Argument(help="The id, as `token list` shows it: what stands before the dot.")],
    stage: Stage = None,
) -> None:
    """Revoke a token. The authorizer may still accept it for as long as it caches its answers."""
    record = _token_store(connect(ctx, stage)).revoke(token_id)
    say(f"Token {token_id} of {record['name']} is revoked.")


@app.command("canary")
def give_canary_its_token(ctx: typer.Context, stage: Stage = None) -> None:
    """Make a token for the canary, put it where the canary finds it, and revoke those it had before."""
    connection = connect(ctx, stage)
    secret = connection.stack.canary_secret
    if secret is None:
        raise CliError("the stage has no canary: deploy it with observability.canary_minutes")
    store = _token_store(connection)
    before = [token_id for token_id, record in store.records().items() if record["name"] == CANARY]
    scopes = [Scope.ORDERS_WRITE, Scope.ORDERS_READ]
    created = store.create(CANARY, Origin.API, scopes, connection.outside.clock())
    value = json.dumps({"value": f"Bearer {created.bearer}"})
    connection.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=value)
    for token_id in before:
        store.revoke(token_id)
    say(f"The canary has the token {created.id}.")


def _shown(token_id: str, record: TokenRecord) -> dict[str, Any]:
    return {
        "id": token_id,
        "name": record["name"],
        "origin": record["origin"],
        "scopes": record["scopes"],
        "created_at": record["created_at"],
    }


def _token_store(connection: Connection) -> TokenStore:
    return TokenStore(connection.client("secretsmanager"), connection.stack.tokens_secret)
