"""`comanda`: operate a Comanda stack from a terminal."""

import json
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from rich.console import Console
from rich.table import Table

from comanda.domain.access import Origin, Scope, TokenRecord
from comanda_cli.errors import OneLineErrors
from comanda_cli.sessions import local_session
from comanda_cli.stack_info import find_stack_file, load_stack_file, load_stage
from comanda_cli.tokens import TokenStore

app = typer.Typer(cls=OneLineErrors, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
token_app = typer.Typer(no_args_is_help=True)
app.add_typer(token_app, name="token", help="Make, list and revoke bearer tokens.")


@app.callback()
def main() -> None:
    """Operate a Comanda stack: the local one found through .local/stack.json, or with --stage one on AWS."""


Stage = Annotated[
    str | None, typer.Option(help="A stage on AWS, with the usual credentials. Default: the local stack.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@token_app.command("create")
def create_token(
    name: Annotated[str, typer.Option(help="The caller's name. It stays the same when the token is rotated.")],
    origin: Annotated[Origin, typer.Option(help="Where this caller's orders come from.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; repeat for more.")] = [  # noqa: B006 - Typer copies
        Scope.ORDERS_WRITE,
        Scope.ORDERS_READ,
    ],
    stage: Stage = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it, once: only its hash is kept."""
    created = _token_store(stage).create(name, origin, scope, datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps({**_shown(created.id, created.record), "token": created.bearer}))
    else:
        typer.echo(f"Token {created.id} of {name}. Keep it now, it is not shown again:", err=True)
        typer.echo(created.bearer)


@token_app.command("list")
def list_tokens(stage: Stage = None, as_json: Json = False) -> None:
    """List the tokens, without their secrets."""
    records = _token_store(stage).records()
    tokens = [_shown(token_id, record) for token_id, record in records.items()]
    tokens.sort(key=itemgetter("name", "created_at"))
    if as_json:
        typer.echo(json.dumps(tokens))
        return
    table = Table("Id", "Name", "Origin", "Scopes", "Created")
    for token in tokens:
        table.add_row(token["id"], token["name"], token["origin"], " ".join(token["scopes"]), token["created_at"][:10])
    Console().print(table)


@token_app.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(help="The id, as `token list` shows it: what stands before the dot.")],
    stage: Stage = None,
) -> None:
    """Revoke a token. The authorizer may still accept it for as long as it caches its answers."""
    record = _token_store(stage).revoke(token_id)
    typer.echo(f"Token {token_id} of {record['name']} is revoked.")


def _shown(token_id: str, record: TokenRecord) -> dict[str, Any]:
    return {
        "id": token_id,
        "name": record["name"],
        "origin": record["origin"],
        "scopes": record["scopes"],
        "created_at": record["created_at"],
    }


def _token_store(stage: str | None) -> TokenStore:
    if stage is None:
        stack = load_stack_file(find_stack_file(Path.cwd()))
        session = local_session(stack.endpoint_url, stack.region) if stack.endpoint_url else boto3.Session()
    else:
        session = boto3.Session()
        stack = load_stage(session.client("cloudformation"), stage)
    return TokenStore(session.client("secretsmanager", region_name=stack.region), stack.tokens_secret)
