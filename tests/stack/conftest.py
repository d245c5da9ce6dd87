"""A deployed stack for whole-stack tests: one of their own on a free port, or with `--stack FILE` a running one."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import boto3
import httpx
import pytest

from comanda_cli.stack.sessions import local_session
from comanda_cli.stack.stack_info import StackInfo, load_stack_file
from local.stack import api_client, temporary_stack
from local.state import State, write_private
from tests.stack.operators import Operator
from tests.stack.terminal import Cli

ApiClients = Callable[[str | None], httpx.Client]

_deploy_seconds = pytest.StashKey[float]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stack",
        metavar="FILE",
        type=Path,
        help="the stack.json of a running stack to test, such as .local/stack.json; it is left running",
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if _deploy_seconds in config.stash:
        terminalreporter.write_line(f"The tests' own stack was up after {config.stash[_deploy_seconds]:.1f} s")


@pytest.fixture(scope="session")
def stack(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    """Where the stack under test is. Its own one ends with the tests, however they end."""
    given = pytestconfig.getoption("stack", default=None)
    if given is not None:
        yield load_stack_file(given)
        return
    started = time.monotonic()
    with temporary_stack(tmp_path_factory.mktemp("stack")) as own:
        pytestconfig.stash[_deploy_seconds] = time.monotonic() - started
        yield own


@pytest.fixture(scope="session")
def api(stack: StackInfo) -> Iterator[ApiClients]:
    """`api("web")` is an HTTP client with the token of that name; `api(None)` has none. Paths begin at the stage."""
    clients: dict[str | None, httpx.Client] = {}
    with ExitStack() as open_clients:

        def client_of(token: str | None) -> httpx.Client:
            if token not in clients:
                clients[token] = open_clients.enter_context(api_client(stack, token))
            return clients[token]

        yield client_of


@pytest.fixture(scope="session")
def aws(stack: StackInfo) -> boto3.Session:
    """A boto3 session whose clients talk to the stack's emulator."""
    assert stack.endpoint_url is not None, "whole-stack tests look into tables and queues of an emulator"
    return local_session(stack.endpoint_url, stack.region)


@pytest.fixture
def operator(stack: StackInfo, aws: boto3.Session) -> Operator:
    return Operator(stack, aws)


@pytest.fixture
def cli(stack: StackInfo, tmp_path: Path) -> Cli:
    write_private(State(tmp_path / ".local").stack_file, stack.to_json())
    return Cli(tmp_path)
