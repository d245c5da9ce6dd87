"""What travels through the queues of orders."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Self

from comanda.domain.delivery.messages import Delivery, fields_of, parsing, replay_of, text_of
from comanda.domain.orders.order import Order, Stage
from comanda.domain.shared.canonical import canonical_json


class Event(StrEnum):
    """What a message about an order says has happened."""

    CREATED = "order.created"
    ENRICHMENT_REQUESTED = "order.enrichment.requested"
    ENRICHED = "order.enriched"


STAGE_OF = {
    Event.CREATED: Stage.PROCESSING,
    Event.ENRICHMENT_REQUESTED: Stage.ENRICHMENT,
    Event.ENRICHED: Stage.COMPLETION,
}
"""The stage each event is worked on by."""


@dataclass(frozen=True)
class OrderMessage:
    """A message body: `{"event", "order_id", "payload_hash", "replay"}`."""

    event: Event
    order_id: str
    payload_hash: str
    replay: int

    @classmethod
    def about(cls, order: Order, event: Event) -> Self:
        return cls(event, order.order_id, order.payload_hash, order.replay)

    @classmethod
    def parse(cls, body: str) -> Self:
        """Raises ValueError for anything that `body` would not make; NewerSchema, which is one, for a newer form."""
        with parsing("an order message"):
            fields = fields_of(body, *STAGE_OF)
            event = Event(fields["event"])
            return cls(event, text_of(fields, "order_id"), text_of(fields, "payload_hash"), replay_of(fields))

    @property
    def row_id(self) -> str:
        """The key of the row that it is about."""
        return self.order_id

    @property
    def stage(self) -> str:
        return STAGE_OF[self.event]

    @property
    def body(self) -> str:
        return canonical_json(asdict(self))


OrderDelivery = Delivery[OrderMessage]
