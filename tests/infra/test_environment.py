"""What a function is given in its environment is what it reads there: infra/environment.py on the one side, the
Settings that its handler loads on the other, the templates between them."""

import ast
from collections.abc import Mapping
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from app import ROOT
from comanda.adapters.runtime.settings import Settings
from infra.environment import EVERYWHERE, HOLDS, READS, environment_of
from infra.settings import STAGE_NAMES, StageSettings, load_settings
from tests.infra.conftest import Synthesized, synthesize

FUNCTIONS = sorted(handler.parent.name for handler in (ROOT / "functions").glob("*/handler.py"))
OF_THE_EMULATOR = {"AWS_ENDPOINT_URL"}
"""What an emulator sets in its functions, and nothing does on AWS."""
ALL_THERE_IS = {
    "observability.canary_minutes": 5,
    "enrichment.url": "https://prices.example.com/v1/enrich",
    "enrichment.health_url": "https://prices.example.com/health",
    "enrichment.secret": "comanda-prod-enrichment",
    "notifications.email_from": "notices@example.com",
    "api.cors_origins": "https://shop.example,https://desk.example:8443",
}
"""With prod's usage plans and sample rate, each setting that a stage can be without."""
RESOURCES = {variable: variable.lower() for reads in READS.values() for variable in reads if variable not in HOLDS}


def settings_of(function: str) -> type[Settings]:
    """The class that its handler loads. The handler itself cannot be imported outside of Lambda."""
    tree = ast.parse((ROOT / "functions" / function / "handler.py").read_text())
    (name,) = (
        call.func.value.id
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "load"
        and isinstance(call.func.value, ast.Name)
    )
    (module,) = (
        imported.module
        for imported in ast.walk(tree)
        if isinstance(imported, ast.ImportFrom) and name in {alias.name for alias in imported.names}
    )
    found: type[Settings] = getattr(import_module(str(module)), name)
    assert issubclass(found, Settings)
    return found


def read_by(function: str, *, required: bool = False) -> set[str]:
    fields = settings_of(function).model_fields.items()
    return {name.upper() for name, field in fields if field.is_required() or not required}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize(load_settings("prod", ALL_THERE_IS), tmp_path_factory.mktemp("everything"))


def variables_of(stage: Synthesized) -> dict[str, dict[str, Any]]:
    return {name: function["Environment"]["Variables"] for name, function in stage.functions().items()}


def test_every_function_is_in_the_table() -> None:
    assert sorted(READS) == FUNCTIONS


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_table_has_what_the_function_reads_and_no_more(function: str) -> None:
    assert len(READS[function]) == len(set(READS[function]))
    assert set(READS[function]) == read_by(function) - OF_THE_EMULATOR - set(EVERYWHERE)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_stage_with_all_there_is_gives_a_function_all_that_it_reads(everything: Synthesized, function: str) -> None:
    """But the delay of the simulated provider, where there is another."""
    given = set(variables_of(everything)[function])
    assert given == read_by(function) - OF_THE_EMULATOR - {"ENRICHMENT_DELAY_SECONDS"} | set(EVERYWHERE)


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name != "check_canary"])
def test_what_a_stage_leaves_out_has_a_default(every_stage: Synthesized, function: str) -> None:
    given = set(variables_of(every_stage)[function])
    assert read_by(function, required=True) <= given <= read_by(function) | set(EVERYWHERE)


def test_a_function_takes_the_values_that_it_is_given(everything: Synthesized, every_stage: Synthesized) -> None:
    """Not one is refused; names and addresses stand for themselves."""
    for stage in (everything, every_stage):
        for function, variables in variables_of(stage).items():
            settings_of(function).load({variable: _plain(value) for variable, value in variables.items()})


def _plain(value: object) -> str:
    return value if isinstance(value, str) else "https://somewhere.example"


@pytest.mark.parametrize("stage", STAGE_NAMES)
@pytest.mark.parametrize("variable", HOLDS)
def test_a_variable_holds_a_setting_that_there_is_and_somebody_reads_it(stage: str, variable: str) -> None:
    settings, holds = load_settings(stage), HOLDS[variable]
    for name in filter(None, (holds.setting, holds.only_with, holds.but_with)):
        attrgetter(name)(settings)
    assert variable in EVERYWHERE or [function for function, reads in READS.items() if variable in reads]


NUMBERS: Mapping[str, Any] = {
    "orders.timeout_seconds": 101,
    "orders.reserve_seconds": 21,
    "delivery.max_attempts": 3,
    "delivery.max_rescues": 4,
    "delivery.retry_pause_seconds": 6,
    "delivery.retry_pause_limit_seconds": 302,
    "reports.timeout_seconds": 703,
    "reports.reserve_seconds": 23,
    "reports.lease_seconds": 67,
    "reports.rows_per_second": 1234,
    "reports.settle_seconds": 9,
    "reports.lifetime_days": 2,
    "reports.uploads_per_hour": 71,
    "reports.link_seconds": 805,
    "notifications.reserve_seconds": 19,
    "notifications.max_attempts": 12,
    "notifications.retry_pause_seconds": 8,
    "notifications.retry_pause_limit_seconds": 1207,
    "observability.canary_minutes": 7,
}
"""No two alike, so that a variable which holds another setting's number is seen."""
WORK = ("WORKER_RESERVE_SECONDS", "MAX_ATTEMPTS", "RETRY_PAUSE_SECONDS", "RETRY_PAUSE_LIMIT_SECONDS")
OF_ORDERS = dict(zip(WORK, ("21", "3", "6", "302"), strict=True))


@pytest.mark.parametrize(
    ("function", "expected"),
    {
        "process_order": OF_ORDERS,
        "enrich_order": OF_ORDERS,
        "complete_order": OF_ORDERS,
        "generate_report": dict(zip(WORK, ("23", "3", "6", "302"), strict=True))
        | {"REPORT_LEASE_SECONDS": "67", "REPORT_ROWS_A_SECOND": "1234", "SETTLE_SECONDS": "9"}
        | {"FUNCTION_SECONDS": "703"},
        "deliver_notifications": dict(zip(WORK, ("19", "12", "8", "1207"), strict=True)),
        "tend_dead_letters": {"MAX_RESCUES": "4", "WORKER_RESERVE_SECONDS": "5"},
        "tend_reports": {"MAX_RESCUES": "4", "WORKER_RESERVE_SECONDS": "5"},
        "tend_notifications": {"MAX_RESCUES": "4", "WORKER_RESERVE_SECONDS": "5"},
        "write_reports": {"REPORT_LIFETIME_SECONDS": "172800", "REPORT_UPLOADS_PER_HOUR": "71"},
        "read_reports": {"LINK_SECONDS": "805"},
        "check_canary": {"CANARY_MINUTES": "7"},
    }.items(),
)
def test_each_function_has_the_numbers_that_are_meant_for_it(function: str, expected: dict[str, str]) -> None:
    given = environment_of(function, load_settings("dev", NUMBERS), RESOURCES)
    numbers = {variable: value for variable, value in given.items() if value.replace(".", "").isdigit()}
    simulated = {"ENRICHMENT_DELAY_SECONDS": "1"} if function == "enrich_order" else {}
    assert numbers == expected | simulated


@pytest.mark.parametrize("function", ["enrich_order", "switch_enrichment"])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"enrichment.delay_seconds": 0}, {"ENRICHMENT_DELAY_SECONDS": "0"}),
        ({"enrichment.delay_seconds": 0.25}, {"ENRICHMENT_DELAY_SECONDS": "0.25"}),
        (
            {"enrichment.url": "https://prices.example.com"},
            {
                "ENRICHMENT_URL": "https://prices.example.com/",
                "ENRICHMENT_CONNECT_SECONDS": "2",
                "ENRICHMENT_READ_SECONDS": "5",
                "ENRICHMENT_TOTAL_SECONDS": "10",
            },
        ),
    ],
)
def test_a_provider_over_http_takes_the_place_of_the_simulated_one(
    function: str, given: dict[str, Any], expected: dict[str, str]
) -> None:
    variables = environment_of(function, load_settings("dev", given), RESOURCES)
    assert {name: value for name, value in variables.items() if name.startswith("ENRICHMENT_")} == expected | (
        {"ENRICHMENT_MAPPING": "enrichment_mapping"} if function == "switch_enrichment" else {}
    )


def test_origins_are_separated_by_spaces_and_no_others_are_told() -> None:
    settings: StageSettings = load_settings("dev", {"api.cors_origins": "https://a.example,https://b.example"})
    given = environment_of("read_orders", settings, RESOURCES)
    assert given["CORS_ORIGINS"] == "https://a.example https://b.example"
    assert "CORS_ORIGINS" not in environment_of("process_order", settings, RESOURCES)
    assert "CORS_ORIGINS" not in environment_of("read_orders", load_settings("dev"), RESOURCES)


def test_a_resource_that_nobody_gave_is_named_with_the_function_that_needs_it() -> None:
    lacking = {variable: value for variable, value in RESOURCES.items() if variable != "NEXT_QUEUE_URL"}
    with pytest.raises(LookupError, match="process_order reads NEXT_QUEUE_URL, which is no setting and was not given"):
        environment_of("process_order", load_settings("dev"), lacking)


def test_nobody_else_writes_a_variable_that_holds_a_setting() -> None:
    """Neither the stacks nor those who play a stage: what they have of variables are names and addresses."""
    places = [
        *(ROOT / "infra").rglob("*.py"),
        *(ROOT / "tests" / "simulation").rglob("*.py"),
        *(ROOT / "benchmarks").rglob("*.py"),
    ]
    table = ROOT / "infra" / "environment.py"
    written = {
        (place.relative_to(ROOT).as_posix(), text)
        for place in places
        if place != table
        for text in _keys_in(place) & (HOLDS.keys() | set(WORK))
    }
    assert written == {("tests/simulation/system.py", "SWITCH_FUNCTION")}, "functions have names of their own there"


def _keys_in(module: Path) -> set[object]:
    """Of dictionaries, and names of arguments."""
    nodes = [*ast.walk(ast.parse(module.read_text()))]
    keys = [key for node in nodes if isinstance(node, ast.Dict) for key in node.keys]
    return {key.value for key in keys if isinstance(key, ast.Constant)} | {
        node.arg for node in nodes if isinstance(node, ast.keyword)
    }
