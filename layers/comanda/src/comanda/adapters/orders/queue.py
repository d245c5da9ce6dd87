"""Sending about orders."""

from dataclasses import dataclass

from comanda.adapters.delivery.queues import FifoPublisher
from comanda.domain.orders.messages import Event, OrderMessage
from comanda.domain.orders.order import Order


@dataclass(frozen=True)
class QueuePublisher(FifoPublisher[Order]):
    """Implements `Publisher`, and `RunPublisher` for the first queue."""

    def publish(self, order: Order, event: Event = Event.CREATED) -> None:
        self.send(OrderMessage.about(order, event), order)
