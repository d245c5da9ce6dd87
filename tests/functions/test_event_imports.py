"""A function loads the events of what it does, and no others: each module costs time at a cold start."""

import json
import subprocess
import sys

import pytest

EVENTS = {
    "announce_changes": {"delivery", "notifications"},
    "authorize_connection": set[str](),
    "authorize_request": set[str](),
    "broadcast": {"live"},
    "check_canary": {"operations"},
    "complete_order": {"delivery", "orders"},
    "deliver_notifications": {"delivery", "notifications"},
    "enrich_order": {"delivery", "enrichment"},
    "generate_report": {"delivery", "reports"},
    "process_order": {"delivery", "orders"},
    "read_orders": {"enrichment"},
    "read_reports": set[str](),
    "serve_connections": {"live"},
    "switch_enrichment": {"enrichment"},
    "tend_dead_letters": {"delivery", "enrichment"},
    "tend_notifications": {"delivery"},
    "tend_reports": {"delivery"},
    "write_orders": {"delivery", "orders"},
    "write_reports": {"delivery", "reports"},
}
"""The capabilities whose events each function loads."""

LOADED = """
import importlib, json, os, sys
import aws_lambda_powertools, boto3, pydantic  # Once for all of them.
for name in sys.argv[1:]:
    if os.fork() == 0:
        importlib.import_module(f"functions.{name}.app")
        parts = [module.split(".") for module in sys.modules if module.startswith("comanda.application.")]
        print(json.dumps([name, [part[2] for part in parts if part[-1] == "events"]]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    command = [sys.executable, "-c", LOADED, *EVENTS]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {name: set(capabilities) for name, capabilities in map(json.loads, lines)}


@pytest.mark.parametrize("function", EVENTS)
def test_a_function_loads_the_events_of_what_it_does(loaded: dict[str, set[str]], function: str) -> None:
    assert loaded[function] == EVENTS[function]
