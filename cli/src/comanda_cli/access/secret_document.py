"""A JSON object in Secrets Manager that several people change, and none of them undoes what another did.

Every change makes a new version of the whole secret and then moves the label AWSCURRENT to it, naming the version it
was made from. Secrets Manager refuses the move when AWSCURRENT has gone elsewhere meanwhile (API reference,
"UpdateSecretVersionStage"), and the change is made again from what is there now. So of two changes at once neither is
lost, as long as everybody changes the secret through this module; an edit in the console just overwrites.
"""

import json
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from comanda_cli.terminal.errors import CliError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECRET_LIMIT_BYTES = 65_536  # "AWS Secrets Manager quotas": the size of a secret's value
_TRIES = 20
_CANDIDATE = "COMANDA_CANDIDATE"  # PutSecretValue moves AWSCURRENT at once unless another label is given

Content = dict[str, Any]


class SecretDocument:
    """A JSON document in Secrets Manager, changed without losing what somebody else writes meanwhile."""

    def __init__(self, client: "SecretsManagerClient", name: str) -> None:
        self._client = client
        self._name = name

    def read(self) -> Content:
        return self._read()[1]

    def change(self, change: Callable[[Content], Content]) -> None:
        """Replace the content by what `change` makes of it. It may be called several times, and raises CliError where
        the content does not allow what was asked for."""
        for _ in range(_TRIES):
            version, content = self._read()
            if self._replace(version, change(content)):
                return
            time.sleep(random.uniform(0, 0.2))  # noqa: S311 - a pause, not a secret
        raise CliError(f"others kept changing {self._name} at the same moment; nothing was changed, try again")

    def _read(self) -> tuple[str, Content]:
        current = self._client.get_secret_value(SecretId=self._name, VersionStage="AWSCURRENT")
        return current["VersionId"], json.loads(current["SecretString"])

    def _replace(self, version: str, content: Content) -> bool:
        """Make `content` the current version, only if `version` still is. Says whether it did."""
        text = json.dumps(content, sort_keys=True)
        if len(text.encode()) > SECRET_LIMIT_BYTES:
            raise CliError(f"{self._name} is full: Secrets Manager takes {SECRET_LIMIT_BYTES} bytes")
        candidate = str(uuid4())
        self._client.put_secret_value(
            SecretId=self._name,
            ClientRequestToken=candidate,
            SecretString=text,
            VersionStages=[_CANDIDATE],
        )
        try:
            self._client.update_secret_version_stage(
                SecretId=self._name,
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
