"""Hostile requests over real sockets to a deployed stack: HTTP as they are written, and messages over a WebSocket."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import ClientConnection, connect

from comanda_cli.stack.stack_info import StackInfo
from tests.hostile import HostileRequest, hostile_messages, hostile_requests

REQUESTS = [request for request in hostile_requests() if request.on_the_stack]
SECONDS = 60


@dataclass
class Line:
    """One connection for all requests: an answer that is not read to its end would spoil the next."""

    stack: StackInfo

    def __post_init__(self) -> None:
        self._url = urlsplit(self.stack.api_url)
        self._connection = http.client.HTTPConnection(self._url.hostname or "", self._url.port, timeout=SECONDS)

    def send(self, request: HostileRequest) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection, body = self._connection, request.body
        connection.putrequest(
            request.row["method"], f"{self._url.path}{request.row['path']}", skip_accept_encoding=True
        )
        if request.row["caller"]:
            connection.putheader("Authorization", f"Bearer {self.stack.tokens[request.row['caller']]}")
        if body is not None or request.row["method"] == "POST":
            connection.putheader("Content-Length", str(len(body or b"")))
        for name, value in request.headers:
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


@pytest.fixture(scope="module")
def line(stack: StackInfo) -> Line:
    return Line(stack)


@pytest.fixture(scope="module")
def socket(stack: StackInfo) -> Iterator[ClientConnection]:
    assert stack.websocket_url
    headers = {"Authorization": f"Bearer {stack.tokens['ops']}"}
    with connect(stack.websocket_url, proxy=None, additional_headers=headers) as client:
        yield client


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_a_hostile_request_gets_its_answer(line: Line, request_: HostileRequest) -> None:
    status, headers, body = line.send(request_)
    expected = request_.row.get("on_emulator", request_.row)
    assert status == expected["status"], body
    assert headers["Content-Type"] == "application/problem+json"
    if "allow" in request_.row:
        assert headers["Allow"] == request_.row["allow"]
    if request_.row["method"] == "HEAD":
        assert body == b""
        return
    problem = json.loads(body)
    assert problem["type"] == f"urn:comanda:problem:{expected['type']}"
    assert problem["status"] == status


@pytest.mark.parametrize("row", hostile_messages(), ids=lambda row: row["name"])
def test_a_hostile_message_gets_its_answer(socket: ClientConnection, row: dict[str, str]) -> None:
    socket.send(row["message"])
    answer = json.loads(socket.recv(timeout=SECONDS))
    assert (answer["type"], answer["problem"]["type"]) == ("error", f"urn:comanda:problem:{row['type']}")
