"""What CONTRIBUTING.md tells to do can be done."""

import re
import tomllib

import pytest

from tests.generated.document import api_document
from tests.golden import ROUTES
from tests.support.documents import ROOT, text_of

PAGE = text_of(ROOT / "CONTRIBUTING.md")
MAKEFILE = text_of(ROOT / "Makefile")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", "SECURITY.md", ".pre-commit-config.yaml", ".github/workflows/test.yml"]
)
def test_every_target_that_is_named_exists(page: str) -> None:
    assert set(re.findall(r"(?:`|entry: |run: |\A|^)make ([a-z-]+)", text_of(ROOT / page), re.MULTILINE)) <= TARGETS


def test_the_table_says_what_each_target_that_tests_takes() -> None:
    timed = set(re.findall(r"`make ([a-z-]+)", PAGE.split("## Where things are")[0]))
    others = {"help", "up", "down", "demo", "fake-provider", "receiver", "synth", "lock", "clean", "benchmark"}
    assert TARGETS - others - {"test-stack", "test-browser"} <= timed


def test_paths_on_command_lines_exist() -> None:
    shell = "".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
    named = re.findall(r"\b((?:layers|functions|tests|infra)/[\w./]+\.py)", shell)
    made = "tests/functions/test_debugging.py"
    assert made in named
    assert [path for path in named if path != made and not (ROOT / path).exists()] == []


def test_every_route_has_its_answers_documented() -> None:
    """What tests/stack/test_generated.py makes requests from."""
    assert set(api_document()["paths"]) == set(ROUTES)


def test_what_is_published_is_of_one_version_and_licence() -> None:
    packages = [tomllib.loads(text_of(ROOT / path / "pyproject.toml"))["project"] for path in ("layers/comanda", "cli")]
    assert {package["license"] for package in packages} == {"Apache-2.0"}
    assert {f"Version {package['version']}" for package in packages} == set(
        re.findall(r"Version \d+\.\d+\.\d+", text_of(ROOT / "README.md"))
    )
    assert "Apache License\n" in text_of(ROOT / "LICENSE")


def test_actions_of_the_workflow_are_pinned_to_commits() -> None:
    uses = re.findall(r"uses: (\S+)(.*)", text_of(ROOT / ".github" / "workflows" / "test.yml"))
    assert uses
    assert [action for action, _ in uses if not re.search(r"@[0-9a-f]{40}$", action)] == []
    assert all(re.fullmatch(r" # v\d+\.\d+\.\d+", version) for _, version in uses), "which release it is"
