"""Tables that callers upload: whatever is in them is written, or refused with its place; none is an error of ours."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from tests.functions.test_reports import Reports
from tests.support.moto_tables import MotoTables


@pytest.fixture
def reports(moto_tables: MotoTables, reading: Any) -> Iterator[Reports]:
    with mock_aws():
        yield Reports(moto_tables.report_resources(reading))


def upload(reports: Reports, cell: bytes) -> dict[str, Any]:
    content = b"[" + cell + b"]\n"
    upload_id = reports.post({"bytes": len(content)}, path="/reports/uploads").body["upload_id"]
    key = f"tables/web/{upload_id}.jsonl"
    reports.resources.s3.put_object(Bucket=reports.resources.bucket, Key=key, Body=content)
    return {"upload_id": upload_id}


def report_of(reports: Reports, kind: str, report_format: str, rows: dict[str, Any]) -> dict[str, Any]:
    """A report of one cell, as GET shows it once it was worked on."""
    columns = [{"title": "A", "kind": kind, "total": kind in {"decimal", "integer"}}]
    parameters = {"title": "T", "columns": columns, "time_zone": "America/Sao_Paulo", **rows}
    accepted = reports.post({"type": "table", "format": report_format, "parameters": parameters})
    assert accepted.status == 202, accepted.text
    reports.generate()
    return reports.get(f"/reports/{accepted.body['report_id']}").body


HOSTILE_CELLS = [
    ("decimal", b"1e9999999999999999999"),
    ("decimal", b"1e-9999999999999999999"),
    ("decimal", b"1e999999"),
    ("decimal", b"0." + b"1" * 5000),
    ("decimal", b"9" * 5000),
    ("decimal", b'"1e5"'),
    ("decimal", b"NaN"),
    ("decimal", b"true"),
    ("money", b"1e308"),
    ("money", b"-1e-308"),
    ("money", b"9" * 4300),
    ("integer", b"1.0"),
    ("integer", b'"1"'),
    ("date", b'"0000-01-01"'),
    ("date", b'"10000-01-01"'),
    ("date", b'"2026-W01-1T00"'),
    ("date", b"20260101"),
    ("datetime", b'"2026-01-01T00:00:00"'),
    ("datetime", b'"0001-01-01T00:00:00+14:00"'),
    ("datetime", b'"9999-12-31T23:59:59-14:00"'),
    ("datetime", b'"2026-01-01T25:00:00Z"'),
    ("boolean", b'"true"'),
    ("boolean", b"1"),
    ("text", b"1"),
    ("text", b'{"a": 1, "a": 2}'),
    ("text", rb'"\ud800"'),
    ("text", b'"\xed\xa0\x80"'),
    ("text", b'"\xff"'),
    ("text", b"[" * 50_000),
]

GOOD_CELLS = [
    ("decimal", b"1e308"),
    ("decimal", b"-1e-308"),
    ("decimal", b'"' + b"9" * 60 + b'"'),
    ("decimal", b"0e0"),
    ("decimal", b"9" * 4300),
    ("integer", b"9" * 4300),
    ("date", b'"0001-01-01"'),
    ("date", b'"9999-12-31"'),
    ("datetime", b'"0002-01-01T00:00:00Z"'),
    ("datetime", b'"9998-12-31T23:59:59Z"'),
    ("text", rb'"\u0000\uffff\u202e"'),
]


def _name(value: object) -> str:
    return value[:24].decode(errors="replace") if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize("report_format", ["csv", "xlsx", "pdf"])
@pytest.mark.parametrize(("kind", "cell"), HOSTILE_CELLS, ids=_name)
def test_a_cell_that_breaks_a_rule_is_named(reports: Reports, kind: str, cell: bytes, report_format: str) -> None:
    report = report_of(reports, kind, report_format, upload(reports, cell))
    assert report["status"] == "failed"
    assert report["failure"]["class"] == "InvalidTable"
    assert report["failure"]["message"].startswith("row 1")


@pytest.mark.parametrize("report_format", ["csv", "xlsx", "pdf"])
@pytest.mark.parametrize(("kind", "cell"), GOOD_CELLS, ids=_name)
def test_a_cell_that_is_taken_is_written(reports: Reports, kind: str, cell: bytes, report_format: str) -> None:
    report = report_of(reports, kind, report_format, upload(reports, cell))
    if report_format == "pdf" and report["status"] == "failed":
        assert report["failure"]["message"] == "1 columns do not fit on paper; ask for XLSX"
    else:
        assert report["status"] == "ready"


@pytest.mark.parametrize(("kind", "cell"), [("decimal", 1e300), ("decimal", 1e-300), ("money", 1e3), ("decimal", 1e5)])
def test_a_number_that_is_taken_with_its_exponent_is_written(reports: Reports, kind: str, cell: float) -> None:
    assert report_of(reports, kind, "csv", {"rows": [[cell]]})["status"] == "ready"
