"""The whole of what decides how work arrives, waits and is watched, as text that a person reads: one file per stage.

A setting that is lost on its way into the template is a line that changes here. `python -m tests.infra.golden` writes
the files anew; look at what differs before it is committed.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.settings import STAGE_NAMES, load_settings
from tests.infra.conftest import Synthesized, synthesize

FOLDER = Path(__file__).parent / "golden"
TYPES = (
    "AWS::Lambda::EventSourceMapping",
    "AWS::Scheduler::Schedule",
    "AWS::Events::Rule",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SNS::Subscription",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
)
_LEFT_OUT = {"Type", "Metadata"}
_HASH = re.compile(r"[0-9A-F]{8}(?=\b|_|[A-Z]|$)")


def text_of(stage: Synthesized) -> str:
    """All resources of TYPES: their properties, and what else is said of them, a line each."""
    return "\n".join(_lines_of(stage)) + "\n"


def _lines_of(stage: Synthesized) -> Iterator[str]:
    for resource_type in TYPES:
        found = {_HASH.sub("", name): each for name, each in stage.resources(resource_type).items()}
        for name, resource in sorted(found.items()):
            yield f"{resource_type} {name}"
            said = {key: value for key, value in resource.items() if key not in _LEFT_OUT}
            properties = said.pop("Properties", {})
            for key, value in [*sorted(properties.items()), *sorted(said.items())]:
                yield f"    {key}: {json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)}"


def _plain(value: Any) -> Any:
    """References as the names they refer to, without hashes: those differ where nothing else does."""
    match value:
        case {"Ref": str(name)}:
            return f"${{{_HASH.sub('', name)}}}"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"${{{_HASH.sub('', name)}.{attribute}}}"
        case {"Fn::ImportValue": str(name)}:
            return f"${{{_HASH.sub('', name)}}}"
        case {"Fn::Join": [str(between), [*parts]]}:
            return between.join(part if isinstance(part, str) else str(_plain(part)) for part in parts)
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case str():
            return _HASH.sub("", value)
    return value


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in STAGE_NAMES:
        with TemporaryDirectory() as folder:
            (FOLDER / f"{name}.txt").write_text(text_of(synthesize(load_settings(name), Path(folder))))
        sys.stdout.write(f"{FOLDER / name}.txt\n")


if __name__ == "__main__":
    main()
