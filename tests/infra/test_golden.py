"""Mappings, schedules, queues, policies of queues and topics, and alarms are, to the last property, as they are written
down; and a property that CloudFormation does not know does not get through."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app import ROOT
from tests.infra.conftest import Synthesized
from tests.infra.golden import FOLDER, TYPES, text_of


def test_what_a_stage_deploys_is_what_is_written_down(every_stage: Synthesized) -> None:
    """Where it is meant to differ: `python -m tests.infra.golden`, and look at the difference."""
    assert text_of(every_stage).splitlines() == (
        (FOLDER / f"{every_stage.settings.stage}.txt").read_text().splitlines()
    )


def test_nothing_of_these_types_is_left_out(every_stage: Synthesized) -> None:
    written = text_of(every_stage).splitlines()
    for resource_type in TYPES:
        named = [line for line in written if line.startswith(f"{resource_type} ")]
        assert len(named) == len(every_stage.resources(resource_type))


PLAIN = {
    "BatchSize": 100,
    "EventSourceArn": {"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:orders"},
    "FunctionName": "announce",
    "FilterCriteria": {"Filters": [{"Pattern": '{"body":["a"]}'}]},
}


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({}, None),
        ({"FilterCriterias": PLAIN["FilterCriteria"]}, "E3002"),
        ({"FilterCriteria": {"Filters": [{"Patern": "{}"}]}}, "E3002"),
        ({"FilterCriteria": "{}"}, "E3012"),
        ({"BatchSize": "many"}, "E3012"),
        ({"FunctionResponseTypes": ["ReportBatchItems"]}, "E3030"),
    ],
    ids=["as it should be", "unknown", "unknown within", "no object", "no number", "no choice"],
)
def test_what_make_check_looks_at_templates_with_knows_each_property(
    tmp_path: Path, changed: dict[str, Any], finding: str | None
) -> None:
    """cfn-lint has the specification of CloudFormation's resources."""
    mapping = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {**PLAIN, **changed}}
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"Resources": {"Mapping": mapping}}))
    ran = subprocess.run(["cfn-lint", template], cwd=ROOT, capture_output=True, text=True, timeout=120)  # noqa: S607
    found = {line.split()[0] for line in ran.stdout.splitlines() if line[:1] in "EW" and line[1:5].isdigit()}
    assert found == ({finding} if finding else set())
    assert (ran.returncode == 0) is (finding is None)


def test_make_check_looks_at_every_template() -> None:
    assert "\t@$(INSTALLED) cfn-lint .build/synth/*/*.template.json\n" in (ROOT / "Makefile").read_text()
