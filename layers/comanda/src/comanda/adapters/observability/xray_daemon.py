"""Spans by OpenTelemetry, sent to the X-Ray daemon that Lambda runs beside a function (docs/decisions/0011).

Imported by the first traced invocation of an environment only (message_spans.py): the SDK takes its time.
"""

import base64
import os
import socket
import time
from collections.abc import Sequence
from functools import cache

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from comanda.adapters.observability.telemetry import LOGGER
from comanda.adapters.observability.tracing import Trace
from comanda.domain.delivery.messages import Delivery, Received
from comanda.domain.notifications.messages import NOTIFICATION_DUE, NotificationMessage
from comanda.domain.orders.messages import OrderMessage
from comanda.domain.reports.messages import REPORT_REQUESTED, ReportMessage

ANNOTATED = {"order_id", "recipient_id", "report_id", "notification_id", "correlation_id", "error_class"}
"""What X-Ray can be searched by. It indexes 50 annotations of a trace ("AWS X-Ray endpoints and quotas"); ten messages
of a batch have four each, at most."""

_HEADER = b'{"format":"json","version":1}\n'
"""How a datagram to the daemon begins ("Sending segment documents to the X-Ray daemon")."""
_SAMPLED_OTLP = b"T1S"
"""What follows is a sampled ExportTraceServiceRequest in base64: no document says so, but AWS's own OpenTelemetry
layers send this."""


class DaemonExporter(SpanExporter):
    """One datagram for each export; it holds 64 KB, some sixty spans. One that cannot be sent is lost."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._address = (host, int(port))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        request = base64.b64encode(encode_spans(spans).SerializeToString())
        try:
            self._socket.sendto(_HEADER + _SAMPLED_OTLP + request, self._address)
        except OSError as error:
            LOGGER.debug("span.not_sent", extra={"reason": str(error)})
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS


@cache
def tracer_to(daemon: str) -> Tracer:
    """Each span is sent as it ends: after an invocation its environment is frozen. Threads that ask for the first time
    at once may get one each, which does no harm."""
    resource = Resource(
        {
            "service.name": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "comanda"),
            "cloud.provider": "aws",
            "cloud.platform": "aws_lambda",
        }
    )
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(DaemonExporter(daemon)))
    return provider.get_tracer("comanda")


class MessageSpan:
    """Implements `Span`: a part of the invocation's segment, linked to what the message was sent by."""

    def __init__(self, tracer: Tracer, invocation: Trace) -> None:
        self._tracer = tracer
        self._parent = set_span_in_context(NonRecordingSpan(_context_of(invocation)), Context())
        self._began = time.time_ns()
        self._facts: dict[str, str] = {}

    def note(self, **facts: str) -> None:
        self._facts |= facts

    def end(self, *deliveries: Received, done: bool) -> None:
        ended = time.time_ns()
        for delivery in deliveries:
            name, ids = _named(delivery)
            known = {**ids, **self._facts}
            origin = Trace.parse(delivery.traceparent or "")
            span = self._tracer.start_span(
                name,
                context=self._parent,
                kind=SpanKind.CONSUMER,
                attributes={
                    **known,
                    "outcome": "done" if done else "stays",
                    "receive_count": delivery.receive_count,
                    "messaging.system": "aws_sqs",
                    "messaging.operation.type": "process",
                    "messaging.message.id": delivery.message_id,
                    "aws.xray.annotations": sorted(ANNOTATED & known.keys()),
                },
                links=[Link(_context_of(origin))] if origin else [],
                start_time=self._began,
            )
            if error_class := self._facts.get("error_class"):
                span.set_status(Status(StatusCode.ERROR, error_class))
            span.end(ended)


def _context_of(trace: Trace) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if trace.sampled else TraceFlags.DEFAULT)
    return SpanContext(int(trace.begun + trace.unique, 16), int(trace.parent, 16), is_remote=True, trace_flags=flags)


def _named(delivery: Received) -> tuple[str, dict[str, str]]:
    """What a message is called, and the ids it tells."""
    ids = {"correlation_id": delivery.correlation_id} if delivery.correlation_id else {}
    message = delivery.message if isinstance(delivery, Delivery) else None
    if isinstance(message, OrderMessage):
        return message.event.value, {**ids, "order_id": message.order_id, "recipient_id": delivery.group}
    if isinstance(message, ReportMessage):
        return REPORT_REQUESTED, {**ids, "report_id": message.report_id}
    if isinstance(message, NotificationMessage):
        return NOTIFICATION_DUE, {**ids, "notification_id": message.notification_id}
    return "unknown message", ids
