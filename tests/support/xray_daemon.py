"""What listens where Lambda's X-Ray daemon would: a socket on this machine."""

import base64
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

START = b'{"format":"json","version":1}\nT1S'


@dataclass
class Daemon:
    socket: socket.socket
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)

    @property
    def address(self) -> str:
        host, port = self.socket.getsockname()
        return f"{host}:{port}"

    def received(self) -> list[ExportTraceServiceRequest]:
        """All so far; a datagram on this machine is there once it is sent."""
        while True:
            try:
                datagram = self.socket.recv(65_536)
            except BlockingIOError:
                return self.requests
            assert datagram.startswith(START)
            request = base64.b64decode(datagram.removeprefix(START), validate=True)
            self.requests.append(ExportTraceServiceRequest.FromString(request))

    @property
    def spans(self) -> list[Span]:
        """In the order of their ends."""
        return [
            span
            for request in self.received()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@contextmanager
def a_daemon() -> Iterator[Daemon]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.setblocking(False)
        yield Daemon(listening)


def attributes_of(span: Span) -> dict[str, Any]:
    return {attribute.key: _value_of(attribute.value) for attribute in span.attributes}


def _value_of(value: AnyValue) -> Any:
    if value.HasField("array_value"):
        return [_value_of(one) for one in value.array_value.values]
    return value.int_value if value.HasField("int_value") else value.string_value
