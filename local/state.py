"""The folder in which a local stack keeps what it needs to remember: `.local` for `make up`."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError
from local.processes.guarded import ROOT

DEFAULT_FOLDER = ROOT / ".local"


@dataclass(frozen=True)
class State:
    """The files of one local stack. The folder is its owner's alone: stack.json has tokens."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def stack_file(self) -> Path:
        return self.folder / "stack.json"

    @property
    def env_file(self) -> Path:
        """The same for a shell: the API's address and the tokens as variables."""
        return self.folder / "env"

    @property
    def emulator_file(self) -> Path:
        return self.folder / "emulator.json"

    @property
    def emulator_log(self) -> Path:
        return self.folder / "emulator.log"

    @property
    def emulator_tmp(self) -> Path:
        return self.folder / "tmp"

    @property
    def cdk_log(self) -> Path:
        return self.folder / "cdk.log"

    @property
    def cdk_out(self) -> Path:
        return self.folder / "cdk.out"

    @property
    def reports(self) -> Path:
        """Where `make demo` leaves its files."""
        return self.folder / "reports"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One command at a time changes what is in the folder."""
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LocalError(
                    "another make up or make down is at work in this folder; wait until it is done"
                ) from error
            yield


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, all of it or nothing."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(file)
