"""A function imports what it needs: each module costs time at a cold start."""

import json
import subprocess
import sys

import pytest

GROUND = {"aws", "observability", "runtime"}
"""Adapters that every function may load."""
CAPABILITIES = {
    "announce_changes": {"changes", "delivery", "notifications", "orders", "reports"},
    "authorize_connection": {"http", "live"},
    "authorize_request": set[str](),
    "broadcast": {"changes", "delivery", "http", "live", "orders", "reports"},
    "check_canary": {"http_client", "operations"},
    "complete_order": {"delivery", "orders"},
    "deliver_notifications": {"delivery", "notifications"},
    "enrich_order": {"delivery", "enrichment", "http", "http_client", "orders"},
    "generate_report": {"delivery", "orders", "reports"},
    "process_order": {"delivery", "orders"},
    "read_orders": {"delivery", "enrichment", "http", "operations", "orders"},
    "read_reports": {"delivery", "http", "reports"},
    "serve_connections": {"delivery", "http", "live", "orders", "reports"},
    "switch_enrichment": {"enrichment", "http", "http_client"},
    "tend_dead_letters": {"delivery", "enrichment", "orders"},
    "tend_notifications": {"delivery", "notifications"},
    "tend_reports": {"delivery", "reports"},
    "write_orders": {"delivery", "http", "notifications", "orders"},
    "write_reports": {"delivery", "http", "notifications", "orders", "reports"},
}
"""Which adapters each function loads beside those."""

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
        parts = [module.split(".") for module in sys.modules if module.startswith("comanda.")]
        adapters = {part[2] for part in parts if part[1] == "adapters" and len(part) > 2}
        events = {part[2] for part in parts if part[1] == "application" and part[-1] == "events"}
        print(json.dumps([name, [*adapters], [*events]]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, tuple[set[str], set[str]]]:
    """By function, the capabilities whose adapters and whose events it has loaded once it is imported by itself."""
    command = [sys.executable, "-c", LOADED, *CAPABILITIES]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {name: (set(adapters), set(events)) for name, adapters, events in map(json.loads, lines)}


@pytest.mark.parametrize("function", CAPABILITIES)
def test_a_function_loads_the_capabilities_it_needs(
    loaded: dict[str, tuple[set[str], set[str]]], function: str
) -> None:
    adapters, events = loaded[function]
    assert (adapters - GROUND, events) == (CAPABILITIES[function], EVENTS[function])
