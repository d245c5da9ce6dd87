"""The bearer tokens of a stage, kept as hashes in one Secrets Manager secret.

Every change makes a new version of the whole secret and then moves the label AWSCURRENT to it, naming the version it
was made from. Secrets Manager refuses the move when AWSCURRENT has gone elsewhere meanwhile (API reference,
"UpdateSecretVersionStage"), and the change is made again from what is there now. So of two changes at once neither is
lost, as long as everybody changes the secret through this module; an edit in the console just overwrites.
"""

import json
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from botocore.exceptions import ClientError

from comanda.domain.access import Origin, Scope, TokenRecord, issue_token
from comanda_cli.errors import CliError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECRET_LIMIT_BYTES = 65_536  # "AWS Secrets Manager quotas": the size of a secret's value
_TRIES = 20
_CANDIDATE = "COMANDA_CANDIDATE"  # PutSecretValue moves AWSCURRENT at once unless another label is given

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
        self._client = client
        self._secret_name = secret_name

    def records(self) -> Records:
        """Every token's record by its id."""
        return self._read()[1]

    def create(self, name: str, origin: Origin, scopes: Iterable[Scope], now: datetime) -> CreatedToken:
        """Make a token. A name may have several, which all act as the same caller: that is how one is rotated."""
        try:
            bearer, token_id, record = issue_token(name, origin, scopes, now)
        except ValueError as error:
            raise CliError(str(error)) from error

        def add(records: Records) -> Records:
            return records | {token_id: record}

        self._change(add)
        return CreatedToken(token_id, bearer, record)

    def revoke(self, token_id: str) -> TokenRecord:
        """Remove a token. Its use ends when the authorizer's cached answers do."""
        revoked = self.records().get(token_id)
        if revoked is None:
            raise CliError(f"there is no token {token_id}; `comanda token list` shows them all")

        def remove(records: Records) -> Records:
            return {other: record for other, record in records.items() if other != token_id}

        self._change(remove)
        return revoked

    def _change(self, change: Callable[[Records], Records]) -> None:
        for _ in range(_TRIES):
            version, records = self._read()
            if self._replace(version, change(records)):
                return
            time.sleep(random.uniform(0, 0.2))  # noqa: S311 - a pause, not a secret
        raise CliError(f"others kept changing {self._secret_name} at the same moment; nothing was changed, try again")

    def _read(self) -> tuple[str, Records]:
        current = self._client.get_secret_value(SecretId=self._secret_name, VersionStage="AWSCURRENT")
        return current["VersionId"], json.loads(current["SecretString"])["tokens"]

    def _replace(self, version: str, records: Records) -> bool:
        """Make `records` the current version, only if `version` still is. Says whether it did."""
        content = json.dumps({"tokens": records}, sort_keys=True)
        if len(content.encode()) > SECRET_LIMIT_BYTES:
            raise CliError(f"{self._secret_name} is full: Secrets Manager takes {SECRET_LIMIT_BYTES} bytes")
        candidate = str(uuid4())
        self._client.put_secret_value(
            SecretId=self._secret_name,
            ClientRequestToken=candidate,
            SecretString=content,
            VersionStages=[_CANDIDATE],
        )
        try:
            self._client.update_secret_version_stage(
                SecretId=self._secret_name,
                VersionStage="AWSCURRENT",
                MoveToVersionId=candidate,
                RemoveFromVersionId=version,
            )
        except ClientError as error:
            # AWSCURRENT is not on `version` any more, or the candidate was cleaned away after another took its label.
            if error.response["Error"]["Code"] in ("InvalidParameterException", "ResourceNotFoundException"):
                return False
            raise
        return True
