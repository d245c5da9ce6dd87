"""Which tests cover a source file: `make test-for FILE=infra/settings/times.py` runs them.

A test covers a file if it is named for it (`accept.py` in a folder `orders`: `test_accept.py` in a folder `orders`),
if it imports it, or if docs/guards.md says that it fails without one of the file's guards. Where there is none of
these, the tests of whatever imports the file are taken. Those that need a deployed stack or a browser are left out.
"""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from tests.mutations import MUTATIONS, path_of, written_down
from tests.support.documents import ROOT

SOURCES = ("app.py", "benchmarks", "cli/src", "functions", "infra", "layers/comanda/src", "local", "tests")
ON_A_STACK = ("tests/stack/", "tests/browser/")
WIRED_BY_CONFTEST = {"cli", "functions"}
COMMANDS = Path("cli/src/comanda_cli")


def covering_tests(file: Path) -> list[Path]:
    """The tests that cover a file, which is a path below the root; each a path below the root, in order."""
    if is_test(file):
        return [file]
    found = {*named_for(file), *guarding(file)}
    seen = importers = {file}
    while importers:
        importers = through_support({by for of in importers for by in importers_of().get(of, ())}, file) - seen
        seen = seen | importers
        found |= {path for path in importers if is_test(path)}
        if found:
            break
    return sorted(found)


def through_support(importers: set[Path], file: Path) -> set[Path]:
    """Functions and commands are wired for the tests in a module that these share: who imports that, imports them."""
    if file.parts[0] not in WIRED_BY_CONFTEST:
        return importers
    shared = {path for path in importers if path.name == "conftest.py"}
    return importers.union(*(importers_of().get(path, set()) for path in shared))


def is_test(file: Path) -> bool:
    return file.name.startswith("test_") and file.suffix == ".py"


@cache
def python_files() -> tuple[Path, ...]:
    """Below the root."""
    paths = [ROOT / source for source in SOURCES]
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py"))]
    below = [file.relative_to(ROOT) for file in files]
    return tuple(file for file in below if not file.as_posix().startswith(ON_A_STACK))


def named_for(file: Path) -> Iterator[Path]:
    """By the file's name, or that of the folder where the file is one of a function's; the folder has to agree too,
    where the file's own name is that of several."""
    name = file.parent.name if file.stem in {"app", "handler"} else file.stem
    alike = [path for path in python_files() if is_test(path) and path.stem == f"test_{name}"]
    beside = [path for path in alike if path.parent.name == file.parent.name]
    yield from beside or (alike if len(alike) == 1 else ())


def guarding(file: Path) -> Iterator[Path]:
    """The tests that fail without a guard of the file."""
    guards = {mutation.guard for mutation in MUTATIONS if path_of(mutation) == file}
    yield from (Path("tests", test) for guard, test, _ in written_down() if guard in guards)


@cache
def importers_of() -> Mapping[Path, set[Path]]:
    """Who imports a file, also at run time: Lambda a handler, `comanda` a command. What stands beside the `app.py` of
    a function counts as imported by that."""
    modules = {module_of(file): file for file in python_files()}
    found: dict[Path, set[Path]] = defaultdict(set)
    for file in python_files():
        for name in imports_of(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
            if name in modules:
                found[modules[name]].add(file)
        if file.parts[0] == "functions" and file.name != "app.py":
            found[file].add(file.with_name("app.py"))
        if file.is_relative_to(COMMANDS / "commands"):
            found[file].add(COMMANDS / "main.py")
    return found


def module_of(file: Path) -> str:
    """The dotted name that a file is imported by."""
    parts = file.with_suffix("").parts
    if "src" in parts:
        parts = parts[parts.index("src") + 1 :]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(tree: ast.Module) -> Iterator[str]:
    """Names of modules, and of what may be one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def main(arguments: Iterable[str]) -> int:
    """The exit code of pytest; 2 where the file is not one of the project, or no test covers it."""
    if not (arguments := list(arguments)):
        sys.exit("name a source file: make test-for FILE=infra/settings/times.py")
    tests: set[Path] = set()
    for argument in arguments:
        file = Path(argument).resolve()
        if not (file.is_relative_to(ROOT) and file.relative_to(ROOT) in python_files()):
            sys.exit(f"{argument} is no Python file of the project: make test-for FILE=infra/settings/times.py")
        tests |= set(covering_tests(file.relative_to(ROOT)))
    if not tests:
        sys.exit("no test covers that without a stack: make test-stack")
    print(f"{len(tests)} files: {' '.join(map(str, sorted(tests)))}", flush=True)  # noqa: T201
    return subprocess.run([sys.executable, "-m", "pytest", *sorted(map(str, tests))], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
