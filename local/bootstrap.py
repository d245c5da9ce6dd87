"""Install what is pinned: the two virtual environments and node_modules. Run by every make target.

Runs on a bare Python, so it imports the standard library only. Each part is installed again only when what it was made
from has changed: a stamp file inside its folder says what that was, is removed before work starts, and written when
all is done. So an interrupted install is made again by the next run.
"""

import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements"
VENV = ROOT / ".venv"
EMULATOR_VENV = ROOT / ".venv-emulator"
NODE_MODULES = ROOT / "node_modules"
LOCAL = ROOT / ".local"
LOG = LOCAL / "install.log"
STAMP = ".installed-from"
SECONDS_PER_STEP = 1200

# How pip, uv and npm say that a registry cannot be reached.
REGISTRY_IS_DEAD = (
    "Failed to establish a new connection",
    "NewConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "error sending request",
    "dns error",
    "client error (Connect)",
    "operation timed out",
    "ECONNREFUSED",
    "ECONNRESET",
    "ENOTFOUND",
    "ETIMEDOUT",
    "EAI_AGAIN",
)


class InstallError(Exception):
    """The install cannot go on; the message says why in one line."""


@dataclass(frozen=True)
class Part:
    """One installed folder, and the files that decide what is in it."""

    folder: Path
    sources: tuple[Path, ...]
    interpreter: Path | None
    install: Callable[[], None]

    def is_current(self) -> bool:
        if self.interpreter is not None and not _runs(self.interpreter):
            return False
        stamp = self.folder / STAMP
        return stamp.is_file() and stamp.read_text() == self._fingerprint()

    def make(self) -> None:
        (self.folder / STAMP).unlink(missing_ok=True)
        self.install()
        (self.folder / STAMP).write_text(self._fingerprint())

    def _fingerprint(self) -> str:
        """The sources' content, and the folder's own place: a virtual environment cannot be moved or copied."""
        digests = [f"{source.relative_to(ROOT)} {_sha256(source)}" for source in self.sources]
        return "\n".join([str(self.folder), *digests]) + "\n"


def main() -> int:
    """Bring everything up to date. Prints nothing when there is nothing to do."""
    try:
        with _one_at_a_time():
            for part in _parts():
                if _wanted_python_differs(part) or not part.is_current():
                    part.make()
    except InstallError as error:
        print(f"install: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("install: interrupted; the next run mends what is half done", file=sys.stderr)
        return 130
    return 0


def _parts() -> list[Part]:
    return [
        Part(
            VENV,
            (
                REQUIREMENTS / "bootstrap.txt",
                REQUIREMENTS / "development.txt",
                ROOT / "layers" / "comanda" / "pyproject.toml",
                ROOT / "cli" / "pyproject.toml",
            ),
            VENV / "bin" / "python",
            _install_development,
        ),
        Part(EMULATOR_VENV, (REQUIREMENTS / "emulator.txt",), EMULATOR_VENV / "bin" / "python", _install_emulator),
        Part(NODE_MODULES, (ROOT / "package.json", ROOT / "package-lock.json"), None, _install_node_modules),
    ]


def _install_development() -> None:
    _make_venv(VENV)
    python = VENV / "bin" / "python"
    pip = (python, "-m", "pip", "install", "--disable-pip-version-check", "--retries", "2", "--timeout", "30")
    _run("uv", *pip, "--require-hashes", "-r", REQUIREMENTS / "bootstrap.txt")
    _run("development packages", *_uv_install(python), "--require-hashes", "-r", REQUIREMENTS / "development.txt")
    editable = ("-e", ROOT / "layers" / "comanda", "-e", ROOT / "cli")
    _run("Comanda itself", *_uv_install(python), "--no-deps", "--no-build-isolation", *editable)


def _install_emulator() -> None:
    _make_venv(EMULATOR_VENV, "--without-pip")
    python = EMULATOR_VENV / "bin" / "python"
    _run("the emulator", *_uv_install(python), "--require-hashes", "-r", REQUIREMENTS / "emulator.txt")


def _install_node_modules() -> None:
    retries = ("--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000")
    _run("the CDK command line", VENV / "bin" / "npm", "ci", "--no-progress", *retries)


def _uv_install(python: Path) -> tuple[str | Path, ...]:
    return (VENV / "bin" / "uv", "pip", "install", "--python", python)


def _make_venv(folder: Path, *options: str) -> None:
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise InstallError(
                f"{sys.executable} has no {module} module: on Debian or Ubuntu, apt install python{version}-venv"
            )
    _run(folder.name, _base_python(), "-m", "venv", "--clear", *options, folder)


def _base_python() -> str:
    """The interpreter below a virtual environment: `make` may be called from inside .venv, which is to be replaced."""
    base: str = getattr(sys, "_base_executable", sys.executable)
    return base


def _run(what: str, *command: str | Path) -> None:
    """Run one step with its output in the log. Raises InstallError with one line of it when it fails."""
    started = time.monotonic()
    print(f"Installing {what} …", end="", flush=True)
    with LOG.open("a") as log:
        log.write(f"\n$ {' '.join(map(str, command))}\n")
        log.flush()
        start = log.tell()
        try:
            finished = subprocess.run(
                command,
                cwd=ROOT,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=SECONDS_PER_STEP,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise InstallError(f"{what}: not done after {SECONDS_PER_STEP} s; see {_shown(LOG)}") from error
        finally:
            print(f" {time.monotonic() - started:.0f} s", flush=True)
    if finished.returncode != 0:
        raise InstallError(f"{what}: {_reason(LOG.read_bytes()[start:].decode(errors='replace'))}; see {_shown(LOG)}")


def _reason(output: str) -> str:
    if any(sign in output for sign in REGISTRY_IS_DEAD):
        return "the package registry cannot be reached"
    errors = [line.strip() for line in output.splitlines() if "error" in line.lower()]
    return errors[-1] if errors else "failed"


def _environment() -> Mapping[str, str]:
    """npm and its scripts find node in .venv/bin; the caller's Python settings must not leak into the environments."""
    unwanted = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}


def _wanted_python_differs(part: Part) -> bool:
    """An interpreter named with PYTHON= replaces one of another version; one found on the PATH does not."""
    if part.interpreter is None or not os.environ.get("PYTHON") or not _runs(part.interpreter):
        return False
    asked = subprocess.run(
        [part.interpreter, "-c", "import sys; print(sys.version_info[:3])"], capture_output=True, text=True, check=True
    )
    return asked.stdout.strip() != str(sys.version_info[:3])


def _runs(interpreter: Path) -> bool:
    try:
        return subprocess.run([interpreter, "-c", ""], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    LOCAL.mkdir(mode=0o700, exist_ok=True)
    with (LOCAL / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _shown(file: Path) -> str:
    return str(file.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
