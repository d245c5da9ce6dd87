"""Requests that schemathesis makes up, good and bad ones, to a deployed stack: every answer is a documented one.

`make test` sends some hundred that are the same each time, `make prove` 5,000 that nobody has sent.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import boto3
import pytest
import requests
import schemathesis
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from comanda.adapters.reports.link_keys import StoredLinkKeys
from comanda.domain.reports.signed_link import link_token
from comanda_cli.stack.stack_info import StackInfo
from infra.settings import load_settings
from tests.generated.document import api_document
from tests.stack.conftest import ApiClients
from tests.stack.helpers import a_recipient, an_order, finished, post
from tests.stack.test_reports import ask, written

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
GOOD, BAD = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
KINDS = [
    (method.upper(), path, mode)
    for path, operations in api_document()["paths"].items()
    for method, operation in operations.items()
    for mode in ((GOOD,) if operation.get("security") == [] else (GOOD, BAD))
]
"""What takes no token takes nothing that could be bad but an id."""
UNDERSTOOD = {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
"""Answers to requests that are good: what has ended cannot be cancelled, and links for uploads are counted."""
NOBODY = "nobody"
Operation = APIOperation[Any, Any, Any, Any]
Case = schemathesis.Case[Any]


@dataclass(frozen=True)
class Door:
    """Where requests go: the stack's API as the document describes it, and callers with their tokens."""

    schema: schemathesis.BaseSchema
    known: Mapping[str, Sequence[str]]
    """What there is for each id in a path."""
    session: requests.Session
    tokens: dict[str, str]

    def operation(self, method: str, path: str) -> Operation:
        return self.schema[path][method]

    def send(self, case: Case, caller: str) -> int:
        """The answer's status, once the answer is known to be one of the document's."""
        headers = {} if caller == NOBODY else {"Authorization": f"Bearer {self.tokens[caller]}"}
        answer = case.call_and_validate(
            session=self.session, headers=headers, checks=CHECKS, allow_redirects=False, timeout=60
        )
        return answer.status_code


@pytest.fixture(scope="module")
def door(stack: StackInfo, api: ApiClients, aws: boto3.Session) -> Iterator[Door]:
    schema = schemathesis.openapi.from_dict(api_document())
    schema.config.update(base_url=stack.api_url)
    with requests.Session() as session:
        session.trust_env = False
        yield Door(schema, _known(api, aws), session, dict(stack.tokens))


@pytest.mark.parametrize(("method", "path", "mode"), KINDS)
def test_every_answer_is_a_documented_one(
    door: Door, method: str, path: str, mode: schemathesis.GenerationMode
) -> None:
    _send_many(door, method, path, mode, settings(max_examples=25, derandomize=True, database=None))


@pytest.mark.prove
@pytest.mark.parametrize(("method", "path", "mode"), KINDS)
def test_every_answer_to_what_nobody_has_sent_is_a_documented_one(
    door: Door, method: str, path: str, mode: schemathesis.GenerationMode
) -> None:
    _send_many(door, method, path, mode, settings(max_examples=300, database=None))


def _send_many(door: Door, method: str, path: str, mode: schemathesis.GenerationMode, how: settings) -> None:
    cases = door.operation(method, path).as_strategy(generation_mode=mode)
    callers = st.sampled_from(["ops", "web", NOBODY])
    met = set[int]()

    @settings(how, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=cases, caller=callers, data=st.data())
    def send(case: Case, caller: str, data: st.DataObject) -> None:
        for name in case.path_parameters.keys() & door.known.keys() if data.draw(st.booleans()) else ():
            case.path_parameters[name] = data.draw(st.sampled_from(door.known[name]))
        met.add(door.send(case, caller))

    send()
    assert mode is BAD or min(met) < HTTPStatus.BAD_REQUEST or met & UNDERSTOOD, "none was understood"


def _known(api: ApiClients, aws: boto3.Session) -> Mapping[str, Sequence[str]]:
    """Orders that have completed, their recipient, a report with its file, and a link to it beside one that is over."""
    web, recipient = api("web"), a_recipient()
    orders = [post(web, an_order(recipient)), post(web, an_order(recipient), str(uuid.uuid4()))]
    for order_id in orders:
        finished(web, order_id)
    table = {"title": "A table", "columns": [{"title": "a"}], "rows": [["x"]]}
    report_id = ask(web, {"type": "table", "format": "csv", "parameters": table})
    written(web, report_id)
    secrets = SecretsProvider(boto3_client=aws.client("secretsmanager"))
    keys = StoredLinkKeys(load_settings("local").link_keys_name, lambda: secrets)
    now = datetime.now(UTC)
    links = [link_token(report_id, now + ahead, keys()) for ahead in (timedelta(hours=1), timedelta(hours=-1))]
    return {"order_id": orders, "report_id": [report_id], "recipient_id": [recipient], "token": links}
