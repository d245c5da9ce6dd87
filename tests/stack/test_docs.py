"""Every command and snippet of README and docs runs as it stands, document by document, on one stack.

A document is one session of a shell in a folder that stands for the clone: `.local` is that of the stack, `.venv` the
real one. `make up` and `make receiver` do there what the Makefile's do. What cannot be run is on the list NOT_RUN with
the reason.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local import emulator
from local.__main__ import settings_given
from local.emulator import StartedEmulator, free_port
from local.processes.guarded import ROOT
from local.stack import deploy
from local.state import State
from tests.stack.make_of_docs import PID_FILES, remember

OPERATING = "docs/operating.md"
OF_OPERATING = "delivery.max_attempts=2 orders.timeout_seconds=14 orders.visibility_timeout_seconds=17"
"""What that begins with: the stack is deployed with it, that document goes first, and its second `make up` is the one
other deploy there is."""
DOCUMENTS = [
    OPERATING,
    "README.md",
    *sorted({f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md")} - {OPERATING}),
]
RUNS = ("sh", "python", "http")
"""Languages of fences that are run."""
LONG = "takes minutes and starts stacks of its own; each is a target of the Makefile, which other tests call"
AWS = "needs an account at AWS"
NOT_RUN = {
    ("README.md", "make demo    #"): LONG,
    ("README.md", "make install && . .venv/bin/activate"): AWS,
    ("README.md", "make simulate SEEDS=500"): LONG,
    ("docs/access.md", "comanda token create"): AWS,
    ("docs/access.md", "comanda token list --stage prod"): AWS,
    (
        "docs/web.md",
        "make up SET=api.cors_origins",
    ): "make test-browser deploys it; its other line needs an account at AWS",
    ("docs/cost.md", "make cost"): "tests/cost runs it, without a stack",
    ("docs/enrichment.md", "aws secretsmanager create-secret"): AWS,
    ("docs/enrichment.md", "POST /v1/enrich HTTP/1.1"): "tests/test_enrichment_doc.py compares it with a real call",
    ("docs/enrichment.md", "HTTP/1.1 200 OK"): "tests/test_enrichment_doc.py has it read",
    ("docs/operating.md", "make fake-provider"): "tests/stack/test_enrichment_over_http.py has the outage",
    ("docs/operating.md", 'make up SET="enrichment.url='): "tests/stack/test_enrichment_over_http.py has the outage",
    ("docs/operating.md", "curl -s -X DELETE http://127.0.0.1:4580"): "tests/stack/test_enrichment_over_http.py",
    ("docs/proof.md", "make simulate SEEDS=500"): LONG,
    ("docs/proof-on-the-stack.md", "make test  "): LONG,
}
TOLERATED = 3
"""The exit code of `comanda` for what a document shows on purpose: nothing matched, or an order failed again."""
LIMIT_SECONDS = 400


@dataclass(frozen=True)
class Fence:
    document: str
    language: str
    code: str

    @property
    def reason_not_to_run(self) -> str | None:
        for (document, start), reason in NOT_RUN.items():
            if document == self.document and self.code.startswith(start):
                return reason
        return None

    @property
    def as_shell(self) -> str:
        if self.language == "python":
            return f"python - <<'END_OF_SNIPPET'\n{self.code}END_OF_SNIPPET\n"
        return self.code


def fences(document: str) -> list[Fence]:
    found = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE)
    return [Fence(document, language, code) for language, code in found if language in RUNS]


RUN = [document for document in DOCUMENTS if any(not fence.reason_not_to_run for fence in fences(document))]


@dataclass(frozen=True)
class Clone:
    folder: Path

    def session(self, document: str) -> str:
        """Run all fences of a document; give what was printed."""
        fences_run = [fence for fence in fences(document) if not fence.reason_not_to_run]
        script = "\n".join(f"echo '=== {number}'\n{fence.as_shell}" for number, fence in enumerate(fences_run))
        tolerant = (
            f"trap 'code=$?; [ $code -eq {TOLERATED} ] || {{ echo \"FAILED $code: $BASH_COMMAND\"; exit 1; }}' ERR"
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "COMANDA_"))}
        done = subprocess.run(
            ["/bin/bash", "-c", f"set -Eu -o pipefail; exec < <(yes)\n{tolerant}\n{script}"],
            cwd=self.folder,
            env={**kept, "PATH": os.pathsep.join([str(self.folder / "bin"), kept["PATH"]])},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert done.returncode in {0, TOLERATED}, printed
        assert "Traceback" not in printed, printed
        return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    folder = tmp_path_factory.mktemp("clone")
    state = State(folder / ".local")
    for name in (".venv", "node_modules"):
        (folder / name).symlink_to(ROOT / name)
    make = folder / "bin" / "make"
    make.parent.mkdir()
    make.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m tests.stack.make_of_docs {folder} "$@"\n')
    make.chmod(0o700)
    try:
        with StartedEmulator(state, free_port()) as started:
            started.wait_until_healthy()
            deploy(state, started.emulator, settings_given(OF_OPERATING.split()))
            remember(folder, OF_OPERATING)
            started.keep()
        yield Clone(folder)
    finally:
        for file in PID_FILES:
            stop(folder / file)
        emulator.stop(state)


def stop(pid_file: Path) -> None:
    """A server that a document has started, by its process id."""
    if pid_file.exists():
        subprocess.run(["/bin/kill", pid_file.read_text()], check=False)


def test_each_fence_is_run_or_says_why_not() -> None:
    """And the list names none that there is not."""
    assert set(RUN) == set(EXPECTED), "a document with commands says here what they print"
    starts = [(fence.document, fence.code) for document in DOCUMENTS for fence in fences(document)]
    for document, start in NOT_RUN:
        assert any(of == document and code.startswith(start) for of, code in starts), (document, start)


EXPECTED: dict[str, tuple[str, ...]] = {
    "README.md": ("order_id", '"status":"completed"', "order.completed", "is revoked", "whsec_"),
    "docs/dead-letter-runbook.md": ("ItemRejected", "failed again", "discarded"),
    "docs/notifications.md": ('"status":"pending"',),
    "docs/operating.md": ("ItemRejected", "WorkerDied", "ProviderError", "1 completed", "InvalidTable"),
    "docs/reports.md": ('"rows":', '"status":"requested"'),
    "docs/websocket.md": ("snapshot", "completed"),
}
"""What a document's session prints among other things."""


@pytest.mark.parametrize("document", RUN)
def test_the_document_runs_as_it_stands(clone: Clone, document: str) -> None:
    if document == "docs/dead-letter-runbook.md":  # It begins with orders that failed.
        clone_cli(clone, "order", "submit", "--customer", "zoe", "--item", "BOMBA:1")
        wait_until(lambda: "ItemRejected" in clone_cli(clone, "dlq", "list", "--recipient", "zoe"))
    printed = clone.session(document)
    for text in EXPECTED[document]:
        assert text.lower() in printed.lower(), printed
    if document == "docs/notifications.md":
        log = clone.folder / "receiver.log"
        wait_until(lambda: re.search(r"order\.completed .* signed$", log.read_text(), re.MULTILINE) is not None)


def clone_cli(clone: Clone, *arguments: str) -> str:
    command = [str(ROOT / ".venv" / "bin" / "comanda"), *arguments]
    return subprocess.run(command, cwd=clone.folder, capture_output=True, text=True, check=False).stdout


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.5)
