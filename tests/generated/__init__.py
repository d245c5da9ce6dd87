"""Requests that schemathesis makes up from a description of the API (tests/stack/test_generated.py)."""
