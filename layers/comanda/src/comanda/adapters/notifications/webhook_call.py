"""Webhooks over HTTP: one POST to a URL that a caller chose (OWASP "Server-Side Request Forgery Prevention").

The host's name is looked up once, each of its addresses has to be one that may be called, and the connection goes to
those very addresses: a name that leads elsewhere a moment later gains nothing by it.
"""

import ssl
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from ipaddress import ip_address

from urllib3.exceptions import HTTPError

from comanda.adapters.http_client.call import LookUp, addresses_of
from comanda.adapters.http_client.retry_after import seconds_of
from comanda.adapters.http_client.timed_http import Limits, TimedUrl
from comanda.adapters.notifications.webhook_answers import error_of_call, error_of_status, not_allowed
from comanda.application.shared.ports import Clock
from comanda.domain.notifications.webhook_address import AddressPolicy, fault_in

LIMITS = Limits(connect=5, read=10, total=15, bytes=64 * 1024)
"""Seconds: Standard Webhooks recommends 15 to 30 in all. Of the answer's body, so much is read, and thrown away."""


@dataclass(frozen=True)
class WebhookCalls:
    """Implements `Receivers`. May be used from several threads; no connection is kept, as the next webhook goes
    somewhere else."""

    policy: AddressPolicy
    clock: Clock
    limits: Limits = LIMITS
    look_up: LookUp = addresses_of
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def tell(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        if fault := fault_in(url, self.policy):
            raise not_allowed(fault)
        all_headers = {"Content-Type": "application/json", "User-Agent": "comanda", "Connection": "close", **headers}
        try:
            with closing(TimedUrl(url, self.limits, 1, self._allowed_addresses, self.tls)) as receiver:
                answered = receiver.tell(body, all_headers)
        except HTTPError as error:
            raise error_of_call(error) from error
        retry_after = seconds_of(answered.headers.get("Retry-After", ""), self.clock)
        if failed := error_of_status(answered.status, retry_after):
            raise failed

    def _allowed_addresses(self, host: str, port: int) -> Sequence[str]:
        """All or none: a name that leads inside as well is not called at all. Where to is not said: it would tell a
        caller what is there."""
        addresses = self.look_up(host, port)
        if not all(self.policy.allows(ip_address(address)) for address in addresses):
            raise not_allowed("its host has an address that is not public")
        return addresses
