"""The HTTP API as a client meets it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from comanda_cli.terminal.errors import CliError, NotDone

TRIES = 4
LONGEST_PAUSE_SECONDS = 5.0
ENTRIES_PER_PAGE = 1000
_ASK_AGAIN = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}


@dataclass(frozen=True)
class Api:
    """Asks again after a 429, a 503 or a lost connection, which is safe: a POST carries an idempotency key, or asks for
    a report, which is the same one for the same request.

    Raises NotDone for 404, CliError for what is refused or out of reach.
    """

    client: httpx.Client
    sleep: Callable[[float], None]

    def submit(self, body: bytes, key: str) -> tuple[dict[str, Any], bool]:
        """The accepted order, and whether it was there before."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        answer = self._ask("POST", "orders", content=body, headers=headers)
        return answer.json(), answer.headers.get("Idempotency-Replayed") == "true"

    def order(self, order_id: str) -> dict[str, Any]:
        return dict(self._ask("GET", f"orders/{_segment(order_id)}").json())

    def submit_report(self, body: bytes, key: str | None) -> tuple[dict[str, Any], bool]:
        """The accepted report, and whether it was there before."""
        headers = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
        answer = self._ask("POST", "reports", content=body, headers=headers)
        return answer.json(), answer.headers.get("Idempotency-Replayed") == "true"

    def report(self, report_id: str) -> dict[str, Any]:
        return dict(self._ask("GET", f"reports/{_segment(report_id)}").json())

    def balance(self, recipient_id: str) -> dict[str, Any]:
        return dict(self._ask("GET", f"recipients/{_segment(recipient_id)}").json())

    def entries(self, recipient_id: str) -> Iterator[dict[str, Any]]:
        """The whole ledger of a recipient, page by page."""
        query = {"limit": str(ENTRIES_PER_PAGE)}
        while True:
            page = self._ask("GET", f"recipients/{_segment(recipient_id)}/entries", params=query).json()
            yield from page["entries"]
            if "next_cursor" not in page:
                return
            query["cursor"] = page["next_cursor"]

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        for tries_left in reversed(range(TRIES)):
            try:
                answer = self.client.request(method, path, **request)
            except httpx.HTTPError as error:
                if tries_left == 0:
                    raise CliError(f"{self.client.base_url} does not answer: {error}") from error
                self.sleep(1.0)
                continue
            if answer.status_code not in _ASK_AGAIN or tries_left == 0:
                break
            self.sleep(_pause_of(answer))
        if answer.is_success:
            return answer
        kind = NotDone if answer.status_code == HTTPStatus.NOT_FOUND else CliError
        raise kind(problem_text(answer))


def problem_text(answer: httpx.Response) -> str:
    """A problem detail (RFC 9457) in one line."""
    try:
        problem = answer.json()
        text = f"{answer.status_code} {problem['title']}: {problem.get('detail', '')}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.text[:300]}"
    return text


def _pause_of(answer: httpx.Response) -> float:
    seconds = answer.headers.get("Retry-After", "")
    return min(float(seconds), LONGEST_PAUSE_SECONDS) if seconds.isdigit() else 1.0


def _segment(text: str) -> str:
    return quote(text, safe="")
