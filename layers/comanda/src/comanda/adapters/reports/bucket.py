"""Puts a file into S3 while it is being written: each part goes up on another thread while the next one is made."""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from comanda.adapters.aws.errors import answering, code_of
from comanda.domain.shared.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES = 5 * 2**20
"""The least S3 takes for a part that is not the last; at most 10,000 parts make 48 GiB ("Multipart upload limits")."""

_MARK = "comanda-upload"
"""The metadata by which an upload knows its own file."""
_STORED_BEFORE = {"PreconditionFailed", "NoSuchUpload"}
"""What S3 may answer where a call is repeated that had been carried out ("CompleteMultipartUpload", "PutObject")."""


class AlreadyStored(Exception):
    """There is an object of that key. It stays as it is."""


@dataclass(frozen=True)
class Stored:
    """A finished object: its size, and the lower-case hex SHA-256 of its content."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class ReportBucket:
    """Stores whole files or nothing: what is not complete is never visible, and given up it is aborted.

    At most two parts are in memory: one that goes up, and one that is being made.
    """

    client: "S3Client"
    bucket: str
    executor: Executor
    """With at least one thread; parts go up one after another."""
    part_bytes: int = PART_BYTES
    """Of each part but the last; S3 takes no smaller ones."""

    def store(self, key: str, content_type: str, chunks: Iterable[bytes]) -> Stored:
        """Read all chunks and store them under a key that must be new.

        Raises AlreadyStored where it is not, Unavailable where S3 does not answer, and whatever the chunks raise.
        """
        parts = _Parts(chunks, self.part_bytes)
        stream = iter(parts)
        first = next(stream, b"")
        what = {"ContentType": content_type, "Metadata": {_MARK: str(uuid.uuid4())}}
        try:
            if len(first) < self.part_bytes:
                self._put(key, what, first)
            else:
                self._put_in_parts(key, what, first, stream)
        except ClientError as error:
            if code_of(error) not in _STORED_BEFORE:
                raise
            self._check_own(key, what["Metadata"])
        return parts.stored()

    def _check_own(self, key: str, metadata: object) -> None:
        """boto3 tries again by itself where an answer was lost, and then finds its own file: that is no other's."""
        try:
            with answering("reports bucket", passing={"404"}):
                found = self.client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            raise Unavailable("reports bucket: the upload is gone") from error
        if found["Metadata"] != metadata:
            raise AlreadyStored(key)

    def _put(self, key: str, what: Mapping[str, Any], content: bytes) -> None:
        with answering("reports bucket"):
            self.client.put_object(Bucket=self.bucket, Key=key, **what, Body=content, IfNoneMatch="*")

    def _put_in_parts(self, key: str, what: Mapping[str, Any], first: bytes, others: Iterator[bytes]) -> None:
        with answering("reports bucket"):
            upload = self.client.create_multipart_upload(Bucket=self.bucket, Key=key, **what)
        upload_id = upload["UploadId"]
        under_way: Future[CompletedPartTypeDef] | None = None
        finished: list[CompletedPartTypeDef] = []
        try:
            under_way = self.executor.submit(self._put_part, key, upload_id, 1, first)
            for number, part in enumerate(others, 2):
                finished.append(under_way.result())
                under_way = self.executor.submit(self._put_part, key, upload_id, number, part)
            finished.append(under_way.result())
            with answering("reports bucket", passing=_STORED_BEFORE):
                self.client.complete_multipart_upload(
                    Bucket=self.bucket,
                    Key=key,
                    UploadId=upload_id,
                    MultipartUpload={"Parts": finished},
                    IfNoneMatch="*",
                )
        except BaseException:  # A closed generator and Ctrl-C too: what was sent is paid for until it is aborted.
            self._give_up(key, upload_id, under_way)
            raise

    def _put_part(self, key: str, upload_id: str, number: int, part: bytes) -> "CompletedPartTypeDef":
        with answering("reports bucket"):
            answer = self.client.upload_part(
                Bucket=self.bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=part
            )
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def _give_up(self, key: str, upload_id: str, under_way: "Future[CompletedPartTypeDef] | None") -> None:
        """Abort, once no part is under way any more: one that came later would stay, and be paid for ("Aborting a
        multipart upload"). What cannot be aborted now, the bucket's lifecycle rule sweeps."""
        if under_way is not None:
            under_way.exception()
        with suppress(Unavailable), answering("reports bucket"):
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload_id)


@dataclass
class _Parts:
    """Chunks of any size, put together to parts of one size; the last may be smaller. Counts what goes by."""

    chunks: Iterable[bytes]
    part_bytes: int
    size: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def __iter__(self) -> Iterator[bytes]:
        waiting = bytearray()
        for chunk in self.chunks:
            self.digest.update(chunk)
            self.size += len(chunk)
            waiting += chunk
            while len(waiting) >= self.part_bytes:
                yield bytes(waiting[: self.part_bytes])
                del waiting[: self.part_bytes]
        if waiting:
            yield bytes(waiting)

    def stored(self) -> Stored:
        return Stored(self.size, self.digest.hexdigest())
