"""The stage that costs are measured on, with the tables of the production template."""

import pytest

from benchmarks.cost.scenarios import Scenarios
from benchmarks.cost.stage_tables import Tables
from infra.settings import load_settings


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the template runs in one worker, so that it is made once."""
    for item in items:
        if "scenarios" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("templates"))


@pytest.fixture(scope="session")
def scenarios() -> Scenarios:
    settings = load_settings("prod")
    return Scenarios(settings, Tables(settings))
