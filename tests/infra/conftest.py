"""The app, synthesized once per stage, without AWS credentials and without the CDK command line."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from app import ROOT, build_app
from infra.settings import STAGE_NAMES, StageSettings, load_settings

Resource = dict[str, Any]


@dataclass(frozen=True)
class Synthesized:
    """What one stage deploys."""

    settings: StageSettings
    data: Template
    orders: Template
    reports: Template
    api: Template
    notifications: Template
    websocket: Template
    observability: Template

    @property
    def stacks(self) -> tuple[Template, ...]:
        return (self.data, self.orders, self.reports, self.api, self.notifications, self.websocket, self.observability)

    def resources(self, resource_type: str) -> dict[str, Resource]:
        """All resources of a type, from all stacks, by logical id."""
        return {
            logical_id: dict(resource)
            for template in self.stacks
            for logical_id, resource in template.find_resources(resource_type).items()
        }

    def functions(self) -> dict[str, Resource]:
        """The properties of each function, by the name of its folder."""
        return {
            resource["Properties"]["Handler"].split(".")[1]: resource["Properties"]
            for resource in self.resources("AWS::Lambda::Function").values()
        }


def feature_flags() -> dict[str, Any]:
    """The context in cdk.json, which the command line would hand to the app."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return context


def synthesize(settings: StageSettings, folder: Path) -> Synthesized:
    """Fails where cdk-nag has a finding."""
    assembly = build_app(settings, App(context=feature_flags(), outdir=str(folder))).synth()
    stacks = (
        Template.from_json(assembly.get_stack_by_name(f"Comanda-{settings.stage}-{stack}").template)
        for stack in ("Data", "Orders", "Reports", "Api", "Notifications", "WebSocket", "Observability")
    )
    return Synthesized(settings, *stacks)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What reads the templates runs in one worker, so that they are made once."""
    for item in items:
        if "synthesized" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("templates"))


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Synthesized]:
    @cache
    def once(name: str) -> Synthesized:
        return synthesize(load_settings(name), tmp_path_factory.mktemp(name))

    return once


@pytest.fixture(params=STAGE_NAMES)
def every_stage(request: pytest.FixtureRequest, synthesized: Callable[[str], Synthesized]) -> Synthesized:
    return synthesized(request.param)


@pytest.fixture
def local(synthesized: Callable[[str], Synthesized]) -> Synthesized:
    return synthesized("local")


@pytest.fixture
def dev(synthesized: Callable[[str], Synthesized]) -> Synthesized:
    return synthesized("dev")


@pytest.fixture
def prod(synthesized: Callable[[str], Synthesized]) -> Synthesized:
    return synthesized("prod")
