"""What is particular to reports. Queue, worker and permissions are held to the same rules as those of orders, in
test_orders_stack.py."""

import pytest

from tests.infra.conftest import Synthesized
from tests.infra.test_orders_stack import named


def test_a_report_has_the_time_and_memory_of_its_own(every_stage: Synthesized) -> None:
    functions, settings = every_stage.functions(), every_stage.settings
    worker = functions["generate_report"]
    assert (worker["Timeout"], worker["MemorySize"]) == (settings.reports.timeout_seconds, settings.reports.memory_mb)
    for name in ("write_reports", "read_reports"):
        assert functions[name]["Timeout"] == settings.api.timeout_seconds
        assert functions[name]["MemorySize"] == settings.functions.memory_mb


def test_what_the_worker_believes_of_its_time_is_so(every_stage: Synthesized) -> None:
    """It refuses what would not fit into FUNCTION_SECONDS, and another may begin once the lease is over."""
    worker = every_stage.functions()["generate_report"]
    variables = worker["Environment"]["Variables"]
    assert int(variables["FUNCTION_SECONDS"]) == worker["Timeout"]
    assert int(variables["WORKER_RESERVE_SECONDS"]) == every_stage.settings.reports.reserve_seconds
    assert int(variables["REPORT_LEASE_SECONDS"]) < worker["Timeout"]


def test_a_link_lives_for_a_quarter_of_an_hour_at_most(every_stage: Synthesized) -> None:
    variables = every_stage.functions()["read_reports"]["Environment"]["Variables"]
    assert 0 < int(variables["LINK_SECONDS"]) <= 15 * 60


def test_reports_know_no_stack_but_that_of_the_data(every_stage: Synthesized) -> None:
    """So that the stack of orders, or one to come, may refer to the reports queue."""
    imported = str(every_stage.reports.to_json())
    stage = every_stage.settings.stage
    assert f"Comanda-{stage}-Data:ExportsOutput" in imported
    assert f"Comanda-{stage}-Orders" not in imported
    assert f"Comanda-{stage}-Api" not in imported


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_report_of_a_dead_worker_comes_back_soon_after_the_longest_run(
    stage: str, request: pytest.FixtureRequest
) -> None:
    settings = request.getfixturevalue(stage).settings
    assert 0 <= settings.reports.visibility_timeout_seconds - settings.reports.timeout_seconds <= 60


FUNCTIONS = ("WriteReports", "ReadReports", "GenerateReport", "TendReports")


def test_outputs(every_stage: Synthesized) -> None:
    outputs = every_stage.reports.find_outputs("*")
    values = {name: named(output["Value"]) for name, output in outputs.items() if "Export" not in output}
    assert values == {
        "ReportsQueueUrl": "ReportsQueue",
        "ReportsDlqUrl": "ReportsDeadLetters",
        **{f"{name}Function": f"{name}Function" for name in FUNCTIONS},
        **{f"{name}LogGroup": f"{name}Logs" for name in FUNCTIONS},
    }
