"""`make receiver`: what it prints of what it is told."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO

import httpx
import pytest
from standardwebhooks import Webhook

from comanda.domain.notifications.webhook_signature import issue_webhook_secret

SECRET, ANOTHER = (issue_webhook_secret(datetime.now(UTC))["secret"] for _ in range(2))
EVENT = {"type": "order.completed", "timestamp": "2026-11-22T09:30:05.125Z", "data": {"order_id": "an-order"}}


@pytest.fixture
def printed() -> Iterator[IO[str]]:
    """What it prints, once the first line is there."""
    command = [sys.executable, "-m", "local.servers.webhook_receiver", "0"]
    environment = {**os.environ, "WEBHOOK_SECRET": SECRET}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout
        process.terminate()


def tell(url: str, body: str, secret: str) -> None:
    now = datetime.now(UTC)  # Five minutes later it would no longer count as signed.
    headers = {
        "webhook-id": "an-id",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("an-id", now, body),
    }
    assert httpx.post(url, content=body, headers=headers).status_code == httpx.codes.NO_CONTENT


def test_it_says_what_it_was_told_and_whether_that_is_signed(printed: IO[str]) -> None:
    found = re.search(r"http://\S+/hook", printed.readline())
    assert found
    for body, secret in ((json.dumps(EVENT), SECRET), (json.dumps(EVENT), ANOTHER), ("{}", SECRET), ("", SECRET)):
        tell(found[0], body, secret)
    good, bad, strange, empty = (printed.readline() for _ in range(4))
    assert good.split() == [EVENT["timestamp"], "order.completed", "an-order", "an-id", "signed"]
    assert bad.rstrip().endswith("WRONGLY SIGNED")
    assert strange == "this is no event of Comanda's: b'{}'\n"
    assert empty == "this is no event of Comanda's: b''\n"


@pytest.mark.parametrize(("secret", "advice"), [("", "rotate"), ("whsec_", "rotate"), ("whsec_é", "base64")])
def test_a_secret_that_is_none_is_refused_at_once(secret: str, advice: str) -> None:
    """As of `WEBHOOK_SECRET=$(…)` around a command that failed: each webhook would break it later on."""
    command = [sys.executable, "-m", "local.servers.webhook_receiver", "0"]
    environment = {**os.environ, "WEBHOOK_SECRET": secret}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("WEBHOOK_SECRET is ")
    assert advice in done.stderr


def test_what_a_stranger_sends_does_not_move_the_terminal(printed: IO[str]) -> None:
    found = re.search(r"http://\S+/hook", printed.readline())
    assert found
    tell(found[0], json.dumps({**EVENT, "type": "\u202e\x1b[31m"}), SECRET)
    assert r"\u202e\u001b[31m" in printed.readline()
