"""The CDK app: `cdk deploy --all -c stage=dev`. Settings are in infra/settings."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App, Stack, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from infra.constructs.bundling import Bundler, BundlingError
from infra.settings import SettingsError, StageSettings, flat_names_in, load_settings
from infra.stacks.api_stack import ApiStack
from infra.stacks.data_stack import DataStack
from infra.stacks.notifications_stack import NotificationsStack
from infra.stacks.observability_stack import ObservabilityStack
from infra.stacks.orders_stack import OrdersStack
from infra.stacks.reports_stack import ReportsStack
from infra.stacks.websocket_stack import WebSocketStack

ROOT = Path(__file__).resolve().parent
CONTEXT_OF_CDK = frozenset({"acknowledged-issue-numbers", "cli-telemetry"})
"""What `cdk` itself keeps there under plain names: in cdk.json, and `cdk acknowledge` in cdk.context.json."""


def build_app(settings: StageSettings, app: App) -> App:
    """Put the stacks of one stage into the app."""
    name = f"Comanda-{settings.stage}"
    bundler = Bundler(ROOT, settings)
    data = DataStack(app, f"{name}-Data", settings=settings)
    orders = OrdersStack(app, f"{name}-Orders", settings=settings, bundler=bundler, data=data)
    reports = ReportsStack(app, f"{name}-Reports", settings=settings, bundler=bundler, data=data)
    api = ApiStack(app, f"{name}-Api", settings=settings, bundler=bundler, data=data, orders=orders, reports=reports)
    notifications = NotificationsStack(
        app, f"{name}-Notifications", settings=settings, bundler=bundler, data=data, api=api
    )
    watched: list[Stack] = [data, orders, reports, api, notifications]
    if settings.websocket.enabled:
        watched.append(WebSocketStack(app, f"{name}-WebSocket", settings=settings, bundler=bundler, data=data, api=api))
    ObservabilityStack(
        app,
        f"{name}-Observability",
        settings=settings,
        bundler=bundler,
        orders=orders,
        reports=reports,
        api=api,
        watched=watched,
    )
    Tags.of(app).add("project", "comanda")
    Tags.of(app).add("stage", settings.stage)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


def settings_of(app: App, environment: Mapping[str, str]) -> StageSettings:
    """The stage from `-c stage=NAME`, and any of its settings from `-c NAME=VALUE`."""
    stage = app.node.try_get_context("stage") or ("local" if environment.get("AWS_ENDPOINT_URL") else "dev")
    given = given_to(app)
    if emulator_url := environment.get("AWS_ENDPOINT_URL"):
        given["emulator_url"] = emulator_url
    return load_settings(stage, given)


def given_to(app: App) -> dict[str, Any]:
    """The settings among the app's context, by the names that they were given as."""
    context: dict[str, Any] = app.node.get_all_context()
    return {name: value for name, value in context.items() if _is_ours(name) and name != "stage" and value is not None}


def _is_ours(name: str) -> bool:
    """The CDK's own context has a colon, an @ or a name of its own."""
    return not set(name) & set(":@/") and name not in CONTEXT_OF_CDK


def main() -> None:
    app = App()
    try:
        settings = settings_of(app, os.environ)
        for notice in flat_names_in(given_to(app)):
            sys.stderr.write(f"app.py: {notice}\n")
        build_app(settings, app).synth()
    except (SettingsError, BundlingError) as error:
        sys.exit(f"app.py: {error}")


if __name__ == "__main__":
    main()
