"""A lease, and whoever holds it."""

from dataclasses import replace
from datetime import timedelta

from comanda.domain.reports.report import ReportStatus
from tests.application.reports.conftest import LEASE, Scene


def test_nobody_waits_for_a_lease_of_its_own(scene: Scene) -> None:
    """The row is written by somebody else meanwhile, as by who asks to be told as well: it is read again, and the work
    goes on under the same lease."""
    report = scene.asked()

    def somebody_writes(_: int) -> None:
        scene.tables.on_line = lambda _: None
        scene.clock.now += timedelta(seconds=LEASE / 2 + 1)
        row = scene.row(report)
        scene.reports.put(replace(row, version=row.version + 1))

    scene.tables.on_line = somebody_writes
    assert scene.generate(scene.message(report)) == []
    row = scene.row(report)
    assert row.status is ReportStatus.READY
    assert row.lease is not None
    assert row.attempts is not None
    assert (row.lease.number, row.attempts.count) == (1, 1)
