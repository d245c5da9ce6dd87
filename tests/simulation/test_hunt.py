"""A hunt for broken seeds, and what it keeps."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation import hunt
from tests.simulation.auditor import Audit
from tests.simulation.checkers.violation import Violation
from tests.simulation.hunt import Hunt, Tried, go_on, try_out
from tests.simulation.seeds import Code


def _third_breaks(seed: int) -> Tried:
    return Tried(seed, f"P3: {seed} twice", "its story", "every story") if seed % 3 == 0 else Tried(seed, None)


def test_a_hunt_goes_on_and_keeps_what_it_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = Hunt(Code("abc1234", ""), tmp_path / "kept")
    go_on(found, _third_breaks, range(1, 8))
    assert found.seeds == 7
    assert [tried.seed for tried, _ in found.found] == [3, 6]
    kept = (tmp_path / "kept" / "seed-3-abc1234.txt").read_text()
    for said in ("commit abc1234", "P3: 3 twice", "make simulate SEED=3 VERBOSE=1", "its story", "every story"):
        assert said in kept
    assert "7 seeds, 2 broken" in str(found)
    assert "make simulate SEED=6 VERBOSE=1" in str(found)
    assert "seed 3: P3: 3 twice" in capsys.readouterr().out


def test_the_next_hunt_leaves_what_was_found(tmp_path: Path) -> None:
    for commit, seed in (("one", 3), ("two", 3), ("two", 6), ("two", 6)):
        Hunt(Code(commit, ""), tmp_path).add(_third_breaks(seed))
    assert {file.name for file in tmp_path.iterdir()} == {
        "found.txt",
        "seed-3-one.txt",
        "seed-3-two.txt",
        "seed-6-two.txt",
    }
    assert (tmp_path / "found.txt").read_text().splitlines() == [
        "seed 3  commit one  P3: 3 twice",
        "seed 3  commit two  P3: 3 twice",
        "seed 6  commit two  P3: 6 twice",
    ]


def test_a_broken_seed_is_found_with_all_that_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    """By an auditor who misses something in every run."""
    monkeypatch.setattr(
        Audit, "verdict", lambda audit, rested: Violation("P0", "nothing", next(iter(audit.order_ids())))
    )
    tried = try_out(11)
    assert tried.verdict
    assert tried.verdict.startswith("P0: nothing")
    assert set(tried.story.splitlines()) < set(tried.whole_story.splitlines())


def test_a_seed_that_the_simulator_does_not_survive_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: int) -> None:
        raise KeyError("gone")

    monkeypatch.setattr(hunt, "simulate", fails)
    tried = try_out(5)
    assert tried.verdict == "the simulator itself failed: KeyError('gone')"
    assert "in fails" in tried.story


def test_ctrl_c_ends_a_hunt_with_what_it_has(tmp_path: Path) -> None:
    def until_ctrl_c() -> Iterator[int]:
        yield from range(1, 200)
        raise KeyboardInterrupt

    found = Hunt(Code("abc1234", ""), tmp_path)
    go_on(found, _third_breaks, until_ctrl_c())
    assert 0 < found.seeds < 200
    assert found.found
