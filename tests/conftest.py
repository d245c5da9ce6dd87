"""What every test can ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from comanda_cli.sessions import local_session
from local.emulator import StartedEmulator, free_port
from local.state import State
from tests.simulation.wire import InProcess
from tests.targets import Resources, make_resources

os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Comanda")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "test")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--endpoint-url", help="try the conformance suite of SQS against this endpoint too; or `aws`")


@pytest.fixture
def moto() -> Iterator[Resources]:
    """Tables and queues on moto."""
    with mock_aws():
        yield make_resources(boto3.Session(region_name="us-east-1"))


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
