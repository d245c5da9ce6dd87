"""`notify` in the body of POST /orders and POST /reports: who is to be told, and of what (B4)."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from comanda.adapters.runtime.settings import Settings
from comanda.domain.notifications.webhook_address import LOCAL_POLICY, AddressPolicy, fault_in
from comanda.domain.shared.errors import FieldError, InvalidRequest
from comanda.domain.shared.locale import EN_US, PT_BR
from comanda.domain.shared.notify import EVENTS, LAST_EVENTS, Notify

_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
"""As forms of the web take it (HTML, "Valid e-mail address"), and with a dot in the domain."""
LOCALES = (PT_BR.tag, EN_US.tag)


class NotifySettings(Settings):
    """What a function that reads `notify` needs of its stage."""

    stage: str
    email_from: str | None = None
    """Unset: this stage sends no mail."""
    subscriptions_table: str


class NotifyBody(BaseModel):
    """`notify` of a body. What pydantic cannot see is checked by NotifyRules."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    webhook_url: StrictStr | None = None
    email: Annotated[StrictStr, Field(max_length=254)] | None = None
    events: Annotated[list[StrictStr], Field(min_length=1, max_length=len(EVENTS))] = list(LAST_EVENTS)
    locale: StrictStr | None = None


@dataclass(frozen=True)
class NotifyRules:
    """What a stage takes."""

    addresses: AddressPolicy
    sends_mail: bool

    @classmethod
    def of(cls, settings: NotifySettings) -> "NotifyRules":
        addresses = LOCAL_POLICY if settings.stage == "local" else AddressPolicy()
        return cls(addresses, settings.email_from is not None)

    def read(self, body: object, field: str = "notify") -> Notify | None:
        """None where there is none; `{}` is to tell nobody, whatever the caller's default says. Raises InvalidRequest
        with one entry per broken rule."""
        if body is None:
            return None
        try:
            given = NotifyBody.model_validate(body)
        except ValidationError as error:
            broken = error.errors(include_url=False, include_context=False, include_input=False)
            raise InvalidRequest(
                *(FieldError(".".join([field, *map(str, fault["loc"])])[:200], fault["msg"]) for fault in broken)
            ) from None
        faults = [FieldError(f"{field}.{name}", message) for name, message in self._faults_in(given)]
        if faults:
            raise InvalidRequest(*faults)
        return Notify(given.webhook_url, given.email, tuple(dict.fromkeys(given.events)), given.locale)

    def _faults_in(self, given: NotifyBody) -> list[tuple[str, str]]:
        faults = []
        if given.webhook_url is not None and (fault := fault_in(given.webhook_url, self.addresses)):
            faults.append(("webhook_url", f"cannot be called: {fault}"))
        if given.email is not None and not self.sends_mail:
            faults.append(("email", "e-mail is off at this stage: it has no verified identity to send from"))
        elif given.email is not None and not _EMAIL.fullmatch(given.email):
            faults.append(("email", "is not an e-mail address"))
        if unknown := [event for event in given.events if event not in EVENTS]:
            faults.append(("events", f"{unknown[0]!r} is none; one of {', '.join(EVENTS)}"[:300]))
        if given.locale is not None and given.locale not in LOCALES:
            faults.append(("locale", f"one of {', '.join(LOCALES)}"))
        return faults
