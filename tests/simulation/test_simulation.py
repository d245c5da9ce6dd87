"""The simulator itself: the same seed is the same story anywhere, and it is not blind."""

import json
import os
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from random import Random

import pytest

from infra.settings import load_settings
from tests.simulation.faults import CallFault, Faults
from tests.simulation.report_system import ReportSystem
from tests.simulation.simulation import has_reports, simulate, virtual_world
from tests.simulation.system import System
from tests.simulation.workload import Workload

ROOT = Path(__file__).resolve().parents[2]

SEEDS_THAT_FOUND_SOMETHING: dict[int, str] = {
    132: "an attempt that a throttle cut short was lost where the throttle also hit the write that gives it back",
    316: "orders turned away in an outage came again each second, and were dead-lettered untried",
    40: "an order that was enriched at its last attempt failed, as its message could not be sent on at once",
    435: "an attempt whose record was written, and whose answer was lost, was not given back",
    1738: "an attempt that was never written was given back on a row that a cancellation had written",
    3812: "an attempt was given back on an order that was cancelled meanwhile",
    3609: "boto3's retry of an attempt's record met that record, and the attempt was lost",
    1756: "an order published anew was published anew with the same body",
    6162: "of two dead letters the older one was taken first, and the order failed with a message under way",
    32: "a worker resumed what the reconciler had published but not yet written, and the rescue was not counted",
    922: "a dead letter that shared a full receive with another recipient's was seen by nobody",
    8653: "a 202 for an order that a GET did not find, as a worker's attempt had overtaken the API",
    31013: "an order failed where its worker could not be written down as the one that tries the provider again",
    4006: "an order that failed for now as the one that tries the provider left the circuit half open for all others",
    6044: "an order that kills its worker was the one that tries the provider, each minute anew",
    7044: "an order failed of an outage that was over by the time the provider was asked how it is",
    9201: "a worker woke up late and failed an order whose message the console had redriven, which was dropped",
    4579: "a report that was begun anew as of the same moment used the numbers of its leases again",
    11577: "a rescue owed to an outage was counted by a worker that took it up before the reconciler wrote so down",
    8747: "the write of a worker that took effect late was taken for somebody else's, by the auditor",
    335: "a reason said that the worker had died, where it could not write what came of the attempt",
    3: "a failure's reason said that the worker had died at every attempt, where it had answered some",
}
"""Defects that a seed found, of the product or of its auditor, and which stay mended."""


SEEDS_WITH_NOTIFICATIONS = {
    5645: "a report that was begun anew sent the body of a redrive that could not be written down, and was swallowed",
    1400033: "the death of a worker was counted for an order that it had done and deleted by hand, by the auditor",
    4001756: "an order whose claim was gone on with late looked as if nobody had written it for long, and was requeued",
    2000272: "an order that killed the one trial of the circuit had all others turned away for a minute",
}
"""The same, of those that were found in a run with notifications, or with a scenario."""


@pytest.mark.parametrize("seed", SEEDS_THAT_FOUND_SOMETHING)
def test_what_a_seed_found_stays_mended(seed: int) -> None:
    """Without notifications, as they were found."""
    assert simulate(seed, telling=False).broken is None


@pytest.mark.parametrize("seed", SEEDS_WITH_NOTIFICATIONS)
def test_what_a_seed_with_notifications_found_stays_mended(seed: int) -> None:
    assert simulate(seed).broken is None


def test_a_seed_is_one_story_in_any_process_folder_time_zone_and_hash_seed(tmp_path: Path) -> None:
    here = simulate(11)
    assert here.digest == simulate(11).digest
    assert here.digest != simulate(12).digest
    elsewhere = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seed", "11"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "4711", "TZ": "Pacific/Kiritimati"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert here.digest in elsewhere.stdout


def test_a_seed_with_reports_writes_some() -> None:
    seed = next(seed for seed in range(100) if has_reports(seed))
    seen = simulate(seed, verbose=True)
    assert seen.broken is None
    assert seen.reports > 0
    assert "POST /reports" in seen.story
    assert not any(simulate(seed).reports for seed in range(20) if not has_reports(seed))


def test_a_story_is_told_where_it_is_asked_for() -> None:
    assert simulate(11).story == ""
    story = simulate(11, verbose=True).story
    assert "POST /orders" in story
    assert "ledger: entry#" in story


@pytest.mark.parametrize("at_once", [2, 20])
def test_twenty_reports_are_written_side_by_side_up_to_the_stages_limit(at_once: int) -> None:
    """B9. What the emulator cannot show: it runs one batch of a FIFO queue at a time, whatever the mapping says."""
    random = Random(1)
    with virtual_world(random) as (scheduler, history):
        faults = Faults(random, call_rates={CallFault.SLOW: 1.0}, active=False)
        system = System(scheduler, random, faults, history, load_settings("dev"))
        reports = ReportSystem(system, random, at_once)
        workload = Workload(system, random)
        reports.mapping.enabled = False
        for number in range(20):
            parameters = {"title": f"Table {number}", "columns": [{"title": "Name"}], "rows": [["one"]]}
            body = json.dumps({"type": "table", "format": "csv", "parameters": parameters})
            workload.people.start("client", 0, partial(workload.exchange, "web", "POST", "/reports", body))
        assert scheduler.run(lambda: workload.people.busy == 0, 60)
        faults.active = True
        reports.mapping.enabled = True
        reports.mapping.wake()
        assert scheduler.run(lambda: system.is_drained, 3600)
    most, status = 0, dict[str, str]()
    for write in reports.writes:
        assert write.row
        status[write.report_id] = write.row.status
        most = max(most, Counter(status.values())["generating"])
    assert Counter(status.values()) == {"ready": 20}
    assert most == at_once
