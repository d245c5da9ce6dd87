"""The trace that an invocation is part of, as other services read it."""

import re
from collections.abc import Mapping

_ROOT = re.compile(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24})")
_PARENT = re.compile(r"Parent=([0-9a-f]{16})")


def traceparent_of(environment: Mapping[str, str]) -> str | None:
    """X-Ray's trace of this invocation as W3C has it ("Trace Context", 3.2), which is the same in other words. Lambda
    sets it anew for each invocation ("Using Lambda environment variables"); None where it does not."""
    header = environment.get("_X_AMZN_TRACE_ID", "")
    root, parent = _ROOT.search(header), _PARENT.search(header)
    if root is None or parent is None:
        return None
    return f"00-{root[1]}{root[2]}-{parent[1]}-{'01' if 'Sampled=1' in header else '00'}"
