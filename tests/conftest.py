"""What every test can ask for."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import settings
from moto import mock_aws

from comanda_cli.stack.sessions import local_session
from local.emulator import StartedEmulator, free_port
from local.state import State
from tests.simulation.wire import InProcess
from tests.strict import layer, refusals
from tests.strict.moto_corrections import correct_moto
from tests.support.moto_tables import MotoTables
from tests.support.report_targets import ReportResources, make_report_resources
from tests.support.targets import Resources, make_resources

os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Comanda")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "test")

layer.install()
correct_moto()

settings.register_profile("untimed", deadline=None)  # A busy machine is no defect.
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--endpoint-url", help="try the conformance suite of SQS against this endpoint too; or `aws`")


def pytest_itemcollected(item: pytest.Item) -> None:
    """`-k "not emulator"` leaves out whatever starts one, also where it is not among the parameters."""
    if "bare_emulator" in getattr(item, "fixturenames", ()):
        item.extra_keyword_matches.add("emulator")


@pytest.fixture(autouse=True)
def nothing_is_refused() -> Iterator[None]:
    """What DynamoDB or SQS would refuse fails the test, also where the code under test swallowed it (tests/strict)."""
    yield
    if refused := refusals.complaint():
        pytest.fail(refused, pytrace=False)


@pytest.fixture(scope="session")
def moto_session() -> boto3.Session:
    """One for all tests: what costs time is reading the description of each service, and a session does it once."""
    return boto3.Session("test", "test", region_name="us-east-1")


@pytest.fixture(scope="session")
def moto_tables(moto_session: boto3.Session) -> MotoTables:
    return MotoTables(moto_session)


@pytest.fixture
def moto(moto_tables: MotoTables) -> Iterator[Resources]:
    """Tables and queues on moto."""
    with mock_aws():
        yield without_waiting(moto_tables.resources())


def resources_on_moto(session: boto3.Session) -> Resources:
    """Made by the API, within `mock_aws`."""
    return without_waiting(make_resources(session))


def without_waiting(resources: Resources) -> Resources:
    """A long poll comes back at once: nobody else sends meanwhile."""
    resources.sqs.meta.events.register("before-parameter-build.sqs.ReceiveMessage", do_not_wait)
    return resources


@pytest.fixture
def reading() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


@pytest.fixture(params=["moto", "emulator", "model"])
def report_resources(request: pytest.FixtureRequest, reading: ThreadPoolExecutor) -> Iterator[ReportResources]:
    """What reports need, on moto, on the emulator, and on the simulator's models in real time."""
    if request.param == "moto":
        with mock_aws():
            yield request.getfixturevalue("moto_tables").report_resources(reading)
    elif request.param == "model":
        yield make_report_resources(InProcess(), reading)
    else:
        yield make_report_resources(local_session(request.getfixturevalue("bare_emulator")), reading)


def do_not_wait(params: dict[str, Any], **_: Any) -> None:
    params["WaitTimeSeconds"] = 0


@pytest.fixture(scope="session")
def bare_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint url of an emulator with nothing deployed."""
    state = State(Path(tmp_path_factory.mktemp("emulator")))
    with StartedEmulator(state, free_port()) as started:
        started.wait_until_healthy()
        yield started.emulator.endpoint_url


@pytest.fixture
def emulator(bare_emulator: str) -> Resources:
    """Tables and queues on the emulator."""
    return make_resources(local_session(bare_emulator))


@pytest.fixture
def model() -> Resources:
    """Tables and queues of the simulator, in real time."""
    return make_resources(InProcess())


@pytest.fixture(params=["moto", "emulator", "model"])
def resources(request: pytest.FixtureRequest) -> Resources:
    """The same test on moto, on the emulator, and on the simulator's models."""
    given: Resources = request.getfixturevalue(request.param)
    return given
