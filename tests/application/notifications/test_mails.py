"""Mails: what they say about each event, in both languages and both parts."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comanda.application.notifications.mails import Mail, mail_of
from comanda.domain.orders.order import OrderStatus
from comanda.domain.reports.report import ReportStatus
from comanda.domain.shared.locale import EN_US, PT_BR, Locale

AT = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
ORDER: dict[str, Any] = {
    "order_id": "0b7b4a52-7c0e-4f0c-9a77-3f1d1f5e8a10",
    "recipient_id": "ana",
    "status": "completed",
    "total_amount": "1234567.80",
    "currency": "BRL",
}
FAILED = ORDER | {"failure": {"class": "ItemRejected", "message": "BOMBA is not an item", "attempts": 1}}
REPORT: dict[str, Any] = {
    "report_id": "6f0ad1f2-9a52-4f4c-8f6b-51f5b1c2f3a7",
    "type": "recipient-statement",
    "format": "xlsx",
    "rows": 100_000,
    "download_url": "https://api.example.com/v1/links/abc.def?a=1&b=2",
}
NOT_TOLD = {OrderStatus.ACCEPTING, ReportStatus.ACCEPTING, ReportStatus.EXPIRED}
EVENTS = [
    *(f"order.{status}" for status in OrderStatus if status not in NOT_TOLD),
    *(f"report.{status}" for status in ReportStatus if status not in NOT_TOLD),
]


class Read(HTMLParser):
    """What a reader sees, and how it is made; complains of elements that are not closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.links, self.tags, self._open = "", list[str](), set[str](), list[str]()
        self.language: str | None = None
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in {"meta", "br"}:
            self._open.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.language = dict(attrs).get("lang") or self.language
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def written(event: str, data: dict[str, Any] | None = None, locale: Locale = EN_US, at: datetime = AT) -> Mail:
    return mail_of(event, data or (REPORT if event.startswith("report.") else ORDER), at, locale)


@pytest.mark.parametrize("locale", [PT_BR, EN_US], ids=lambda locale: locale.tag)
@pytest.mark.parametrize("event", EVENTS)
def test_each_event_has_a_mail_whose_parts_say_the_same(event: str, locale: Locale) -> None:
    mail = written(event, locale=locale)
    short_id = (REPORT["report_id"] if event.startswith("report.") else ORDER["order_id"])[:8]
    assert short_id in mail.subject
    assert "\n" not in mail.subject
    assert "{" not in mail.subject + mail.text
    read = Read(mail.html)
    assert read.language == locale.tag
    assert mail.subject in read.text
    for line in mail.text.splitlines():
        for said in line.split(": ", 1) if not line.startswith("http") else []:
            assert said.removesuffix(":") in read.text + "-- "


def test_no_two_events_are_told_alike() -> None:
    for locale in (PT_BR, EN_US):
        assert len({written(event, locale=locale).subject for event in EVENTS}) == len(EVENTS)
    for event in EVENTS:
        assert written(event, locale=PT_BR).text != written(event, locale=EN_US).text


@pytest.mark.parametrize(
    ("locale", "total", "moment", "rows"),
    [
        (PT_BR, "R$\N{NO-BREAK SPACE}1.234.567,80", "22/11/2026 12:30:00 (UTC)", "100.000"),
        (EN_US, "R$1,234,567.80", "11/22/2026 12:30:00 PM (UTC)", "100,000"),
    ],
    ids=["pt-BR", "en-US"],
)
def test_money_dates_and_numbers_are_written_as_the_reader_does(
    locale: Locale, total: str, moment: str, rows: str
) -> None:
    order, report = written("order.completed", locale=locale), written("report.ready", locale=locale)
    assert total in order.text
    assert moment in order.text
    assert rows in report.text


def test_a_moment_stands_in_the_zone_it_is_given_in() -> None:
    there = AT.astimezone(ZoneInfo("America/Sao_Paulo"))
    assert "22/11/2026 09:30:00 (-03)" in written("order.completed", locale=PT_BR, at=there).text


def test_a_currency_without_a_symbol_keeps_its_code_apart() -> None:
    assert (
        "CHF\N{NO-BREAK SPACE}5.00" in written("order.completed", ORDER | {"total_amount": "5", "currency": "CHF"}).text
    )


def test_a_failure_is_told_with_its_reason() -> None:
    for part in (mail := written("order.failed", FAILED)).text, Read(mail.html).text:
        assert "BOMBA is not an item (ItemRejected)" in part


def test_what_is_not_known_is_left_out() -> None:
    text = written("order.failed", {"order_id": ORDER["order_id"]}).text
    assert "Total" not in text
    assert "Reason" not in text
    assert "None" not in text


def test_a_finished_report_is_a_click_away() -> None:
    mail = written("report.ready")
    assert Read(mail.html).links == [REPORT["download_url"]]
    assert REPORT["download_url"] in mail.text.splitlines()
    assert Read(written("order.completed").html).links == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "", "//evil.example.com", None])
def test_a_link_leads_to_the_web_or_is_none(url: str | None) -> None:
    assert Read(written("report.ready", REPORT | {"download_url": url}).html).links == []


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;"


def test_what_others_wrote_is_shown_and_does_nothing() -> None:
    failure = {"class": HOSTILE, "message": HOSTILE}
    data = {"order_id": HOSTILE, "recipient_id": HOSTILE, "client_order_id": HOSTILE, "failure": failure}
    mail = written("order.failed", data)
    read = Read(mail.html)
    assert read.tags == {"html", "head", "meta", "title", "body", "div", "h1", "p", "span", "br"}
    assert HOSTILE in read.text


def test_a_link_cannot_break_out_of_its_place() -> None:
    url = 'https://api.example.com/"><script>alert(1)</script>'
    read = Read(written("report.ready", REPORT | {"download_url": url}).html)
    assert read.links == [url]
    assert "script" not in read.tags


@given(st.text())
def test_no_value_adds_a_line(text: str) -> None:
    """Neither a fact to the text nor a header to the mail."""
    data = {"order_id": text, "recipient_id": text, "failure": {"class": text, "message": text}}
    mail, plain = written("order.failed", data), written("order.failed", {**FAILED, "total_amount": None})
    assert mail.text.count("\n") == plain.text.count("\n")
    assert len(mail.subject.splitlines()) == 1
    Read(mail.html)


def test_a_value_has_its_length() -> None:
    mail = written("order.failed", FAILED | {"recipient_id": "x" * 10_000})
    assert "x" * 299 + "…" in mail.text
    assert len(mail.html) < 5_000
