"""POST /orders: answer 202 once row and message are both stored (P1), one order per key forever (P2)."""

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from comanda.application.delivery.ports import VersionConflict
from comanda.application.orders.events import OrderAccepted
from comanda.application.orders.ports import NewOrder, Orders, Publisher
from comanda.application.shared.ports import Clock, DefaultNotify
from comanda.application.shared.telemetry import Telemetry
from comanda.domain.orders.messages import Event
from comanda.domain.orders.order import Order, total_of
from comanda.domain.shared.access import Caller
from comanda.domain.shared.canonical import sha256_of
from comanda.domain.shared.errors import FieldError, InvalidRequest, KeyReused
from comanda.domain.shared.identity import IdempotencyKey, random_order_id


@dataclass(frozen=True)
class Accepted:
    """The order, and whether it was there before: a replay is answered as the first time."""

    order: Order
    replayed: bool


@dataclass(frozen=True)
class AcceptOrder:
    """POST /orders: claims the row, sends the message, and shows the order."""

    orders: Orders
    publisher: Publisher
    telemetry: Telemetry
    clock: Clock
    currency: str
    default_notify: DefaultNotify

    def __call__(self, caller: Caller, new: NewOrder, key: IdempotencyKey | None, correlation_id: str) -> Accepted:
        """Claim the row, send the message, set `pending`, in this order.

        Where an earlier try with the same key died half-way, it is gone on with. Raises InvalidRequest (another
        currency than the stage's, a total past all bounds), KeyReused, Unavailable.
        """
        claim = self._claim_of(caller, new, key, correlation_id, self.clock())
        found = self.orders.claim(claim)
        if found and found.payload_hash != claim.payload_hash:
            raise KeyReused("this key was used before with another body; send the same body, or a new key")
        if found and not found.is_claim:
            return Accepted(found, replayed=True)

        order = found or claim
        self.publisher.publish(order, Event.CREATED)
        # Its age is that of the claim; but what was written only now is not to be taken for left alone.
        accepted = replace(order.stored(order.created_at), updated_at=claim.created_at)
        with suppress(VersionConflict):  # A worker has the message already, or a concurrent duplicate was quicker.
            self.orders.save(order, accepted)
        self.telemetry.emit(OrderAccepted(), accepted)
        return Accepted(accepted, replayed=found is not None)

    def key_in_use(self, key: IdempotencyKey) -> IdempotencyKey:
        """The key that the order stands under: for a quoted spelling, an older release may have made one with the
        quotes as part of the key. No request of this release makes another (docs/decisions/0018). Raises as `claim`
        does."""
        if (older := key.with_quotes) is not None and self.orders.get(older.order_id) is not None:
            return older
        return key

    def _claim_of(
        self, caller: Caller, new: NewOrder, key: IdempotencyKey | None, correlation_id: str, now: datetime
    ) -> Order:
        if new.currency != self.currency:
            raise InvalidRequest(FieldError("currency", f"this service keeps its ledgers in {self.currency}"))
        try:
            total = total_of(new.items)
        except ValueError as error:
            raise InvalidRequest(FieldError("items", f"total: {error}")) from error
        order_id = key.order_id if key else random_order_id()
        return Order(
            order_id=order_id,
            caller=caller.name,
            origin=caller.origin,
            recipient_id=new.recipient_id or new.customer_id or order_id,
            customer_id=new.customer_id,
            client_order_id=new.client_order_id,
            items=new.items,
            currency=new.currency,
            metadata=new.metadata,
            total_amount=total,
            notify=new.notify or self.default_notify(caller.name),
            payload_hash=payload_hash(new),
            correlation_id=correlation_id,
            created_at=now,
            updated_at=now,
        )


def payload_hash(new: NewOrder) -> str:
    """The same for every way of writing the same order: `5000` and `"5000.00"` are one price."""
    told = {"notify": asdict(new.notify)} if new.notify else {}
    return sha256_of(
        {
            **told,
            "items": [
                [item.sku, item.item_name, item.qty, None if item.unit_price is None else str(item.unit_price)]
                for item in new.items
            ],
            "currency": new.currency,
            "customer_id": new.customer_id,
            "recipient_id": new.recipient_id,
            "order_id": new.client_order_id,
            "metadata": dict(new.metadata),
        }
    )
