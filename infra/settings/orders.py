"""The workers of orders and their queues."""

from typing import Annotated

from pydantic import Field

from infra.settings.group import Group


class OrderSettings(Group):
    """One kind of worker for all three steps: process, enrich, complete."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "BRL"
    """Of all orders, and so of the reports about them."""
    timeout_seconds: Annotated[int, Field(ge=1, le=900)] = 60
    reserve_seconds: Annotated[int, Field(ge=0, le=900)] = 15
    """A worker begins no order with less time left than this, and hands back what it has not begun."""
    visibility_timeout_seconds: Annotated[int, Field(ge=1, le=43_200)] = 360
    """How long the messages of a dead worker stay hidden. AWS refuses less than the worker's timeout and recommends six
    times that, for the retries of a throttled mapping ("Using Lambda with Amazon SQS")."""
    concurrency: Annotated[int, Field(ge=2, le=1000)] | None = None
    """Most executions at once per queue; unset, only the account's quota limits them, ten in a new account ("Lambda
    quotas"). It reserves nothing, so that it deploys in any account; two is the least SQS mappings take."""
