"""The bearer tokens of a stage, kept as hashes in one Secrets Manager secret."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from comanda.domain.shared.access import Origin, Scope, TokenRecord, issue_token, with_scopes
from comanda_cli.access.secret_document import Content, SecretDocument
from comanda_cli.terminal.errors import CliError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

Records = dict[str, TokenRecord]


@dataclass(frozen=True)
class CreatedToken:
    """A new token. `bearer` can be shown now and never again: only its hash is kept."""

    id: str
    bearer: str
    record: TokenRecord


class TokenStore:
    """The tokens of one stage."""

    def __init__(self, client: "SecretsManagerClient", secret_name: str) -> None:
        self._secret = SecretDocument(client, secret_name)

    def records(self) -> Records:
        """Every token's record by its id."""
        records: Records = self._secret.read()["tokens"]
        return records

    def create(self, name: str, origin: Origin, scopes: Iterable[Scope], now: datetime) -> CreatedToken:
        """Make a token. A name may have several, which all act as the same caller: that is how one is rotated."""
        try:
            bearer, token_id, record = issue_token(name, origin, scopes, now)
        except ValueError as error:
            raise CliError(str(error)) from error

        def add(content: Content) -> Content:
            return {"tokens": content["tokens"] | {token_id: record}}

        self._secret.change(add)
        return CreatedToken(token_id, bearer, record)

    def grant(self, token_id: str, scopes: Iterable[Scope]) -> TokenRecord:
        """Let a token do more, under the same bearer string. Holds when the authorizer's cached answers end."""
        scopes = list(scopes)

        def widen(content: Content) -> Content:
            return {"tokens": content["tokens"] | {token_id: with_scopes(_found(content["tokens"], token_id), scopes)}}

        self._secret.change(widen)
        return _found(self.records(), token_id)

    def revoke(self, token_id: str) -> TokenRecord:
        """Remove a token. Its use ends when the authorizer's cached answers do."""
        revoked = _found(self.records(), token_id)

        def remove(content: Content) -> Content:
            return {"tokens": {other: record for other, record in content["tokens"].items() if other != token_id}}

        self._secret.change(remove)
        return revoked


def _found(records: Records, token_id: str) -> TokenRecord:
    if token_id not in records:
        raise CliError(f"there is no token {token_id}; `comanda token list` shows them all")
    return records[token_id]
