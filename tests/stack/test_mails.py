"""A deployed stack that sends mail, captured by the emulator."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from comanda_cli.stack.sessions import local_session
from comanda_cli.stack.stack_info import StackInfo
from local.stack import api_client, temporary_stack
from tests.stack.helpers import a_recipient, an_order, finished, post, settled
from tests.stack.operators import wait_for

SENDER, ANA = "notices@example.com", "ana@example.com"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    with temporary_stack(
        tmp_path_factory.mktemp("mails"), {"notifications.email_from": SENDER, "notifications.email_locale": "pt-BR"}
    ) as own:
        assert own.endpoint_url
        ses = local_session(own.endpoint_url, own.region).client("sesv2")
        ses.create_email_identity(EmailIdentity=SENDER)
        yield own


def mails(stack: StackInfo) -> list[dict[str, Any]]:
    captured = httpx.get(f"{stack.endpoint_url}/_ministack/ses/messages", trust_env=False).json()["messages"]
    return [mail for of_account in captured.values() for mail in of_account]


def test_a_completed_and_a_failed_order_are_mailed_each_in_its_language(stack: StackInfo) -> None:
    with api_client(stack, "web") as client:
        good = post(client, an_order(a_recipient(), notify={"email": ANA}))
        bad = post(client, an_order(a_recipient(), "BOMBA", notify={"email": ANA, "locale": "en-US"}))
        assert {finished(client, each)["status"] for each in (good, bad)} == {"completed", "failed"}
        wait_for(lambda: len(mails(stack)) == 2, "two mails")
        texts = {str(mail) for mail in mails(stack)}
    (portuguese,) = (text for text in texts if good in text)
    (english,) = (text for text in texts if bad in text)
    assert "R$" in portuguese
    assert "ItemRejected" in english
    assert all(ANA in text and SENDER in text for text in texts)


def test_the_link_in_a_mail_downloads_the_report(stack: StackInfo) -> None:
    table = {"title": a_recipient(), "columns": [{"title": "Name"}], "rows": [["Ana"]]}
    asked = {"type": "table", "format": "csv", "parameters": table, "notify": {"email": ANA}}
    before = len(mails(stack))
    with api_client(stack, "web") as client:
        report_id = client.post("reports", json=asked).json()["report_id"]
        assert settled(client, f"reports/{report_id}", {"requested", "generating"}, 30)["status"] == "ready"
        wait_for(lambda: len(mails(stack)) > before, "the mail")
    link = re.search(r"http://[^\s\"'\\<>]+/links/[\w.-]+", str(mails(stack)[-1]))
    assert link
    with httpx.Client(follow_redirects=True, trust_env=False) as anybody:
        file = anybody.get(link[0])
    assert (file.status_code, "Ana" in file.text) == (200, True)
