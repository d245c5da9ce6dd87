"""Upload links are counted by one conditional write."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from comanda.adapters.reports.upload_counts import UploadCountTable
from comanda.domain.shared.errors import Unavailable
from tests.support.builders import NOW
from tests.support.report_targets import ReportResources

HOUR = NOW.replace(minute=0)


@pytest.fixture
def counts(report_resources: ReportResources) -> UploadCountTable:
    return UploadCountTable(report_resources.dynamodb, report_resources.table("idempotency"))


def test_so_many_and_no_more_per_caller_and_hour(counts: UploadCountTable) -> None:
    assert [counts.count("web", HOUR, 3) for _ in range(5)] == [True, True, True, False, False]
    assert counts.count("mobile", HOUR, 3)
    assert counts.count("web", HOUR + timedelta(hours=1), 3)
    assert counts.count("web", HOUR, 4), "a stage that allows more from now on"


def test_of_those_that_ask_at_once_no_more_get_one(request: pytest.FixtureRequest, counts: UploadCountTable) -> None:
    if "moto" in request.node.name:
        pytest.skip("moto looks at a condition and writes in two steps, between which another thread may write")
    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(lambda _: counts.count("web", HOUR, 5), range(16)))
    assert sum(given) == 5


def test_a_count_is_removed_once_its_hour_is_over(counts: UploadCountTable) -> None:
    counts.count("web", HOUR, 3)
    counts.count("web", HOUR, 3)
    (row,) = counts.client.scan(TableName=counts.table)["Items"]
    assert row == {
        "id": {"S": "uploads#web#2026-11-22T09:00:00.000Z"},
        "uploads": {"N": "2"},
        "expiration": {"N": str(int((HOUR + timedelta(hours=2)).timestamp()))},
    }


def test_a_table_that_does_not_answer_is_an_outage(counts: UploadCountTable) -> None:
    with pytest.raises(Unavailable):
        UploadCountTable(counts.client, "no-such-table").count("web", HOUR, 3)
