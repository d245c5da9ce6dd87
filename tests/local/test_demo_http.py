"""The demo's requests, over a transport that answers what it is told to."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from local.demo.http import LIMIT_SECONDS, LONGEST_PAUSE_SECONDS, ask, get, post
from local.errors import LocalError

Answer = httpx.Response | httpx.TransportError
OK = httpx.Response(200, json={"status": "pending"})


class Api(httpx.BaseTransport):
    """Gives its answers one after the other, the last one again and again. Time goes by only while somebody sleeps."""

    def __init__(self, *answers: Answer) -> None:
        self._answers: Iterator[Answer] = iter(answers)
        self._answer = answers[0]
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self._answer = next(self._answers, self._answer)
        if isinstance(self._answer, httpx.TransportError):
            raise self._answer
        return self._answer

    def ask(self, call: Callable[..., httpx.Response] = ask) -> httpx.Response:
        client = httpx.Client(transport=self, base_url="http://127.0.0.1:1")
        return call(client, "GET", "/orders/1", sleep=self.slept.append, clock=lambda: sum(self.slept))


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(500),
        httpx.Response(504, text="Endpoint request timed out"),
        httpx.Response(409, headers={"Retry-After": "1"}),
        httpx.Response(429, headers={"Retry-After": "1"}),
        httpx.ReadTimeout("timed out"),
        httpx.ConnectTimeout("timed out"),
        httpx.RemoteProtocolError("closed"),
    ],
)
def test_a_request_that_a_busy_machine_did_not_answer_is_made_again(trouble: Answer) -> None:
    api = Api(trouble, trouble, OK)
    assert api.ask() is OK
    assert len(api.requests) == 3
    assert all(0 < pause <= LONGEST_PAUSE_SECONDS for pause in api.slept)


@pytest.mark.parametrize("status", [202, 400, 401, 404, 409, 422])
def test_an_answer_is_an_answer(status: int) -> None:
    api = Api(httpx.Response(status), OK)
    assert api.ask().status_code == status
    assert api.slept == []


def test_it_is_not_made_again_without_end() -> None:
    api = Api(httpx.Response(503, text="not today"))
    with pytest.raises(LocalError, match=rf"^GET /orders/1 says 503: not today, for {LIMIT_SECONDS:.0f} s$"):
        api.ask()
    assert LIMIT_SECONDS <= sum(api.slept) <= LIMIT_SECONDS + LONGEST_PAUSE_SECONDS


def test_where_nobody_listens_it_is_said_at_once() -> None:
    api = Api(httpx.ConnectError("refused"))
    with pytest.raises(LocalError, match="has the stack ended"):
        api.ask()
    assert len(api.requests) == 1


def test_what_is_refused_is_said_in_the_apis_words() -> None:
    client = httpx.Client(transport=Api(httpx.Response(422, text="no such item")), base_url="http://127.0.0.1:1")
    with pytest.raises(LocalError, match=r"^GET /orders/1 says 422: no such item$"):
        get(client, "/orders/1")
    with pytest.raises(LocalError, match=r"^POST /orders \(one ABC\) says 422: no such item$"):
        post(client, "/orders", {}, "a-key", "one ABC")


def test_a_post_keeps_its_key() -> None:
    api = Api(httpx.Response(409, headers={"Retry-After": "0"}), httpx.Response(202))
    client = httpx.Client(transport=api, base_url="http://127.0.0.1:1")
    post(client, "/orders", {"customer_id": "123"}, "a-key", "one ABC")
    assert [request.headers["Idempotency-Key"] for request in api.requests] == ["a-key", "a-key"]
