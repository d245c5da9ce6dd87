"""Things to test with, each valid as it comes; a test names only what it is about."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from comanda.application.orders.accept import payload_hash
from comanda.application.orders.ports import NewOrder
from comanda.domain.delivery.messages import Delivery, Message, deduplication_id
from comanda.domain.notifications.notification import Notification
from comanda.domain.orders.messages import Event, OrderDelivery, OrderMessage
from comanda.domain.orders.order import Enrichment, Item, Order, total_of
from comanda.domain.reports.report import Report, ReportFormat, ReportRequest
from comanda.domain.shared.access import CLIENT_SCOPES, Caller, Origin, Scope
from comanda.domain.shared.notify import Channel
from tests.golden import on_the_wire, rest_event, sqs_record

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def a_caller(name: str = "web", origin: Origin = Origin.WEB, scopes: frozenset[Scope] | None = None) -> Caller:
    return Caller(name, origin, CLIENT_SCOPES if scopes is None else scopes)


def a_new_order(**fields: Any) -> NewOrder:
    items = (Item(2, sku="ABC"), Item(1, sku="XYZ"))
    return NewOrder(**{"items": items, "currency": "BRL", "customer_id": "123", **fields})


def a_claim(**fields: Any) -> Order:
    """An order as the API claims it."""
    new = a_new_order(**{name: fields.pop(name) for name in ("items", "metadata") if name in fields})
    claim = Order(
        order_id=str(uuid.uuid4()),
        caller="web",
        origin=Origin.WEB,
        recipient_id="123",
        customer_id="123",
        items=new.items,
        currency="BRL",
        metadata=new.metadata,
        total_amount=total_of(new.items),
        payload_hash=payload_hash(new),
        correlation_id="corr-1",
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(claim, **fields)


def a_pending_order(**fields: Any) -> Order:
    return a_claim(**fields).stored(NOW)


def a_processing_order(**fields: Any) -> Order:
    return a_pending_order(**fields).started(NOW)


def an_enriched_order(total: str = "10.00", **fields: Any) -> Order:
    order = a_processing_order(items=(Item(1, sku="ABC", unit_price=Decimal(total)),), **fields)
    return order.enriched(Enrichment("test", "ref-1"), NOW)


def a_report(**fields: Any) -> Report:
    """A report as the API claims it."""
    request = ReportRequest("web", False, "table", ReportFormat.XLSX, {"title": "T"})
    claim = Report(
        request.report_id(None), request, False, "corr-1", NOW + timedelta(days=7), created_at=NOW, updated_at=NOW
    )
    return replace(claim, **fields)


def a_notification(**fields: Any) -> Notification:
    notification = Notification(
        notification_id="n-1",
        caller="web",
        channel=Channel.WEBHOOK,
        target="https://example.com/hook",
        event="order.completed",
        subject_id="o-1",
        happened_at=NOW,
        data={"order_id": "o-1", "status": "completed", "total_amount": "10.00"},
        correlation_id="corr-1",
        created_at=NOW,
        updated_at=NOW,
    )
    return replace(notification, **fields)


def a_delivery(order: Order, event: Event = Event.CREATED, **fields: Any) -> OrderDelivery:
    delivery = Delivery(
        message_id=str(uuid.uuid4()),
        receipt_handle="receipt",
        group=order.recipient_id,
        receive_count=1,
        sent_at=NOW + timedelta(seconds=1),
        message=OrderMessage.about(order, event),
    )
    return replace(delivery, **fields)


def an_sqs_event(*deliveries: Delivery[Message], bodies: dict[str, str] | None = None) -> dict[str, Any]:
    """What the event source mapping hands to a function."""
    return {
        "Records": [_sqs_record(number, delivery, bodies or {}) for number, delivery in enumerate(deliveries, start=1)]
    }


def _sqs_record(number: int, delivery: Delivery[Message], bodies: dict[str, str]) -> dict[str, Any]:
    sent_at = str(int(delivery.sent_at.timestamp() * 1000))
    attributes = {
        "ApproximateReceiveCount": str(delivery.receive_count),
        "SentTimestamp": sent_at,
        "SequenceNumber": f"{number:020d}",
        "MessageGroupId": delivery.group,
        "SenderId": "AIDAIO23YVJENQZJOL4VO",
        "MessageDeduplicationId": _deduplication_id(delivery, bodies),
        "ApproximateFirstReceiveTimestamp": sent_at,
    }
    named = {"correlation_id": "corr-1", "traceparent": delivery.traceparent}
    return sqs_record(
        {
            "MessageId": delivery.message_id,
            "ReceiptHandle": delivery.receipt_handle,
            "Body": delivery.message.body if delivery.message else bodies.get(delivery.message_id, ""),
            "Attributes": attributes,
            "MessageAttributes": {
                name: {"StringValue": text, "DataType": "String"} for name, text in named.items() if text
            },
        }
    )


def _deduplication_id(delivery: Delivery[Message], bodies: dict[str, str]) -> str:
    """Our own; or another, where it came back from a dead-letter queue."""
    if delivery.message is None or delivery.came_back:
        return delivery.message_id
    return deduplication_id(bodies.get(delivery.message_id, delivery.message.body), delivery.message.replay)


def an_api_event(
    method: str = "POST",
    path: str = "/orders",
    body: object = None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    caller: Caller | None = None,
) -> dict[str, Any]:
    """What the REST API hands to a function. The path is sent percent-encoded; a `body` that is not text is sent as
    JSON."""
    given = {"Content-Type": "application/json", **(headers or {})}
    return rest_event(
        method,
        on_the_wire(path),
        headers=given.items(),
        query=(query or {}).items(),
        body=body if isinstance(body, str) or body is None else json.dumps(body),
        caller=caller or a_caller(),
    )
