"""Builds the folders that become Lambda layers and function code, at synth, without Docker, git or credentials.

The same sources make the same bytes on every machine, because CDK names an asset by the hash of its content
(docs/decisions/0002). Results stay in .build/, named by what they were made from.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.settings import StageSettings

_UV_TIMEOUT_SECONDS = 1200
_WHEEL_PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
"""Python 3.12 and newer run on Amazon Linux 2023, which has glibc 2.34 ("Lambda runtimes")."""
_INSTALLER_NOTES = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}
"""Files in *.dist-info written by the installer, not by the wheel: they differ between machines."""


class BundlingError(Exception):
    """Something that a layer or a function is made of cannot be had; the message is one line."""


@dataclass(frozen=True)
class WheelTarget:
    """Where third-party code will run: a name for it, and how uv is told."""

    name: str
    uv_arguments: tuple[str, ...]

    @classmethod
    def of(cls, settings: StageSettings) -> "WheelTarget":
        if settings.stage == "local":
            # An emulator without containers runs functions with the interpreter that runs this.
            return cls(f"{sysconfig.get_config_var('SOABI')}-{platform.machine()}", ("--python", sys.executable))
        return cls(
            # No dot: CDK would take what follows for an extension of the asset's name.
            f"python{settings.functions.python_version.replace('.', '')}-{settings.functions.architecture}",
            (
                "--python-platform",
                _WHEEL_PLATFORMS[settings.functions.architecture],
                "--python-version",
                settings.functions.python_version,
            ),
        )


class Bundler:
    """Builds what one stage needs from the source tree at `root`."""

    def __init__(self, root: Path, settings: StageSettings) -> None:
        self._root = root
        self._target = WheelTarget.of(settings)

    def dependencies_layer(self) -> Path:
        """The third-party packages of requirements/layer.txt."""
        return self._locked_layer("dependencies", "layer.txt")

    def report_writers_layer(self) -> Path:
        """What only the writers of reports need besides, from requirements/reports.txt."""
        return self._locked_layer("report-writers", "reports.txt")

    def comanda_layer(self) -> Path:
        """The package every function shares."""
        package = self._root / "layers" / "comanda" / "src" / "comanda"
        return self._copy("comanda", {f"python/comanda/{path}": file for path, file in _source_files(package).items()})

    def function_code(self, name: str) -> Path:
        """One function at its dotted path, so that its handler string equals the import in a test."""
        functions = self._root / "functions"
        if not (functions / name / "handler.py").is_file():
            raise BundlingError(f"functions/{name}/handler.py does not exist")
        own = {f"functions/{name}/{path}": file for path, file in _source_files(functions / name).items()}
        return self._copy(f"function-{name}", {"functions/__init__.py": functions / "__init__.py", **own})

    def _locked_layer(self, name: str, lock_name: str) -> Path:
        lock = self._root / "requirements" / lock_name
        if not lock.is_file():
            raise BundlingError(f"requirements/{lock_name}, the lock file of the {name} layer, does not exist")
        digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
        return self._build_once(
            f"{name}-{self._target.name}-{digest}",
            lambda folder: _install(lock, self._target, folder / "python"),
        )

    def _copy(self, name: str, files: Mapping[str, Path]) -> Path:
        contents = {path: files[path].read_bytes() for path in sorted(files)}
        digest = hashlib.sha256()
        for path, content in contents.items():
            digest.update(f"{path}\0{len(content)}\0".encode() + content)

        def write(folder: Path) -> None:
            for path, content in contents.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)

        return self._build_once(f"{name}-{digest.hexdigest()[:16]}", write)

    def _build_once(self, name: str, build: Callable[[Path], None]) -> Path:
        """Build aside and rename, so that a folder that exists is whole, whoever else builds it at the same time."""
        builds = self._root / ".build"
        finished = builds / name
        if finished.is_dir():
            return finished
        builds.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=builds, prefix="unfinished-") as aside:
            folder = Path(aside) / name
            folder.mkdir()
            build(folder)
            _make_readable(folder)
            try:
                folder.rename(finished)
            except OSError:
                if not finished.is_dir():
                    raise
        return finished


def _source_files(folder: Path) -> dict[str, Path]:
    """The files of a package by their path in it, without what Python and editors leave behind."""
    found = {}
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        left_behind = any(part == "__pycache__" or part.startswith(".") for part in path.parts)
        if file.is_file() and not left_behind and file.suffix not in {".pyc", ".pyo"}:
            found[path.as_posix()] = file
    return found


def _make_readable(folder: Path) -> None:
    """Lambda runs code as another user, so a strict umask must not reach the archive."""
    for file in folder.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)
    folder.chmod(0o755)


def _install(lock: Path, target: WheelTarget, folder: Path) -> None:
    """Install a lock file into a folder: from uv's cache if all is there, else from the registry."""
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if uv is None:
        raise BundlingError("uv is not on the PATH; it builds the layers (requirements/bootstrap.txt has it)")
    command = [uv, "pip", "install", "--quiet", "--no-progress", "--target", str(folder), *target.uv_arguments]
    command += ["--only-binary", ":all:", "--require-hashes", "--link-mode", "copy", "--no-compile-bytecode"]
    command += ["--requirement", str(lock)]
    if _run([*command, "--offline"]).returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        online = _run(command)
        if online.returncode != 0:
            reason = " ".join(online.stderr.split()) or f"uv ended with {online.returncode}"
            raise BundlingError(f"a layer cannot be installed from requirements/{lock.name}: {reason}")
    _remove_what_varies(folder)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_UV_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise BundlingError(f"uv did not end within {_UV_TIMEOUT_SECONDS} s: is the registry reachable?") from error


def _remove_what_varies(folder: Path) -> None:
    (folder / ".lock").unlink(missing_ok=True)
    shutil.rmtree(folder / "bin", ignore_errors=True)  # console scripts name the interpreter that made them
    for cache in list(folder.rglob("__pycache__")):
        shutil.rmtree(cache)
    for file in [file for notes in folder.glob("*.dist-info") for file in notes.iterdir()]:
        if file.name in _INSTALLER_NOTES:
            file.unlink()
