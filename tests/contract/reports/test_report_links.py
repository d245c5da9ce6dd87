"""Links and uploads: straight from and to the storage."""

import hmac
import urllib.request
from dataclasses import replace
from hashlib import sha256
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

import boto3
import pytest

from comanda.adapters.reports.links import BucketLinks
from comanda.adapters.reports.uploads import TableBucket
from comanda.adapters.reports.world import S3_CONFIG
from comanda.domain.shared.errors import PermanentError, Unavailable
from tests.contract.reports.test_report_table import READY
from tests.support.report_targets import ReportResources


def test_a_link_gives_the_file_under_its_name(report_resources: ReportResources) -> None:
    report_resources.s3.put_object(Bucket=report_resources.bucket, Key="reports/k.xlsx", Body=b"PK")
    link = BucketLinks(report_resources.s3, report_resources.bucket).link_to(READY)
    query = parse_qs(urlsplit(link).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["900"]
    assert query["response-content-disposition"] == [f'attachment; filename="{READY.file_name}"']
    if "127.0.0.1" in link:
        with urllib.request.urlopen(link) as answer:  # noqa: S310
            assert answer.read() == b"PK"


@pytest.mark.parametrize(
    ("region", "host"), [("sa-east-1", "files.s3.sa-east-1.amazonaws.com"), ("us-east-1", "files.s3.amazonaws.com")]
)
def test_a_link_leads_to_the_region_of_the_bucket(region: str, host: str) -> None:
    """A redirect from another host would break its signature."""
    client = boto3.Session("test", "test", region_name=region).client("s3", config=S3_CONFIG)
    assert urlsplit(BucketLinks(client, "files").link_to(READY)).hostname == host


def test_the_tables_of_a_caller_are_its_own(report_resources: ReportResources) -> None:
    tables = TableBucket(report_resources.s3, report_resources.bucket)
    upload_id = tables.keep("web", b'["x"]\n["y"]\n')
    assert tables.keep("web", b'["x"]\n["y"]\n') == upload_id
    found = tables.uploaded("web", upload_id)
    assert found
    assert found[1] == 12
    assert list(tables.lines("web", upload_id, found[0])) == [b'["x"]', b'["y"]']
    assert tables.uploaded("mobile", upload_id) is None
    with pytest.raises(PermanentError, match="gone"):
        list(tables.lines("mobile", upload_id, found[0]))


def test_an_upload_that_was_replaced_is_not_the_one_that_was_asked_for(report_resources: ReportResources) -> None:
    tables = TableBucket(report_resources.s3, report_resources.bucket)
    link = tables.new_upload("web", 4, "application/json")
    assert tables.uploaded("web", link.upload_id) is None
    key = urlsplit(link.url).path.removeprefix(f"/{report_resources.bucket}").removeprefix("/")
    if "127.0.0.1" in link.url:
        request = urllib.request.Request(link.url, b"[1]\n", {"Content-Type": link.content_type}, method="PUT")  # noqa: S310
        urllib.request.urlopen(request).close()  # noqa: S310
    else:
        report_resources.s3.put_object(Bucket=report_resources.bucket, Key=key, Body=b"[1]\n")
    first = tables.uploaded("web", link.upload_id)
    assert first
    report_resources.s3.put_object(Bucket=report_resources.bucket, Key=key, Body=b"[2]\n")
    with pytest.raises(PermanentError, match="replaced"):
        list(tables.lines("web", link.upload_id, first[0]))


def test_s3_takes_a_table_of_the_stated_size_and_type_alone() -> None:
    """Its signature is reckoned here from the request that comes, as S3 does; moto and the emulator take any."""
    client = boto3.Session("AKIDEXAMPLE", SECRET, region_name="sa-east-1").client("s3", config=S3_CONFIG)
    link = TableBucket(client, "files").new_upload("web", 12, "application/x-ndjson")
    stated = {"content-length": "12", "content-type": "application/x-ndjson"}
    assert s3_takes(link.url, stated)
    assert s3_takes(link.url, {**stated, "user-agent": "curl"})
    for other in ({"content-length": "13"}, {"content-length": "11"}, {"content-type": "text/html"}):
        assert not s3_takes(link.url, {**stated, **other}), other
    for left_out in stated:
        assert not s3_takes(link.url, {name: value for name, value in stated.items() if name != left_out}), left_out
    assert not s3_takes(link.url.replace("content-length%3B", ""), stated)


SECRET = "the secret key"  # noqa: S105


def s3_takes(url: str, headers: dict[str, str]) -> bool:
    """Whether a PUT with these headers has the signature that stands in its URL ("Authenticating Requests: Using Query
    Parameters (AWS Signature Version 4)")."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    signature, scope = query.pop("X-Amz-Signature"), query["X-Amz-Credential"].split("/")[1:]
    signed, sent = query["X-Amz-SignedHeaders"].split(";"), {**headers, "host": parts.netloc}
    if not all(name in sent for name in signed):
        return False
    canonical = "\n".join(
        [
            "PUT",
            parts.path,
            "&".join(f"{quote(name, safe='')}={quote(query[name], safe='')}" for name in sorted(query)),
            *(f"{name}:{sent[name]}" for name in signed),
            "",
            ";".join(signed),
            "UNSIGNED-PAYLOAD",
        ]
    )
    to_sign = ["AWS4-HMAC-SHA256", query["X-Amz-Date"], "/".join(scope), sha256(canonical.encode()).hexdigest()]
    key = f"AWS4{SECRET}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, "\n".join(to_sign).encode(), "sha256").hex() == signature


def test_a_bucket_that_is_not_there_is_an_outage(report_resources: ReportResources) -> None:
    with pytest.raises(Unavailable):
        TableBucket(report_resources.s3, "no-such-bucket-here").keep("web", b"")


def test_a_report_without_a_file_has_no_link(report_resources: ReportResources) -> None:
    with pytest.raises(ValueError, match="no file"):
        BucketLinks(report_resources.s3, report_resources.bucket).link_to(replace(READY, file=None))
