"""The body of POST /orders: every rule of every field, in its two forms.

Numbers stay what they were: no text becomes a quantity, and no float becomes money.
"""

from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from comanda.adapters.http.fields import Price, Text, _plain_text
from comanda.application.orders.ports import NewOrder
from comanda.domain.orders.order import Item
from comanda.domain.shared.errors import FieldError, InvalidRequest
from comanda.domain.shared.identity import ID_PATTERN, MAX_ID

MAX_ITEMS = 100
MAX_QTY = 1_000_000
MAX_METADATA_TEXT = 500
MAX_METADATA_NUMBER = 10**15


def _metadata_value(value: object) -> str | int | bool | None:
    match value:
        case None | bool():
            return value
        case int() if abs(value) <= MAX_METADATA_NUMBER:
            return value
        case str() if len(value) <= MAX_METADATA_TEXT:
            return _plain_text(value) if value else value
    raise ValueError(
        f"text of at most {MAX_METADATA_TEXT} characters, whole numbers up to {MAX_METADATA_NUMBER}, true, false, null"
    )


Id = Annotated[StrictStr, Field(min_length=1, max_length=MAX_ID, pattern=ID_PATTERN)]
Qty = Annotated[StrictInt, Field(ge=1, le=MAX_QTY)]
MetadataValue = Annotated[str | int | bool | None, BeforeValidator(_metadata_value)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ItemBody(_Body):
    """One item of an order: a sku or a name, how many, and perhaps its price."""

    sku: Id | None = None
    item_name: Text | None = None
    qty: Qty
    unit_price: Price | None = None

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if (self.sku is None) == (self.item_name is None):
            raise ValueError("an item has either a sku or an item_name")
        return self

    def item(self) -> Item:
        return Item(self.qty, self.sku, self.item_name, self.unit_price)


class _OrderBody(_Body):
    customer_id: Id | None = None
    recipient_id: Id | None = None
    order_id: Id | None = None
    currency: Annotated[StrictStr, Field(pattern="^[A-Z]{3}$")] | None = None
    metadata: Annotated[dict[Id, MetadataValue], Field(max_length=20)] = {}
    notify: Any = None
    """Read by itself (notify_request.py)."""

    def new_order(self, items: tuple[Item, ...], default_currency: str) -> NewOrder:
        return NewOrder(
            items=items,
            currency=self.currency or default_currency,
            customer_id=self.customer_id,
            recipient_id=self.recipient_id,
            client_order_id=self.order_id,
            metadata=self.metadata,
        )


class OrderBody(_OrderBody):
    """`{"customer_id": "123", "items": [{"sku": "ABC", "qty": 2}]}` (E1)."""

    customer_id: Id
    items: Annotated[list[ItemBody], Field(min_length=1, max_length=MAX_ITEMS)]


class ShortBody(_OrderBody):
    """`{"item_name": "Notebook", "quantity": 1, "price": 5000}` (C3): one item, its unit price given."""

    item_name: Text
    quantity: Qty
    price: Price


def order_request(body: dict[str, Any], default_currency: str) -> NewOrder:
    """A valid order. Raises InvalidRequest with one entry per broken rule, each naming its field."""
    try:
        if "items" not in body and body.keys() & {"item_name", "quantity", "price"}:
            short = ShortBody.model_validate(body)
            items = (Item(short.quantity, None, short.item_name, short.price),)
            return short.new_order(items, default_currency)
        order = OrderBody.model_validate(body)
        return order.new_order(tuple(item.item() for item in order.items), default_currency)
    except ValidationError as error:
        raise InvalidRequest(*(_field_error(detail) for detail in error.errors())) from None


def _field_error(detail: ErrorDetails) -> FieldError:
    path = [str(part) for part in detail["loc"] if part != "[key]"]
    message = _MESSAGES.get(detail["type"], detail["msg"].removeprefix("Value error, "))
    return FieldError(".".join(path)[:200] or "body", message)


_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of an order",
    "string_pattern_mismatch": "letters, digits and . _ : @ - only, and a letter or digit first",
}
