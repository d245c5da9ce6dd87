"""Amazon S3, as far as Comanda uses it: tests/contract holds it to the same tests as moto and the emulator.

An object is there whole or not at all: from the moment PutObject or CompleteMultipartUpload took effect, for every
reader ("Amazon S3 data consistency model").
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.errors import AwsError, NotModelled

LEAST_PART_BYTES = 5 * 2**20
"""Of each part but the last ("Amazon S3 multipart upload limits")."""

OnStored = Callable[["Object"], None]


@dataclass(frozen=True)
class Object:
    key: str
    content: bytes
    etag: str
    content_type: str
    metadata: Mapping[str, str]
    stored_at: float
    """Seconds since the epoch."""


@dataclass
class Upload:
    """A multipart upload that is neither complete nor aborted."""

    upload_id: str
    key: str
    content_type: str
    metadata: Mapping[str, str]
    begun_at: float
    owner: Any
    """Whoever began it."""
    parts: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    """By number: etag and content."""


@dataclass
class Bucket:
    objects: dict[str, Object] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)


class S3:
    def __init__(
        self,
        clock: Callable[[], float],
        random: Random,
        least_part_bytes: int = LEAST_PART_BYTES,
        owner: Callable[[], Any] = lambda: None,
        on_stored: OnStored = lambda _: None,
    ) -> None:
        """`owner` is asked who begins an upload; `on_stored` is told of each object that has become visible."""
        self.buckets: dict[str, Bucket] = {}
        self._clock = clock
        self._random = random
        self._least_part_bytes = least_part_bytes
        self._owner = owner
        self._on_stored = on_stored

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a request asks for; names of fields are boto3's. Raises AwsError, NotModelled."""
        operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "CreateBucket": self._create_bucket,
            "PutObject": self._put_object,
            "GetObject": self._get_object,
            "HeadObject": self._get_object,
            "CreateMultipartUpload": self._create_multipart_upload,
            "UploadPart": self._upload_part,
            "CompleteMultipartUpload": self._complete_multipart_upload,
            "AbortMultipartUpload": self._abort_multipart_upload,
            "ListObjectsV2": self._list_objects,
            "ListMultipartUploads": self._list_uploads,
        }
        if operation not in operations:
            raise NotModelled(f"S3 {operation}")
        return operations[operation](request)

    def sweep(self, bucket: str, older_than: Mapping[str, float], uploads_older_than: float) -> None:
        """What lifecycle rules do: remove objects by prefix and age, and uploads that nobody finished. Seconds."""
        found, now = self.buckets[bucket], self._clock()
        for prefix, age in older_than.items():
            for key in [key for key, each in found.objects.items() if key.startswith(prefix)]:
                if now - found.objects[key].stored_at > age:
                    del found.objects[key]
        for upload in [each for each in found.uploads.values() if now - each.begun_at > uploads_older_than]:
            del found.uploads[upload.upload_id]

    def _create_bucket(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.buckets[request["Bucket"]] = Bucket()
        return {}

    def _bucket(self, request: Mapping[str, Any]) -> Bucket:
        if request["Bucket"] not in self.buckets:
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
        return self.buckets[request["Bucket"]]

    def _put_object(self, request: Mapping[str, Any]) -> dict[str, Any]:
        bucket, content = self._bucket(request), request["Body"]
        _check_new(bucket, request)
        return self._store(bucket, request["Key"], content, _quoted_md5(content), request)

    def _get_object(self, request: Mapping[str, Any]) -> dict[str, Any]:
        found = self._bucket(request).objects.get(request["Key"])
        if found is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        if request.get("IfMatch", found.etag) != found.etag:
            raise AwsError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412)
        if "Range" in request:
            raise NotModelled("a range of an object")
        return {
            "Body": found.content,
            "ETag": found.etag,
            "ContentType": found.content_type,
            "Metadata": found.metadata,
        }

    def _create_multipart_upload(self, request: Mapping[str, Any]) -> dict[str, Any]:
        upload = Upload(
            upload_id=f"{self._random.getrandbits(128):032x}",
            key=request["Key"],
            content_type=request.get("ContentType", ""),
            metadata=request.get("Metadata", {}),
            begun_at=self._clock(),
            owner=self._owner(),
        )
        self._bucket(request).uploads[upload.upload_id] = upload
        return {"Bucket": request["Bucket"], "Key": upload.key, "UploadId": upload.upload_id}

    def _upload_part(self, request: Mapping[str, Any]) -> dict[str, Any]:
        upload, content = self._upload(request), request["Body"]
        upload.parts[request["PartNumber"]] = (_quoted_md5(content), content)
        return {"ETag": _quoted_md5(content)}

    def _complete_multipart_upload(self, request: Mapping[str, Any]) -> dict[str, Any]:
        bucket = self._bucket(request)
        _check_new(bucket, request)
        upload = self._upload(request)
        parts = []
        for wanted in request["Parts"]:
            etag, content = upload.parts.get(wanted["PartNumber"], ("", b""))
            if etag != wanted["ETag"]:
                raise AwsError("InvalidPart", "One or more of the specified parts could not be found.")
            parts.append(content)
        numbers = [wanted["PartNumber"] for wanted in request["Parts"]]
        if numbers != sorted(set(numbers)):
            raise AwsError("InvalidPartOrder", "The list of parts was not in ascending order.")
        if any(len(content) < self._least_part_bytes for content in parts[:-1]):
            raise AwsError("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        digests = b"".join(_md5(content).digest() for content in parts)
        etag = f'"{_md5(digests).hexdigest()}-{len(parts)}"'
        what = {"ContentType": upload.content_type, "Metadata": upload.metadata}
        stored = self._store(bucket, upload.key, b"".join(parts), etag, what)
        del bucket.uploads[upload.upload_id]
        return {"Bucket": request["Bucket"], "Key": upload.key, **stored}

    def _abort_multipart_upload(self, request: Mapping[str, Any]) -> dict[str, Any]:
        del self._bucket(request).uploads[self._upload(request).upload_id]
        return {}

    def _list_objects(self, request: Mapping[str, Any]) -> dict[str, Any]:
        objects = self._bucket(request).objects
        return {"Contents": [{"Key": key, "Size": len(objects[key].content)} for key in sorted(objects)]}

    def _list_uploads(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"Upload": [{"Key": each.key, "UploadId": each.upload_id} for each in self._uploads(request).values()]}

    def _uploads(self, request: Mapping[str, Any]) -> dict[str, Upload]:
        return self._bucket(request).uploads

    def _upload(self, request: Mapping[str, Any]) -> Upload:
        upload = self._uploads(request).get(request["UploadId"])
        if upload is None or upload.key != request["Key"]:
            raise AwsError("NoSuchUpload", "The specified multipart upload does not exist.", 404)
        return upload

    def _store(self, bucket: Bucket, key: str, content: bytes, etag: str, what: Mapping[str, Any]) -> dict[str, Any]:
        stored = Object(key, content, etag, what.get("ContentType", ""), what.get("Metadata", {}), self._clock())
        bucket.objects[key] = stored
        self._on_stored(stored)
        return {"ETag": etag}


def _check_new(bucket: Bucket, request: Mapping[str, Any]) -> None:
    """("Conditional writes": the only value of If-None-Match is *.)"""
    if "IfNoneMatch" not in request:
        return
    if request["IfNoneMatch"] != "*":
        raise AwsError("NotImplemented", "If-None-Match takes * only", 501)
    if request["Key"] in bucket.objects:
        raise AwsError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412)


def _md5(content: bytes) -> "hashlib._Hash":
    return hashlib.md5(content, usedforsecurity=False)


def _quoted_md5(content: bytes) -> str:
    return f'"{_md5(content).hexdigest()}"'
