"""What must hold of reports when the queue is drained, as an outsider sees it: answers, rows, files and messages."""

from hashlib import sha256

from comanda.domain.reports.report import Report, ReportStatus
from tests.crashes.report_system import ReportSystem


def promises_hold(system: ReportSystem, *, ready: str = "", failed: str = "", cancelled: str = "") -> None:
    """Each report has come to its end, given by names; one file for each request, and none that is not whole."""
    expected = dict.fromkeys(ready.split(), ReportStatus.READY)
    expected |= dict.fromkeys(failed.split(), ReportStatus.FAILED)
    expected |= dict.fromkeys(cancelled.split(), ReportStatus.CANCELLED)
    assert system.accepted.keys() == expected.keys()
    assert system.depth(system.source) == 0
    rows = system.rows()
    assert {name: row.status for name, row in rows.items()} == expected
    for name, row in rows.items():
        _its_file_is_whole_and_its_only_one(system, name, row)
    _each_failed_report_can_be_redriven(system, rows)
    assert {name: system.post_again(name) for name in system.accepted} == system.accepted
    assert system.depth(system.source) == 0, "asking again sends nothing"


def _its_file_is_whole_and_its_only_one(system: ReportSystem, name: str, row: Report) -> None:
    content = "\ufeffA\r\n" + "".join(f"{cell}\r\n" for cell in system.cells[name])
    written = {key: file for key, file in system.files().items() if row.report_id in key}
    assert set(written.values()) <= {content.encode()}, "no half file is ever there"
    view, download = system.get(name).body, system.get(name, "/download")
    assert view["status"] == row.status
    if row.status is ReportStatus.READY and row.file:
        assert written[row.file.key] == content.encode()
        assert (view["sha256"], view["rows"]) == (sha256(content.encode()).hexdigest(), len(system.cells[name]))
        assert row.file.key in download.headers["Location"]
        assert len(written) <= 2, "one, and one of a worker that died before it could say so"
    else:
        assert (download.status, "download_url" in view, written) == (409, False, {})


def _each_failed_report_can_be_redriven(system: ReportSystem, rows: dict[str, Report]) -> None:
    """P5, P6: its message, and no other, is in the dead-letter queue, unless a person discarded it."""
    expected = []
    for row in rows.values():
        if row.failure is None:
            continue
        begun = (
            {0} if row.failure.name == "WorkerUnavailable" else {1, 2}
        )  # The second where a worker died at the first.
        assert row.failure.attempts in begun
        if not row.discarded:
            expected.append(row.failure.message_id)
    assert sorted(system.ids_of_dead_letters(system.dead_letters)) == sorted(expected)
