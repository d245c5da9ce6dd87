"""What an answer of the enrichment provider means, or that there is none: the one place where outcomes are sorted.

docs/enrichment.md has the same table for whoever implements a provider; docs/decisions/0008 has the reasons.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from urllib3.exceptions import HTTPError

from comanda.adapters.http.fields import Price, Text
from comanda.adapters.http_client.retry_after import seconds_of
from comanda.adapters.http_client.timed_http import Answered, Silence, silence_of
from comanda.application.enrichment.ports import EnrichmentRequest
from comanda.application.shared.ports import Clock
from comanda.domain.orders.order import Enrichment
from comanda.domain.shared.errors import PermanentError, ProviderOutage, TransientError, WorkError

MAX_DETAIL = 300
"""Characters of the provider's own words that become part of a failure."""
ORDER_ID_REQUIRED_FROM = datetime(2027, 7, 1, tzinfo=UTC)
"""From then on, a good answer names its order. One that names another is refused today."""
_JSON = re.compile(r"application/([\w.-]+\+)?json\s*(;.*)?", re.IGNORECASE)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)

    reference: Text
    order_id: Text | None = None
    """The order that it is about, as it was asked."""
    provider: Text = "provider"
    prices: Annotated[dict[Text, Price], Field(max_length=1000)] = {}
    customer: Annotated[dict[Text, Text], Field(max_length=20)] = {}


class _Problem(BaseModel):
    """RFC 9457, as much of it as is shown."""

    title: str = ""
    detail: str = ""
    order_id: str | None = None
    """An extension member, as in a good answer."""


class AnswerMismatch(TransientError):
    """It is about another order: what came over this connection is out of step with what was asked. About which, is
    nothing that this order's caller may read."""

    def __init__(self) -> None:
        super().__init__("ProviderAnswerMismatch", "the provider's answer is about another order")


def error_of_status(status: int, detail: str, retry_after: float) -> WorkError | None:
    """The table. None: the body is to be read.

    A PermanentError is about this very order. A ProviderOutage: the provider turns away whoever comes, or us whatever
    we ask.
    """
    said = f"the provider answered {status}" + (f": {detail}" if detail else "")
    match status:
        case 200 | 201:
            return None
        case 401 | 403 | 407:
            return ProviderOutage("ProviderRefusesUs", f"{said}; its secret may be old")
        case 409 | 425:
            return TransientError("ProviderBusy", said, retry_after=retry_after)
        case 408 | 429:
            return ProviderOutage("ProviderUnavailable", said, retry_after=retry_after)
        case _ if status >= 500:
            return ProviderOutage("ProviderUnavailable", said, retry_after=retry_after)
        case _ if status >= 400:
            return PermanentError("OrderRejected", said)
        case _ if status >= 300:
            return ProviderOutage("ProviderMoved", f"{said}: a redirect, and none is followed")
        case _:
            return _invalid(f"status {status}, where 200 is expected")


def error_of_call(error: HTTPError) -> TransientError:
    """There is no whole answer."""
    silence, what = silence_of(error, "the provider")
    return ProviderOutage("ProviderTimeout" if silence is Silence.TIMEOUT else "ProviderUnreachable", what)


def enrichment_of(answered: Answered, request: EnrichmentRequest, clock: Clock) -> Enrichment:
    """Raises PermanentError or TransientError where the answer is not one for this order, and AnswerMismatch where it
    says that it is about another: whatever else it says is not believed."""
    problem = _problem_in(answered)
    _check_order(problem.order_id, request)
    retry_after = seconds_of(answered.headers.get("Retry-After", ""), clock)
    if error := error_of_status(answered.status, _shown(problem.detail or problem.title), retry_after):
        raise error
    answer = _read(answered)
    _check_order(answer.order_id, request)
    if answer.order_id is None and clock() >= ORDER_ID_REQUIRED_FROM:
        raise _invalid(f"no order_id; it is required since {ORDER_ID_REQUIRED_FROM:%Y-%m-%d}")
    missing = [item.label for item in request.items if item.unit_price is None and item.label not in answer.prices]
    if missing:
        raise _invalid(f"no price for {missing[0]!r}")
    asked_for = {item.label for item in request.items if item.unit_price is None}
    prices = {label: price for label, price in answer.prices.items() if label in asked_for}
    return Enrichment(answer.provider, answer.reference, prices, answer.customer)


def _check_order(order_id: str | None, request: EnrichmentRequest) -> None:
    if order_id is not None and order_id != request.order_id:
        raise AnswerMismatch


def _read(answered: Answered) -> _Answer:
    if answered.body is None:
        raise _invalid("the body is too large")
    if answered.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise _invalid("the body is encoded, where identity was asked for")
    if not _JSON.fullmatch(answered.headers.get("Content-Type", "").strip()):
        raise _invalid("the body is not application/json")
    try:
        return _Answer.model_validate_json(answered.body)
    except ValidationError as error:
        fault: Mapping[str, Any] = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise _invalid(_shown(f"{where}: {fault['msg']}" if where else fault["msg"])) from None


def _invalid(why: str) -> TransientError:
    """The provider's slip and not the order's, so that it may be mended by the next attempt; and no outage, since one
    order's answer alone may be at fault."""
    return TransientError("ProviderAnswerInvalid", f"the provider's answer makes no sense: {why}")


def _problem_in(answered: Answered) -> _Problem:
    """Why an order is rejected, in the provider's own words. A refusal of our secret may repeat it, and is not read."""
    if answered.body is None or answered.status in {401, 403, 407} or not 400 <= answered.status < 500:
        return _Problem()
    try:
        return _Problem.model_validate_json(answered.body)
    except ValidationError:
        return _Problem()


def _shown(text: str) -> str:
    printable = "".join(character for character in text if character.isprintable())
    return printable[:MAX_DETAIL]
