"""What the delivery of messages needs of a table, for orders, reports and notifications alike, fakes included."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from comanda.adapters.notifications.table import NotificationTable
from comanda.adapters.orders.table import OrderTable
from comanda.adapters.reports.table import ReportTable
from comanda.application.delivery.ports import FAILED, OPEN, OWED, RowsInNeed, VersionConflict
from comanda.domain.delivery.work_item import By, Failure, WorkItem
from comanda.domain.reports.report import ReportFile
from comanda.domain.shared.errors import Unavailable
from comanda_cli.stack.sessions import local_session
from tests.simulation.wire import InProcess
from tests.support.builders import NOW, a_notification, a_pending_order, a_report, an_enriched_order
from tests.support.fakes import FakeOrders
from tests.support.notification_fakes import FakeNotifications
from tests.support.report_fakes import FakeReports
from tests.support.report_targets import make_report_resources
from tests.support.targets import make_resources

LATER = NOW + timedelta(minutes=1)
FAILURE = Failure("Timeout", "slow", "a-stage", 5, NOW, "m-1")


@dataclass(frozen=True)
class Kind:
    """One kind of row: its table, and rows of it. `a_row` waits, in a message group of its own or in `group`."""

    name: str
    fake: Callable[[], Any]
    table: Callable[[Any], Any]
    """On a session."""
    a_row: Callable[[str], Any]
    """Of the group."""
    over: Callable[[Any], Any]
    discarded: Callable[[Any], Any]
    """One that failed."""
    lists_open: bool = False


def order_table(session: Any) -> OrderTable:
    resources = make_resources(session)
    return OrderTable(resources.dynamodb, resources.orders_table)


def notification_table(session: Any) -> NotificationTable:
    resources = make_resources(session)
    return NotificationTable(resources.dynamodb, resources.notifications_table)


def report_table(session: Any) -> ReportTable:
    with ThreadPoolExecutor(1) as reading:
        resources = make_report_resources(session, reading)
    return ReportTable(resources.dynamodb, resources.table("reports"))


def a_file() -> ReportFile:
    return ReportFile("reports/k.xlsx", 3, 4_000, "ab" * 32, 125)


ORDERS = Kind(
    "orders",
    FakeOrders,
    order_table,
    lambda group: a_pending_order(recipient_id=group),
    lambda order: replace(an_enriched_order(), order_id=order.order_id, version=order.version).completed(NOW),
    lambda failed: failed.set_aside(NOW, "discarded by ana"),
    lists_open=True,
)
REPORTS = Kind(
    "reports",
    FakeReports,
    report_table,
    lambda _: a_report(report_id=str(uuid.uuid4())).stored(NOW),
    lambda report: report.leased("me", "m-1", 1, NOW, 60).finished(a_file(), NOW),
    lambda failed: failed.set_aside(NOW),
)
NOTIFICATIONS = Kind(
    "notifications",
    FakeNotifications,
    notification_table,
    lambda group: a_notification(notification_id=str(uuid.uuid4()), subject_id=group),
    lambda notification: notification.delivered(NOW),
    lambda failed: replace(failed, discarded=True, version=failed.version + 1),
)


@pytest.fixture(params=[ORDERS, REPORTS, NOTIFICATIONS], ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    given: Kind = request.param
    return given


@pytest.fixture
def rows(request: pytest.FixtureRequest, kind: Kind) -> Iterator[Any]:
    """A fake, and the table on moto, on the emulator and on the simulator's model."""
    match request.param:
        case "fake":
            yield kind.fake()
        case "moto":
            with mock_aws():
                yield kind.table(request.getfixturevalue("moto_session"))
        case "emulator":
            yield kind.table(local_session(request.getfixturevalue("bare_emulator")))
        case _:
            yield kind.table(InProcess())


TABLES = ["moto", "emulator", "model"]
FAKE_AND_TABLES = pytest.mark.parametrize("rows", ["fake", *TABLES], indirect=True)


def put(rows: Any, *some: WorkItem) -> None:
    for row in some:
        (rows.add if hasattr(rows, "add") else rows.claim)(row)


def row_of(rows: RowsInNeed[Any], row: WorkItem) -> Any:
    return rows.get_many([row.row_id]).get(row.row_id)


def owed(kind: Kind, group: str = "g-1", run: int = 1) -> Any:
    """A row of which a run has just begun."""
    row = kind.a_row(group).opened(By.RECONCILER, NOW, "requeued")
    return replace(row, replay=run)


@FAKE_AND_TABLES
def test_what_is_owed_comes_back_equal(rows: Any, kind: Kind) -> None:
    """`replay`, `owed`, `rescues`, `attempts`, `failure`, `discarded`."""
    begun = owed(kind)
    failed = kind.a_row("g-1").tried("m-1", 3, NOW).failed(FAILURE)
    discarded = kind.discarded(kind.a_row("g-1").failed(FAILURE))
    put(rows, begun, failed, discarded)
    assert rows.get_many([begun.row_id, "nobody", failed.row_id, discarded.row_id]) == {
        row.row_id: row for row in (begun, failed, discarded)
    }
    assert (begun.owed, begun.replay, begun.rescues) == (True, 1, 1)
    assert rows.get_many([]) == {}


@FAKE_AND_TABLES
def test_what_was_sent_is_owed_no_more_and_nothing_else_changes(rows: Any, kind: Kind) -> None:
    begun = owed(kind)
    put(rows, begun)
    rows.mark_sent(begun, begun.sent(LATER))
    assert row_of(rows, begun) == replace(begun, owed=False, updated_at=LATER)


@FAKE_AND_TABLES
def test_what_was_sent_in_the_moment_in_which_it_was_begun_is_owed_no_more(rows: Any, kind: Kind) -> None:
    """Then nothing is set, and something is only taken away."""
    begun = owed(kind)
    put(rows, begun)
    rows.mark_sent(begun, begun.sent(begun.updated_at))
    assert row_of(rows, begun) == replace(begun, owed=False)


@FAKE_AND_TABLES
def test_what_others_wrote_meanwhile_stays(rows: Any, kind: Kind) -> None:
    begun = owed(kind)
    put(rows, begun)
    others = replace(begun, rescues=7, version=begun.version + 1)
    rows.save(begun, others)
    rows.mark_sent(begun, begun.sent(LATER))
    assert row_of(rows, begun) == replace(others, owed=False, updated_at=LATER)


@FAKE_AND_TABLES
def test_a_late_word_about_one_run_does_not_take_what_the_next_owes(rows: Any, kind: Kind) -> None:
    first = owed(kind)
    put(rows, first)
    second = first.opened(By.RECONCILER, NOW, "requeued")
    rows.save(first, second)
    rows.mark_sent(first, first.sent(LATER))
    assert row_of(rows, first) == second
    assert [row.row_id for row in rows.needing_attention(OWED)] == [first.row_id]


@FAKE_AND_TABLES
def test_where_nothing_is_owed_nothing_is_written(rows: Any, kind: Kind) -> None:
    begun = owed(kind)
    put(rows, begun)
    worked = begun.tried("m-2", 1, NOW)
    rows.save(begun, worked)
    rows.mark_sent(begun, begun.sent(LATER))
    assert row_of(rows, begun) == worked


@FAKE_AND_TABLES
def test_where_there_is_no_row_none_is_made(rows: Any, kind: Kind) -> None:
    begun = owed(kind)
    rows.mark_sent(begun, begun.sent(LATER))
    assert row_of(rows, begun) is None


@FAKE_AND_TABLES
def test_a_worker_that_read_the_row_before_it_was_marked_is_not_overtaken(rows: Any, kind: Kind) -> None:
    begun = owed(kind)
    put(rows, begun)
    rows.mark_sent(begun, begun.sent(LATER))
    worked = begun.tried("m-2", 1, LATER)
    rows.save(begun, worked)
    assert row_of(rows, begun) == worked


@FAKE_AND_TABLES
def test_whoever_read_an_earlier_version_is_overtaken(rows: Any, kind: Kind) -> None:
    waiting = kind.a_row("g-1")
    put(rows, waiting)
    begun = waiting.opened(By.CONSOLE, NOW, "")
    rows.save(waiting, begun)
    with pytest.raises(VersionConflict):
        rows.save(waiting, waiting.opened(By.RECONCILER, NOW, ""))
    assert row_of(rows, waiting) == begun


@FAKE_AND_TABLES
def test_what_needs_attention_is_found_and_what_is_done_with_is_not(rows: Any, kind: Kind) -> None:
    waiting, begun, failed = kind.a_row("g-1"), owed(kind, "g-2"), kind.a_row("g-3").failed(FAILURE)
    discarded, over = kind.discarded(kind.a_row("g-4").failed(FAILURE)), kind.over(kind.a_row("g-5"))
    put(rows, waiting, begun, failed, discarded, over)

    def found(of: str) -> set[str]:
        return {row.row_id for row in rows.needing_attention(of)}

    assert (found(OWED), found(FAILED)) == ({begun.row_id}, {failed.row_id})
    assert found(OPEN) == ({waiting.row_id} if kind.lists_open else set())
    rows.mark_sent(begun, begun.sent(LATER))
    assert found(OWED) == set()
    assert found(OPEN) == ({waiting.row_id, begun.row_id} if kind.lists_open else set())
    redriven = failed.opened(By.OPERATOR, LATER, "redriven by ana")
    rows.save(failed, redriven)
    assert (found(OWED), found(FAILED)) == ({failed.row_id}, set())
    assert next(rows.needing_attention(OWED)) == redriven


@FAKE_AND_TABLES
def test_open_rows_are_found_by_their_message_group(rows: Any, kind: Kind) -> None:
    """But for reports: each is a group of its own, and has none behind it."""
    shown, behind, elsewhere = kind.a_row("g-1").failed(FAILURE), kind.a_row("g-1"), kind.a_row("g-2")
    done = kind.over(replace(kind.a_row("g-1")))
    put(rows, shown, behind, elsewhere, done)
    found = list(rows.open_in({shown.message_group}, [shown]))
    assert found == ([] if kind is REPORTS else [behind])


@pytest.mark.parametrize("rows", TABLES, indirect=True)
def test_its_own_mark_met_again_is_no_error(rows: Any, kind: Kind) -> None:
    """As boto3 meets it, when it tries again after a lost answer."""
    begun = owed(kind)
    put(rows, begun)
    tries: list[str] = []

    def try_once_more(**_: object) -> float | None:
        tries.append("UpdateItem")
        return 0.0 if len(tries) == 1 else None

    events = rows.client.meta.events
    events.register_first("needs-retry.dynamodb.UpdateItem", try_once_more, unique_id="lost-answer")
    try:
        rows.mark_sent(begun, begun.sent(LATER))
    finally:
        events.unregister("needs-retry.dynamodb.UpdateItem", unique_id="lost-answer")
    assert len(tries) == 2
    assert row_of(rows, begun) == begun.sent(LATER)


@pytest.mark.parametrize("rows", ["fake", "moto"], indirect=True)
def test_an_outage_is_told_as_one(rows: Any, kind: Kind) -> None:
    begun = owed(kind)
    put(rows, begun)
    cut_off(rows)
    calls: list[Callable[[], object]] = [
        lambda: rows.get_many([begun.row_id]),
        lambda: rows.mark_sent(begun, begun.sent(LATER)),
        lambda: rows.save(begun, begun.tried("m-2", 1, NOW)),
        lambda: list(rows.needing_attention(OWED)),
        lambda: list(rows.needing_attention(FAILED)),
    ]
    if kind is not REPORTS:  # It reads nothing.
        calls.append(lambda: list(rows.open_in({begun.message_group}, [begun])))
    for call in calls:
        with pytest.raises(Unavailable):
            call()


def cut_off(rows: Any) -> None:
    def refuse(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb.test")

    if hasattr(rows, "outage"):
        rows.outage = True
    else:
        rows.client.meta.events.register("before-call.*", refuse)
