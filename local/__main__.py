"""`python -m local up|down|demo|status`: the commands behind the Makefile."""

import signal
import sys
import types
from collections.abc import Sequence
from typing import Annotated

import typer

from comanda_cli.terminal.errors import OneLineErrors
from infra.settings import SettingsError, flat_names_in, load_settings
from local import emulator
from local.console import console
from local.demo.run import run_demo
from local.errors import LocalError
from local.stack import STAGE, deploy, running_stack
from local.state import DEFAULT_FOLDER, State
from local.summary import print_summary

app = typer.Typer(cls=OneLineErrors, no_args_is_help=True, pretty_exceptions_enable=False)
_ENDINGS = (signal.SIGTERM, signal.SIGHUP)
"""What `make` passes on when it is told to end, and what a closed terminal sends."""
SET_BY_ITSELF = {
    "stage": "a local stack is the stage local",
    "emulator_url": "it is where the emulator listens, which PORT says",
}


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65_535:
        return int(text)
    raise LocalError(f"a port is a number from 1 to 65535, not {text!r}")


def settings_given(texts: Sequence[str]) -> dict[str, str]:
    """What `--set` gave, each checked before anything is started. Raises LocalError."""
    given: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise LocalError(f"a setting is written as name=value, not {text!r}")
        if name in given:
            raise LocalError(f"{name} is set twice: to {given[name]!r} and to {value!r}")
        if name in SET_BY_ITSELF:
            raise LocalError(f"{name} is not to be set here: {SET_BY_ITSELF[name]}")
        given[name] = value
    try:
        load_settings(STAGE, given)
    except SettingsError as error:
        raise LocalError(str(error)) from error
    return given


@app.callback()
def main() -> None:
    """The local stack of this folder."""
    for number in _ENDINGS:
        signal.signal(number, _end)


@app.command()
def up(
    port: Annotated[
        int | None,
        typer.Option(parser=_port, metavar="NUMBER", help=f"For a new emulator. Default: {emulator.DEFAULT_PORT}."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting of infra/settings. Repeatable."),
    ] = None,
) -> None:
    """Start the emulator if it does not run, deploy what changed, and leave it running."""
    state, given = State(DEFAULT_FOLDER), settings_given(settings or [])
    for notice in flat_names_in(given):
        typer.echo(notice, err=True)
    with state.lock():
        running = _emulator_to_reuse(state, port)
        if running is not None:
            stack = deploy(state, running, given)
        else:
            with emulator.StartedEmulator(state, port or emulator.DEFAULT_PORT) as started:
                started.wait_until_healthy()
                stack = deploy(state, started.emulator, given)
                started.keep()
    print_summary(stack, state)


@app.command()
def down() -> None:
    """Stop the emulator. What it holds is gone then."""
    state = State(DEFAULT_FOLDER)
    with state.lock():
        stopped = emulator.stop(state)
    console.print(f"Stopped the stack on port {stopped.port}." if stopped else "Nothing was running.")


@app.command()
def status() -> None:
    """Say where the running stack is. Exit code 1 when none runs."""
    state = State(DEFAULT_FOLDER)
    stack = running_stack(state)
    if stack is None:
        raise LocalError("no stack runs; start one with: make up")
    print_summary(stack, state)


@app.command()
def demo() -> None:
    """Send orders through the running stack, or through one that is gone afterwards."""
    run_demo(State(DEFAULT_FOLDER))


def _emulator_to_reuse(state: State, port: int | None) -> emulator.Emulator | None:
    running = emulator.find(state)
    if running is None:
        return None
    if port not in (None, running.port):
        raise LocalError(f"the stack of this folder runs on port {running.port} already; first: make down")
    if running.is_healthy():
        return running
    console.print("The emulator does not answer any more; starting a new one.")
    emulator.stop(state)
    return None


def _end(number: int, _frame: types.FrameType | None) -> None:
    """Let every `with` block clean up, and do not disturb it while it does."""
    for ending in _ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    app(prog_name="local")
