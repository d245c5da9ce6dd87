"""Callers' own tables in the bucket: the claim check of reports too large for a message (B2)."""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from comanda.adapters.aws.errors import answering
from comanda.application.reports.ports import UploadLink
from comanda.domain.shared.errors import PermanentError

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

    def new_upload(self, caller: str, size: int, content_type: str) -> UploadLink:
        """Size and type are signed headers: S3 refuses a request that has others ("Authenticating Requests: Using Query
        Parameters (AWS Signature Version 4)")."""
        upload_id = str(uuid.uuid4())
        with answering("reports bucket"):
            url = self.client.generate_presigned_url(
                "put_object",
                Params={
                    "Bucket": self.bucket,
                    "Key": _key(caller, upload_id),
                    "ContentLength": size,
                    "ContentType": content_type,
                },
                ExpiresIn=UPLOAD_SECONDS,
            )
        return UploadLink(upload_id, url, UPLOAD_SECONDS, size, content_type)

    def uploaded(self, caller: str, upload_id: str) -> tuple[str, int] | None:
        try:
            with answering("reports bucket", passing=_GONE):
                found = self.client.head_object(Bucket=self.bucket, Key=_key(caller, upload_id))
        except ClientError:
            return None
        return found["ETag"], found["ContentLength"]

    def keep(self, caller: str, lines: bytes) -> str:
        upload_id = hashlib.sha256(lines).hexdigest()
        with answering("reports bucket"):
            self.client.put_object(Bucket=self.bucket, Key=_key(caller, upload_id), Body=lines)
        return upload_id

    def lines(self, caller: str, upload_id: str, content: str) -> Iterator[bytes]:
        try:
            with answering("reports bucket", passing=_GONE | _OTHER):
                answer = self.client.get_object(Bucket=self.bucket, Key=_key(caller, upload_id), IfMatch=content)
                yield from answer["Body"].iter_lines(64 * 1024)
        except ClientError as error:
            raise PermanentError("UploadGone", "the uploaded table is gone, or was replaced") from error


def _key(caller: str, upload_id: str) -> str:
    return f"tables/{caller}/{upload_id}.jsonl"
