"""The trace that an invocation is part of, as it goes on through queues and out to other services.

Lambda and API Gateway write the segments; what is ours is that the trace does not end at a queue (docs/decisions/0011).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef, MessageSystemAttributeValueTypeDef

_ROOT = re.compile(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24})")
_PARENT = re.compile(r"Parent=([0-9a-f]{16})")
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{8})([0-9a-f]{24})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True)
class Trace:
    """An X-Ray trace id in its two parts (8 and 24 hexadecimal digits), and the segment it goes on from (16)."""

    begun: str
    unique: str
    parent: str
    sampled: bool

    @classmethod
    def current(cls, environment: Mapping[str, str]) -> Self | None:
        """Of this invocation. Lambda sets it again for each ("Using Lambda environment variables"); None where it does
        not, as where nobody traces."""
        header = environment.get("_X_AMZN_TRACE_ID", "")
        root, parent = _ROOT.search(header), _PARENT.search(header)
        if root is None or parent is None:
            return None
        return cls(root[1], root[2], parent[1], "Sampled=1" in header)

    @classmethod
    def parse(cls, traceparent: str) -> Self | None:
        """None for anything that was not made by `traceparent`."""
        found = _TRACEPARENT.fullmatch(traceparent)
        return cls(found[1], found[2], found[3], bool(int(found[4], 16) & 1)) if found else None

    @property
    def traceparent(self) -> str:
        """As everybody reads it ("Trace Context", 3.2)."""
        return f"00-{self.begun}{self.unique}-{self.parent}-{'01' if self.sampled else '00'}"

    @property
    def header(self) -> str:
        """As AWS reads it ("Tracing header" in the X-Ray developer guide)."""
        return f"Root=1-{self.begun}-{self.unique};Parent={self.parent};Sampled={int(self.sampled)}"


def traceparent_of(environment: Mapping[str, str]) -> str | None:
    """The trace that a function runs in, in the form of W3C's Trace Context; None where nobody traces."""
    trace = Trace.current(environment)
    return trace.traceparent if trace else None


def message_attributes(
    environment: Mapping[str, str], correlation_id: str
) -> "dict[str, MessageAttributeValueTypeDef]":
    """What a message tells of where it comes from, beside its body: attributes do not count for deduplication. SQS
    refuses a message with an empty one ("Amazon SQS message metadata")."""
    attributes = {"correlation_id": correlation_id} if correlation_id else {}
    if trace := Trace.current(environment):
        attributes["traceparent"] = trace.traceparent
    return {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}


def system_attributes(
    environment: Mapping[str, str],
) -> "dict[Literal['AWSTraceHeader'], MessageSystemAttributeValueTypeDef]":
    """By this, X-Ray links the trace of whoever receives the message ("Amazon SQS and AWS X-Ray")."""
    trace = Trace.current(environment)
    return {"AWSTraceHeader": {"DataType": "String", "StringValue": trace.header}} if trace else {}
