"""How the command starts and ends: it imports what it needs and no more, and Ctrl-C is never a traceback."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from comanda_cli.main import COMMANDS, app
from comanda_cli.stack.stack_info import StackInfo
from local.state import State, write_private
from tests.cli.conftest import Cli, a_failed_order

HEAVY = {"boto3", "botocore", "aws_lambda_powertools", "localstack_client"}
AT_ITS_END = """
import atexit, os, sys
from comanda_cli.start import run
atexit.register(lambda: os.write(int(os.environ["MODULES_TO"]), " ".join(sys.modules).encode()))
run()
"""
INTERRUPTED_AT_IMPORT = """
import signal, sys
left = int(sys.argv[1])

def count(event, _):
    global left
    if event == "import":
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # As at a terminal.
from comanda_cli.start import run
sys.addaudithook(count)
sys.argv[0:2] = ["comanda"]
run()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the stack's address is one at which nobody listens."""
    stack = StackInfo(
        api_url="http://127.0.0.1:1",
        endpoint_url="http://127.0.0.1:1",
        region="us-east-1",
        tokens={"ops": "token", "api": "token"},
        tokens_secret="secret",
        webhook_secrets_secret="secret",
        queues={},
        tables={},
        functions={},
        bucket="bucket",
    )
    write_private(State(tmp_path / ".local").stack_file, stack.to_json())
    return tmp_path


def modules_of(folder: Path, *arguments: str) -> set[str]:
    """What the command has imported by its end."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe:
        done = subprocess.run(
            [sys.executable, "-c", AT_ITS_END, *arguments],
            env={**os.environ, "MODULES_TO": str(writing)},
            cwd=folder,
            pass_fds=[writing],
            capture_output=True,
            timeout=120,
            check=False,
        )
        os.close(writing)
        modules = set(pipe.read().decode().split())
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    assert "comanda_cli.main" in modules
    return modules


def test_help_imports_no_command(folder: Path) -> None:
    modules = modules_of(folder, "--help")
    assert modules.isdisjoint(HEAVY | {"httpx", "pydantic"})
    assert not [name for name in modules if name.startswith(("comanda_cli.commands.", "comanda.adapters"))]


@pytest.mark.parametrize(
    "arguments", [["dlq", "redrive", "--help"], ["order", "get", "o-1", "--json"], ["report", "get", "r-1", "--json"]]
)
def test_what_only_asks_the_api_imports_nothing_of_aws(folder: Path, arguments: list[str]) -> None:
    modules = modules_of(folder, *arguments)
    assert modules.isdisjoint(HEAVY)
    assert "--help" in arguments or modules.isdisjoint({"click", "pygments"}), "httpx brings them along"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_listed_as_it_calls_itself(name: str) -> None:
    listed = COMMANDS[name]
    help_of_it = CliRunner().invoke(app, [name, "--help"]).output
    assert listed.help in " ".join(help_of_it.split())
    if listed.function:
        command = getattr(import_module(f"comanda_cli.commands.{name}"), listed.function)
        assert command.__doc__.split("\n\n")[0].split() == listed.help.split()


def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    result = CliRunner().invoke(app, ["queus"])
    assert (result.exit_code, "Did you mean 'queues'?" in result.output) == (2, True)


@pytest.mark.parametrize("number", [1, 2, 10, 50, 100, 150, 200, 300])
def test_ctrl_c_while_it_starts_ends_it_in_one_line(folder: Path, number: int) -> None:
    """At that import: the first are the command's own, the last those of a client of AWS."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_IMPORT, str(number), "queues"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


def test_ctrl_c_at_a_question_ends_it_in_one_line() -> None:
    """At a terminal, where the question waits for an answer."""
    program = (
        "import sys; from comanda_cli.start import run; import typer\n"
        "from comanda_cli import main; from comanda_cli.terminal.output import confirm\n"
        "main._imported = lambda name: typer.main.get_group(ask)\n"
        "ask = typer.Typer()\n"
        "@ask.callback(invoke_without_command=True)\n"
        "def question(): confirm('Really?', yes=False)\n"
        "sys.argv = ['comanda', 'dlq']; run()\n"
    )
    code, last_line = ended_by_ctrl_c([sys.executable, "-c", program], once="Really?")
    assert (code, last_line.endswith("interrupted")) == (130, True)


def ended_by_ctrl_c(command: list[str], once: str) -> tuple[int, str]:
    """Exit code and last line of a command at a terminal. Ctrl-C is typed once it has printed `once`, and again
    and again, as Python does not see one that comes between its prompt and its wait for a line."""
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.execv(command[0], command)  # noqa: S606 - that is what is tested
    printed, deadline = "", time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.3)[0]:
            try:
                printed += os.read(terminal, 4096).decode()
            except OSError:  # Its end.
                break
        elif once in printed:
            os.write(terminal, b"\x03")
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert "Traceback" not in printed, printed
    return os.waitstatus_to_exitcode(status), printed.strip().splitlines()[-1]


def test_what_a_shell_starts_in_the_background_goes_on(folder: Path) -> None:
    """A shell has it ignore SIGINT: Ctrl-C is for what stands in the foreground."""
    program = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + INTERRUPTED_AT_IMPORT.replace(
        "signal.signal(signal.SIGINT, signal.default_int_handler)", "pass"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "50", "--help"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, "Usage: comanda" in done.stdout) == (0, True)


def test_ctrl_c_after_the_last_order_leaves_no_handler_behind(cli: Cli) -> None:
    before = signal.getsignal(signal.SIGINT)
    cli.put(a_failed_order())
    assert cli("dlq", "list").exit_code == 0
    assert signal.getsignal(signal.SIGINT) is before
