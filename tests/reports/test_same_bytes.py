"""The same request makes the same bytes: in another process, folder, time zone and language, with another hash seed,
and at another time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from comanda.application.reports.types import REPORT_TYPES
from comanda.domain.reports.report import ReportFormat

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
from tests.reports.every_report import digests
for line in digests():
    print(*line)
"""


def digests(folder: Path, **environment: str) -> dict[tuple[str, str, str], str]:
    """By type, format and locale: what a process of its own gives."""
    lines = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return {(kind, file_format, locale): digest for kind, file_format, locale, digest in map(str.split, lines)}


@pytest.fixture(scope="module")
def here() -> dict[tuple[str, str, str], str]:
    return digests(ROOT, TZ="UTC", PYTHONHASHSEED="1", LC_ALL="C.UTF-8")


def test_every_type_is_written_in_every_format(here: dict[tuple[str, str, str], str]) -> None:
    assert here.keys() == {
        (kind, file_format, locale)
        for kind in REPORT_TYPES
        for file_format in ReportFormat
        for locale in ("pt-BR", "en-US")
    }
    assert len(set(here.values())) == len(here) - 1, "the CSV of a table of one's own is the same in both languages"


@pytest.mark.parametrize(
    "environment",
    [
        {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "2"},
        {"TZ": "America/Sao_Paulo", "LC_ALL": "pt_BR.UTF-8", "LANG": "pt_BR.UTF-8", "PYTHONHASHSEED": "3"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONOPTIMIZE": "1", "SOURCE_DATE_EPOCH": "86400"},
    ],
    ids=["other time zone", "other language", "bare"],
)
def test_the_same_request_makes_the_same_bytes_elsewhere(
    here: dict[tuple[str, str, str], str], tmp_path: Path, environment: dict[str, str]
) -> None:
    assert digests(tmp_path, **environment) == here
