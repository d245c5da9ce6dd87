"""Layers and function code: complete, for the right machine, and the same bytes wherever they are made."""

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app import ROOT
from infra.constructs.bundling import Bundler, BundlingError
from infra.settings import load_settings

ELF_MACHINE = {"arm64": 183, "x86_64": 62}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with one function and one module in the layer."""
    root = tmp_path / "tree"
    for path, text in {
        "functions/__init__.py": "",
        "functions/greet/__init__.py": "",
        "functions/greet/handler.py": "def handler(event, context):\n    return 'hello'\n",
        "functions/other/handler.py": "",
        "layers/comanda/src/comanda/__init__.py": "",
        "layers/comanda/src/comanda/domain/orders/order.py": "ORDER = 1\n",
        "layers/comanda/src/comanda/py.typed": "",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "requirements").mkdir()
    for lock in ("layer.txt", "reports.txt"):
        shutil.copy(ROOT / "requirements" / lock, root / "requirements")
    return root


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_function_keeps_its_dotted_path_and_brings_no_other_along(tree: Path) -> None:
    code = Bundler(tree, load_settings("dev")).function_code("greet")
    assert set(files_of(code)) == {
        "functions/__init__.py",
        "functions/greet/__init__.py",
        "functions/greet/handler.py",
    }


def test_the_layer_holds_the_package_where_lambda_looks(tree: Path) -> None:
    layer = Bundler(tree, load_settings("dev")).comanda_layer()
    assert set(files_of(layer)) == {
        "python/comanda/__init__.py",
        "python/comanda/domain/orders/order.py",
        "python/comanda/py.typed",
    }


def test_what_python_and_editors_leave_behind_changes_nothing(tree: Path) -> None:
    bundler = Bundler(tree, load_settings("dev"))
    before = bundler.comanda_layer(), bundler.function_code("greet")
    for folder in (tree / "layers/comanda/src/comanda", tree / "functions/greet"):
        (folder / "__pycache__").mkdir()
        (folder / "__pycache__" / "handler.cpython-311.pyc").write_bytes(b"\0")
        (folder / ".handler.py.swp").write_bytes(b"\0")
    assert (bundler.comanda_layer(), bundler.function_code("greet")) == before


def test_a_change_makes_another_asset(tree: Path) -> None:
    bundler = Bundler(tree, load_settings("dev"))
    before = bundler.function_code("greet")
    (tree / "functions/greet/handler.py").write_text("def handler(event, context):\n    return 'good day'\n")
    after = bundler.function_code("greet")
    assert after != before
    assert b"good day" in files_of(after)["functions/greet/handler.py"]


def test_a_strict_umask_does_not_reach_the_asset(tree: Path) -> None:
    umask = os.umask(0o077)
    try:
        code = Bundler(tree, load_settings("dev")).function_code("greet")
    finally:
        os.umask(umask)
    assert {path.stat().st_mode & 0o777 for path in code.rglob("*") if path.is_file()} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in [code, *code.rglob("*")] if path.is_dir()} == {0o755}


def test_two_synths_at_once_do_not_disturb_each_other(tree: Path) -> None:
    bundlers = [Bundler(tree, load_settings("local")) for _ in range(4)]
    with ThreadPoolExecutor(len(bundlers)) as pool:
        layers = list(pool.map(lambda bundler: bundler.dependencies_layer(), bundlers))
    assert len(set(layers)) == 1
    assert not list((tree / ".build").glob("unfinished-*"))
    assert (layers[0] / "python" / "pydantic" / "__init__.py").is_file()


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_compiled_code_is_for_the_machine_it_will_run_on(tree: Path, architecture: str) -> None:
    layer = Bundler(tree, load_settings("dev", {"functions.architecture": architecture})).dependencies_layer()
    (pydantic,), (protobuf,) = layer.rglob("_pydantic_core*.so"), layer.rglob("google/_upb/_message*.so")
    assert ("cpython-314-" in pydantic.name, ".abi3." in protobuf.name) == (True, True)
    for compiled in (pydantic, protobuf):
        (machine,) = struct.unpack("<H", compiled.read_bytes()[18:20])  # e_machine of an ELF header
        assert machine == ELF_MACHINE[architecture]


@pytest.mark.parametrize("stage", ["local", "dev"])
def test_the_dependencies_hold_nothing_that_differs_between_machines(tree: Path, stage: str) -> None:
    files = files_of(Bundler(tree, load_settings(stage)).dependencies_layer())
    endings = ("/RECORD", "/INSTALLER", "/REQUESTED", "/direct_url.json", "/uv_cache.json", ".pyc", "/.lock")
    assert [path for path in files if path.endswith(endings) or path.startswith("python/bin/")] == []
    assert any(path.endswith(".dist-info/METADATA") for path in files)
    assert not any(path.startswith(("python/boto3", "python/botocore")) for path in files)


def test_dependencies_made_twice_are_the_same(tree: Path) -> None:
    bundler = Bundler(tree, load_settings("dev"))
    first = files_of(bundler.dependencies_layer())
    shutil.rmtree(tree / ".build")
    assert files_of(bundler.dependencies_layer()) == first


def test_the_local_layers_can_be_imported_by_this_interpreter(tree: Path) -> None:
    bundler = Bundler(tree, load_settings("local"))
    layers = [str(layer / "python") for layer in (bundler.dependencies_layer(), bundler.comanda_layer())]
    script = (
        f"import sys; sys.path[:0] = {layers!r}; import comanda.domain.orders.order, pydantic, aws_lambda_powertools;"
        "import opentelemetry.sdk.trace.export, opentelemetry.exporter.otlp.proto.common.trace_encoder;"
        "print(pydantic.BaseModel, aws_lambda_powertools.__file__)"
    )
    command = [sys.executable, "-I", "-S", "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert str(tree / ".build") in ran.stdout


def test_writers_of_reports_have_a_layer_of_their_own_with_nothing_twice(tree: Path) -> None:
    """Both layers lie in one folder on Lambda, /opt/python: the same module in both would be one of the two."""
    bundler = Bundler(tree, load_settings("dev"))
    writers, dependencies = (
        {path.name for path in (layer / "python").iterdir()}
        for layer in (bundler.report_writers_layer(), bundler.dependencies_layer())
    )
    assert writers >= {"reportlab", "bidi", "arabic_reshaper", "xlsxwriter"}
    assert not writers & dependencies


def without_handler(tree: Path, _: pytest.MonkeyPatch) -> None:
    Bundler(tree, load_settings("dev")).function_code("missing")


def without_lock(tree: Path, _: pytest.MonkeyPatch) -> None:
    (tree / "requirements" / "layer.txt").unlink()
    Bundler(tree, load_settings("dev")).dependencies_layer()


def without_uv(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tree / "python"))
    monkeypatch.setenv("PATH", str(tree))
    Bundler(tree, load_settings("dev")).dependencies_layer()


def without_registry(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tree / "empty-cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    Bundler(tree, load_settings("dev")).dependencies_layer()


def with_a_wrong_hash(tree: Path, _: pytest.MonkeyPatch) -> None:
    (tree / "requirements" / "layer.txt").write_text(f"typing-extensions==4.16.0 --hash=sha256:{'0' * 64}\n")
    Bundler(tree, load_settings("dev")).dependencies_layer()


@pytest.mark.parametrize(
    ("attempt", "complaint"),
    [
        (without_handler, "functions/missing/handler.py does not exist"),
        (without_lock, "requirements/layer.txt, the lock file of the dependencies layer, does not exist"),
        (without_uv, "uv is not on the PATH"),
        (without_registry, "cannot be installed from requirements/layer.txt"),
        (with_a_wrong_hash, "Hash mismatch"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    attempt: Callable[[Path, pytest.MonkeyPatch], None], complaint: str, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BundlingError) as refused:
        attempt(tree, monkeypatch)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not list(tree.glob(".build/*")), "a failed build must leave nothing that looks finished"
