"""S3: the model behaves as moto and the emulator do, and as AWS says it does."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from comanda_cli.stack.sessions import local_session
from tests.simulation.wire import InProcess
from tests.support.targets import Bucket, make_bucket

PART = bytes(5 * 2**20)
DIFFERENCES = {
    ("emulator", "test_a_part_that_is_not_the_last_has_a_least_size"): "it takes parts of any size",
    ("moto", "test_an_upload_that_was_aborted_is_gone"): "it raises KeyError",
}
"""What an endpoint is known to do otherwise than AWS documents. Each is expected to fail there, and only there."""


@pytest.fixture(params=["model", "moto", "emulator"])
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    if reason := DIFFERENCES.get((request.param, request.node.originalname)):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    if request.param == "model":
        yield make_bucket(InProcess())
    elif request.param == "moto":
        with mock_aws():
            yield make_bucket(request.getfixturevalue("moto_session"))
    else:
        yield make_bucket(local_session(request.getfixturevalue("bare_emulator")))


def begin(bucket: Bucket, *parts: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What names an upload, and its parts as they are to be named when it is completed."""
    upload = {"Bucket": bucket.name, "Key": "k"}
    upload["UploadId"] = bucket.s3.create_multipart_upload(**upload)["UploadId"]  # type: ignore[arg-type]
    sent = [
        {"PartNumber": number, "ETag": bucket.s3.upload_part(**upload, PartNumber=number, Body=part)["ETag"]}  # type: ignore[arg-type]
        for number, part in enumerate(parts, 1)
    ]
    return upload, sent


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**request)
    return refused.value.response["Error"]["Code"]


def test_a_part_that_is_not_the_last_has_a_least_size(bucket: Bucket) -> None:
    upload, parts = begin(bucket, b"too small", b"the last")
    complete = {"MultipartUpload": {"Parts": parts}}
    assert refusal(bucket.s3.complete_multipart_upload, **upload, **complete) == "EntityTooSmall"
    assert bucket.keys() == []


def test_a_part_is_named_by_what_it_holds(bucket: Bucket) -> None:
    upload, parts = begin(bucket, PART, b"the last")
    parts[0]["ETag"] = '"0123456789abcdef0123456789abcdef"'
    assert refusal(bucket.s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts}) == "InvalidPart"
    assert bucket.keys() == []


def test_a_part_that_is_sent_again_takes_the_place_of_the_first(bucket: Bucket) -> None:
    upload, _ = begin(bucket, b"the first")
    tag = bucket.s3.upload_part(**upload, PartNumber=1, Body=b"the second")["ETag"]
    bucket.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    assert bucket.s3.get_object(Bucket=bucket.name, Key="k")["Body"].read() == b"the second"


def test_an_upload_that_was_aborted_is_gone(bucket: Bucket) -> None:
    upload, parts = begin(bucket, b"x")
    bucket.s3.abort_multipart_upload(**upload)
    assert refusal(bucket.s3.upload_part, **upload, PartNumber=2, Body=b"y") == "NoSuchUpload"
    assert refusal(bucket.s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts}) == "NoSuchUpload"


def test_an_upload_that_may_not_replace_stays_open(bucket: Bucket) -> None:
    upload, parts = begin(bucket, b"x")
    bucket.s3.put_object(Bucket=bucket.name, Key="k", Body=b"there")
    complete = {"MultipartUpload": {"Parts": parts}, "IfNoneMatch": "*"}
    assert refusal(bucket.s3.complete_multipart_upload, **upload, **complete) == "PreconditionFailed"
    assert bucket.s3.get_object(Bucket=bucket.name, Key="k")["Body"].read() == b"there"
    assert bucket.unfinished_uploads() == 1


def test_metadata_and_type_are_those_of_the_beginning(bucket: Bucket) -> None:
    bucket.s3.put_object(Bucket=bucket.name, Key="k", Body=b"x", ContentType="text/csv", Metadata={"mark": "1"})
    found = bucket.s3.head_object(Bucket=bucket.name, Key="k")
    assert (found["ContentType"], found["Metadata"], found["ContentLength"]) == ("text/csv", {"mark": "1"}, 1)
    assert refusal(bucket.s3.head_object, Bucket=bucket.name, Key="another") == "404"
