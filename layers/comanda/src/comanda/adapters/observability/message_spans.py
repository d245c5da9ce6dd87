"""Spans for the messages of invocations that are traced; the others pay nothing (docs/decisions/0011)."""

import os

from comanda.adapters.observability.telemetry import LOGGER
from comanda.adapters.observability.tracing import Trace
from comanda.application.delivery.spans import NO_SPANS, Span


class XRaySpans:
    """Implements `Spans`. Lambda says of each invocation whether it is traced, and where its X-Ray daemon listens
    ("Defined runtime environment variables")."""

    def begin(self) -> Span:
        trace = Trace.current(os.environ)
        daemon = os.environ.get("AWS_XRAY_DAEMON_ADDRESS")
        if trace is None or not trace.sampled or not daemon:
            return NO_SPANS
        try:
            from comanda.adapters.observability.xray_daemon import (  # Not before it is needed: OpenTelemetry.
                MessageSpan,
                tracer_to,
            )
        except ImportError as error:  # A broken layer costs the spans, and no order.
            LOGGER.warning("spans.not_available", extra={"reason": str(error)})
            return NO_SPANS
        return MessageSpan(tracer_to(daemon), trace)
