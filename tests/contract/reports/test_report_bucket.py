"""Files in the bucket: whole or not at all, and never a second time."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from comanda.adapters.reports.bucket import PART_BYTES, AlreadyStored, ReportBucket, Stored
from comanda.domain.shared.errors import Unavailable
from comanda_cli.stack.sessions import local_session
from tests.simulation.wire import InProcess
from tests.support.targets import Bucket, make_bucket

KEY = "reports/one.bin"


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as threads:
        yield threads


@pytest.fixture(params=["moto", "emulator", "model"])
def target(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """A bucket on moto, on the emulator, and on the simulator's model in real time."""
    if request.param == "moto":
        with mock_aws():
            yield make_bucket(request.getfixturevalue("moto_session"))
    elif request.param == "model":
        yield make_bucket(InProcess())
    else:
        yield make_bucket(local_session(request.getfixturevalue("bare_emulator")))


@pytest.fixture
def bucket(target: Bucket, executor: ThreadPoolExecutor) -> ReportBucket:
    return ReportBucket(target.s3, target.name, executor)


def chunks_of(size: int, chunk: int = 300_007) -> Iterator[bytes]:
    """Bytes that differ from part to part."""
    content = b"".join(number.to_bytes(4, "big") for number in range(size // 4 + 1))[:size]
    yield from (content[start : start + chunk] for start in range(0, size, chunk))


@pytest.mark.parametrize(
    "size", [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, 2 * PART_BYTES + 77]
)
def test_what_was_written_is_stored(bucket: ReportBucket, target: Bucket, size: int) -> None:
    stored = bucket.store(KEY, "text/plain", chunks_of(size))
    found = target.s3.get_object(Bucket=target.name, Key=KEY)
    content = found["Body"].read()
    assert content == b"".join(chunks_of(size))
    assert stored == Stored(size, sha256(content).hexdigest())
    assert found["ContentType"] == "text/plain"
    assert target.unfinished_uploads() == 0


@pytest.mark.parametrize("size", [10, 2 * PART_BYTES])
def test_a_key_is_written_once(bucket: ReportBucket, target: Bucket, size: int) -> None:
    bucket.store(KEY, "text/plain", [b"the first"])
    with pytest.raises(AlreadyStored):
        bucket.store(KEY, "text/plain", chunks_of(size))
    assert target.s3.get_object(Bucket=target.name, Key=KEY)["Body"].read() == b"the first"
    assert target.unfinished_uploads() == 0


@pytest.mark.parametrize("before", [0, 1, PART_BYTES + 1, 3 * PART_BYTES])
def test_a_writer_that_fails_leaves_nothing(bucket: ReportBucket, target: Bucket, before: int) -> None:
    def failing() -> Iterator[bytes]:
        yield from chunks_of(before)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bucket.store(KEY, "text/plain", failing())
    assert target.keys() == []
    assert target.unfinished_uploads() == 0


def test_nothing_is_visible_until_all_of_it_is(bucket: ReportBucket, target: Bucket) -> None:
    def looking() -> Iterator[bytes]:
        for chunk in chunks_of(3 * PART_BYTES):
            assert target.keys() == []
            yield chunk

    bucket.store(KEY, "text/plain", looking())
    assert target.keys() == [KEY]


def test_a_bucket_that_is_not_there_is_an_outage(target: Bucket, executor: ThreadPoolExecutor) -> None:
    gone = ReportBucket(target.s3, "no-such-bucket-here", executor)
    for size in (1, 2 * PART_BYTES):
        with pytest.raises(Unavailable):
            gone.store(KEY, "text/plain", chunks_of(size))


class SlowS3:
    """Takes parts one at a time, each only when it is told to; may refuse one."""

    def __init__(self, refuses: int = 0) -> None:
        self.may_take = Event()
        self.refuses = refuses
        self.calls: list[str] = []

    def create_multipart_upload(self, **_: Any) -> dict[str, str]:
        return {"UploadId": "1"}

    def upload_part(self, **part: Any) -> dict[str, str]:
        assert self.may_take.wait(10)
        time.sleep(0.05)
        self.calls.append(f"part {part['PartNumber']}")
        if part["PartNumber"] == self.refuses:
            raise ClientError({"Error": {"Code": "SlowDown"}}, "UploadPart")
        return {"ETag": "tag"}

    def complete_multipart_upload(self, **_: Any) -> None:
        self.calls.append("complete")

    def abort_multipart_upload(self, **_: Any) -> None:
        self.calls.append("abort")
        raise ClientError({"Error": {"Code": "InternalError"}}, "AbortMultipartUpload")


def test_the_next_part_is_made_while_one_goes_up(executor: ThreadPoolExecutor) -> None:
    s3 = SlowS3()
    made = 0

    def counting() -> Iterator[bytes]:
        nonlocal made
        for made in range(1, 21):
            if made == 8:
                assert s3.calls == [], "the first part is held up, and yet chunks of the second are asked for"
                s3.may_take.set()
            yield bytes(PART_BYTES // 5)

    ReportBucket(s3, "any", executor).store(KEY, "text/plain", counting())  # type: ignore[arg-type]
    assert s3.calls == ["part 1", "part 2", "part 3", "part 4", "complete"]


def test_parts_have_the_size_that_was_asked_for(executor: ThreadPoolExecutor) -> None:
    s3 = SlowS3()
    s3.may_take.set()
    small = ReportBucket(s3, "any", executor, part_bytes=4)  # type: ignore[arg-type]
    small.store(KEY, "text/plain", [b"0123", b"45678", b"9"])
    assert s3.calls == ["part 1", "part 2", "part 3", "complete"]


def test_a_part_that_is_refused_aborts_after_the_last_part_under_way(executor: ThreadPoolExecutor) -> None:
    s3 = SlowS3(refuses=2)
    s3.may_take.set()
    with pytest.raises(Unavailable, match="SlowDown"):
        ReportBucket(s3, "any", executor).store(KEY, "text/plain", chunks_of(4 * PART_BYTES))  # type: ignore[arg-type]
    assert s3.calls == ["part 1", "part 2", "abort"]


def test_a_writer_that_fails_waits_for_the_part_under_way_before_it_aborts(executor: ThreadPoolExecutor) -> None:
    s3 = SlowS3()

    def failing() -> Iterator[bytes]:
        yield bytes(PART_BYTES)
        s3.may_take.set()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ReportBucket(s3, "any", executor).store(KEY, "text/plain", failing())  # type: ignore[arg-type]
    assert s3.calls == ["part 1", "abort"]


@pytest.mark.parametrize(("operation", "size"), [("PutObject", 10), ("CompleteMultipartUpload", 2 * PART_BYTES)])
def test_its_own_file_met_again_is_no_others(bucket: ReportBucket, target: Bucket, operation: str, size: int) -> None:
    """The answer of the last call is lost: boto3 tries again by itself, and finds the file there."""
    asked_again: list[int] = []

    def lose_the_first_answer(attempts: int, **_: Any) -> float | None:
        asked_again.append(attempts)
        return 0 if attempts == 1 else None

    target.s3.meta.events.register_first(f"needs-retry.s3.{operation}", lose_the_first_answer)  # type: ignore[arg-type]
    stored = bucket.store(KEY, "text/plain", chunks_of(size))
    assert len(asked_again) == 2
    assert stored == Stored(size, sha256(b"".join(chunks_of(size))).hexdigest())
    assert target.s3.head_object(Bucket=target.name, Key=KEY)["ContentLength"] == size
    assert target.unfinished_uploads() == 0


class ForgetfulS3(SlowS3):
    """Answers the last call as S3 does where an earlier try of it was carried out, or where the upload was swept."""

    def __init__(self, says: str, *, stored: bool) -> None:
        super().__init__()
        self.may_take.set()
        self.says, self.stored = says, stored

    def create_multipart_upload(self, **what: Any) -> dict[str, str]:
        self.metadata = what["Metadata"]
        return super().create_multipart_upload()

    def complete_multipart_upload(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": self.says}}, "CompleteMultipartUpload")

    def head_object(self, **_: Any) -> dict[str, Any]:
        if not self.stored:
            raise ClientError({"Error": {"Code": "404"}}, "HeadObject")
        return {"Metadata": self.metadata}


@pytest.mark.parametrize("says", ["PreconditionFailed", "NoSuchUpload"])
def test_an_upload_that_was_completed_before_is_complete(executor: ThreadPoolExecutor, says: str) -> None:
    bucket = ReportBucket(ForgetfulS3(says, stored=True), "any", executor)  # type: ignore[arg-type]
    assert bucket.store(KEY, "text/plain", chunks_of(2 * PART_BYTES)).bytes == 2 * PART_BYTES


def test_an_upload_that_was_swept_is_an_outage(executor: ThreadPoolExecutor) -> None:
    bucket = ReportBucket(ForgetfulS3("NoSuchUpload", stored=False), "any", executor)  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match="gone"):
        bucket.store(KEY, "text/plain", chunks_of(2 * PART_BYTES))
