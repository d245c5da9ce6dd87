"""Callers' own tables in the bucket: the claim check of reports too large for a message (B2)."""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from comanda.adapters.aws import answering, code_of
from comanda.application.report_ports import UploadLink
from comanda.domain.errors import PermanentError, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UPLOAD_SECONDS = 900
_GONE = {"404", "NoSuchKey", "NotFound"}
_OTHER = {"412", "PreconditionFailed"}


@dataclass(frozen=True)
class TableBucket:
    """Implements `Tables`: one object a table, below its caller, so that nobody reads another's."""

    client: "S3Client"
    """With S3_CONFIG (world.py)."""
    bucket: str

    def new_upload(self, caller: str) -> UploadLink:
        upload_id = str(uuid.uuid4())
        with answering("reports bucket"):
            url = self.client.generate_presigned_url(
                "put_object",
                Params={"Bucket": self.bucket, "Key": _key(caller, upload_id)},
                ExpiresIn=UPLOAD_SECONDS,
            )
        return UploadLink(upload_id, url, UPLOAD_SECONDS)

    def uploaded(self, caller: str, upload_id: str) -> tuple[str, int] | None:
        try:
            found = self.client.head_object(Bucket=self.bucket, Key=_key(caller, upload_id))
        except ClientError as error:
            if code_of(error) in _GONE:
                return None
            raise Unavailable(f"reports bucket: {code_of(error)}") from error
        except BotoCoreError as error:
            raise Unavailable(f"reports bucket: {type(error).__name__}") from error
        return found["ETag"], found["ContentLength"]

    def keep(self, caller: str, lines: bytes) -> str:
        upload_id = hashlib.sha256(lines).hexdigest()
        with answering("reports bucket"):
            self.client.put_object(Bucket=self.bucket, Key=_key(caller, upload_id), Body=lines)
        return upload_id

    def lines(self, caller: str, upload_id: str, content: str) -> Iterator[bytes]:
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=_key(caller, upload_id), IfMatch=content)
            yield from answer["Body"].iter_lines(64 * 1024)
        except ClientError as error:
            if code_of(error) in _GONE | _OTHER:
                raise PermanentError("UploadGone", "the uploaded table is gone, or was replaced") from error
            raise Unavailable(f"reports bucket: {code_of(error)}") from error
        except BotoCoreError as error:
            raise Unavailable(f"reports bucket: {type(error).__name__}") from error


def _key(caller: str, upload_id: str) -> str:
    return f"tables/{caller}/{upload_id}.jsonl"
