"""The demo's requests, each made again where a busy machine gave no answer to it."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from local.errors import LocalError

LIMIT_SECONDS = 300.0
LONGEST_PAUSE_SECONDS = 5.0


def ask(
    client: httpx.Client,
    method: str,
    path: str,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    **request: Any,
) -> httpx.Response:
    """The answer to a GET, or to a POST with an Idempotency-Key: by asking again, nothing is lost or doubled.

    Asked again, for LIMIT_SECONDS, where there is no answer, a 5xx, or one that says when to come back (409 in
    progress, 429). `request` as httpx takes it. Raises LocalError where it stays so, and at once where nobody listens.
    """
    deadline, pause = clock() + LIMIT_SECONDS, 0.2
    while True:
        wanted = 0.0
        try:
            answer = client.request(method, path, **request)
        except httpx.ConnectError as error:
            raise LocalError(f"nobody listens at {client.base_url}: has the stack ended? ({error})") from error
        except httpx.TransportError as error:
            trouble = f"has no answer: {type(error).__name__} {error}".rstrip()
        else:
            if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR and "Retry-After" not in answer.headers:
                return answer
            trouble = f"says {answer.status_code}: {answer.text[:300]}"
            wanted = float(answer.headers.get("Retry-After", 0))
        if clock() >= deadline:
            raise LocalError(f"{method} {path} {trouble}, for {LIMIT_SECONDS:.0f} s")
        sleep(min(max(pause, wanted), LONGEST_PAUSE_SECONDS))
        pause *= 2


def get(client: httpx.Client, path: str, parameters: dict[str, str] | None = None) -> dict[str, Any]:
    """What is there. Raises LocalError where it is not to be had."""
    answer = ask(client, "GET", path, params=parameters)
    if answer.status_code != httpx.codes.OK:
        raise LocalError(f"GET {path} says {answer.status_code}: {answer.text[:300]}")
    body: dict[str, Any] = answer.json()
    return body


def post(client: httpx.Client, path: str, body: dict[str, Any], key: str, title: str) -> httpx.Response:
    """The 202 to a POST under `key`. Raises LocalError, which names it by its `title`, where it is not accepted."""
    answer = ask(client, "POST", path, json=body, headers={"Idempotency-Key": key})
    if answer.status_code != httpx.codes.ACCEPTED:
        raise LocalError(f"POST {path} ({title}) says {answer.status_code}: {answer.text[:500]}")
    return answer
