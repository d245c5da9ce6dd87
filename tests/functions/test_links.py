"""GET /links/{token}: the real handler, the bucket and the keys on moto."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from moto import mock_aws

from comanda.domain.reports.signed_link import LinkKeys, link_token
from tests.functions.test_reports import Reports
from tests.support.builders import NOW
from tests.support.fakes import FakeClock
from tests.support.moto_tables import MotoTables


@pytest.fixture
def reports(moto_tables: MotoTables, reading: ThreadPoolExecutor) -> Iterator[Reports]:
    with mock_aws():
        yield Reports(moto_tables.report_resources(reading))


def test_a_link_leads_to_the_file_without_a_token_until_it_expires(reports: Reports) -> None:
    report_id = reports.post().body["report_id"]
    keys = reports.make_link_keys()
    token = link_token(report_id, NOW + timedelta(hours=1), keys)
    assert reports.follow(token).status == 409, "there is no file yet"
    reports.generate()
    followed = reports.follow(token)
    assert (followed.status, f"reports/{report_id}/" in followed.headers["Location"]) == (303, True)
    assert followed.headers["Cache-Control"] == "private, no-store"

    expired = reports.follow(link_token(report_id, NOW, keys))
    assert (expired.status, expired.headers["Content-Type"]) == (410, "application/problem+json")
    assert expired.body["detail"] == "this link has expired"
    of_nothing = link_token(str(uuid.uuid4()), NOW + timedelta(days=1), keys)
    foreign = link_token(report_id, NOW + timedelta(days=1), LinkKeys("first", {"first": "guessed"}))
    for other in (of_nothing, foreign, token + "x", "x" + token, "x", f"{token}.{token}"):
        refused = reports.follow(other)
        assert (refused.status, refused.headers["Content-Type"]) == (404, "application/problem+json")


def test_a_link_to_a_report_that_has_expired_is_gone(reports: Reports) -> None:
    report_id = reports.post().body["report_id"]
    reports.generate()
    token = link_token(report_id, NOW + timedelta(days=365), reports.make_link_keys())
    later = Reports(reports.resources, FakeClock(NOW + timedelta(days=8)))
    assert later.follow(token).status == 410


def test_while_the_keys_of_links_cannot_be_read_nobody_is_told_that_a_link_is_wrong(reports: Reports) -> None:
    keys = LinkKeys("first", {"first": "k"})
    assert reports.follow(link_token(str(uuid.uuid4()), NOW + timedelta(days=1), keys)).status == 503
