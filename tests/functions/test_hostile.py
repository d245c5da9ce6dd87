"""Hostile requests through the real handlers: each gets the answer that is written down, and none an error of ours."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.conftest import resources_on_moto
from tests.functions.conftest import Api
from tests.functions.test_reports import Reports
from tests.functions.test_websockets import Door
from tests.golden import rest_event
from tests.hostile import CALLERS, HostileRequest, hostile_messages, hostile_requests
from tests.support.report_targets import make_report_resources

REQUESTS = [request for request in hostile_requests() if not request.row.get("gateway")]
INSIDES = (
    "Traceback",
    "Error:",
    "Exception",
    "comanda.",
    "botocore",
    "pydantic",
    "site-packages",
    "test-",
)
CPU_SECONDS = 5
"""More than this no request may take: it would be another way to do harm."""


class Everything:
    """All functions behind the REST API, on one set of tables: no request here changes any."""

    def __init__(self, session: boto3.Session, threads: ThreadPoolExecutor) -> None:
        self.orders = Api(resources_on_moto(session))
        self.reports = Reports(make_report_resources(session, threads))
        self.reports.make_link_keys()
        self.door = Door(self.reports.resources)
        self.door.connect()

    def answer(self, request: HostileRequest) -> Any:
        event = rest_event(
            request.row["method"],
            request.path,
            headers=request.headers,
            query=request.query,
            body=None if request.body is None else request.body.decode(errors="replace"),
            caller=CALLERS[request.row["caller"]] if request.row["caller"] else None,
        )
        return self.reports.raw(event) if request.path.startswith(("/reports", "/links")) else self.orders.raw(event)


@pytest.fixture(scope="module")
def everything(moto_session: boto3.Session) -> Iterator[Everything]:
    with mock_aws(), ThreadPoolExecutor(8) as threads:
        yield Everything(moto_session, threads)


def test_there_are_many_and_each_is_told_from_the_others() -> None:
    names = [str(request) for request in hostile_requests()] + [row["name"] for row in hostile_messages()]
    assert len(names) >= 400
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_a_hostile_request_gets_its_answer(everything: Everything, request_: HostileRequest) -> None:
    before = time.process_time()
    answer = everything.answer(request_)
    assert time.process_time() - before < CPU_SECONDS
    assert answer.status == request_.row["status"], answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    if request_.row["method"] == "HEAD":
        assert answer.text == ""
        return
    assert answer.body["type"] == f"urn:comanda:problem:{request_.row['type']}", answer.text
    assert answer.body["status"] == answer.status
    assert answer.body["request_id"] == "request-1"
    assert not [word for word in INSIDES if word in answer.text]
    assert len(answer.text.encode()) < 64 * 1024


@pytest.mark.parametrize("row", hostile_messages(), ids=lambda row: row["name"])
def test_a_hostile_message_gets_its_answer(everything: Everything, row: dict[str, str]) -> None:
    answer = everything.door.asks(row["message"])
    assert answer["type"] == "error"
    assert answer["problem"]["type"] == f"urn:comanda:problem:{row['type']}", answer
    assert not [word for word in INSIDES if word in json.dumps(answer)]
