"""The same table and rows make the same bytes: in another process, folder and time zone, with another hash seed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import hashlib
from importlib import import_module
from tests.reports.tables import PLAIN, a_table, plain_rows
writer = import_module("comanda.adapters.reports.{}")
content = b"".join(writer.write(a_table(*PLAIN, total=True, facts=(("a", "b"),)), plain_rows(2_000)))
print(hashlib.sha256(content).hexdigest())
"""


@pytest.mark.parametrize("file_format", ["xlsx", "csv", "pdf"])
def test_the_same_input_makes_the_same_bytes(file_format: str, tmp_path: Path) -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM.format(file_format)],
            cwd=folder,
            env=os.environ | {"TZ": zone, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for folder, zone, seed in ((ROOT, "UTC", "1"), (tmp_path, "Asia/Tokyo", "2"))
    }
    assert len(digests) == 1
    assert len(digests.pop()) == 65
