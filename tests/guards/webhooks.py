"""What keeps a webhook from being called where it should not be, and what is sent from being mistaken."""

from tests.guards.mutation import Mutation

WEBHOOKS = [
    Mutation(
        "no user in a webhook's URL",
        "domain/notifications/webhook_address.py",
        '    if "@" in parsed["authority"]:\n        return "it holds a user or a password"\n',
    ),
    Mutation(
        "an address has one notation",
        "domain/notifications/webhook_address.py",
        'if host.strip("[]") != str(address):',
        "if False:",
    ),
    Mutation(
        "no IPv4 address inside an IPv6 one",
        "domain/notifications/webhook_address.py",
        " or address in _PUBLIC_6",
        " or True",
    ),
    Mutation(
        "a webhook's URL is looked at again before it is called",
        "adapters/notifications/webhook_call.py",
        "        if fault := fault_in(url, self.policy):\n            raise not_allowed(fault)\n",
    ),
    Mutation(
        "every address of a receiver is public",
        "adapters/notifications/webhook_call.py",
        "if not all(self.policy.allows(ip_address(address)) for address in addresses):",
        "if not self.policy.allows(ip_address(addresses[0])):",
    ),
    Mutation(
        "the address that was checked is the one that is called",
        "adapters/http_client/connections.py",
        "(address, connection.port), seconds",
        "(call.addresses(connection.host, connection.port)[0], connection.port), seconds",
    ),
    Mutation(
        "a time for the look-up of a host",
        "adapters/http_client/call.py",
        ".result(self.wait(math.inf))",
        ".result()",
    ),
    Mutation(
        "a receiver that said yes has it",
        "adapters/http_client/timed_http.py",
        "            if not head_only:\n                raise\n",
        "            raise\n",
    ),
    Mutation(
        "a caller's first secret signs at once",
        "adapters/notifications/webhook_secrets.py",
        " or self._read(caller, at, force_fetch=True)",
    ),
    Mutation(
        "each valid secret signs",
        "domain/notifications/webhook_signature.py",
        "for secret in valid_secrets]",
        "for secret in list(valid_secrets)[:1]]",
    ),
    Mutation(
        "a rotated secret ends",
        "domain/notifications/webhook_signature.py",
        'return "expires_at" not in record or at < from_iso(record["expires_at"])',
        "return True",
    ),
    Mutation(
        "a link is signed",
        "domain/reports/signed_link.py",
        " or not _is_signed(payload, signature, keys)",
    ),
    Mutation(
        "a link expires",
        "domain/reports/signed_link.py",
        '    if now.timestamp() >= claims["exp"]:\n        raise Expired("this link has expired")\n',
    ),
    Mutation(
        "what others wrote is escaped in a mail",
        "application/notifications/mails/layout.py",
        "f'<br><span style=\"font-size:16px\">{escape(value)}</span></p>\\n'",
        "f'<br><span style=\"font-size:16px\">{value}</span></p>\\n'",
    ),
    Mutation(
        "a value in a mail is one line",
        "application/notifications/mails/content.py",
        ' if character.isprintable() or character == _NO_BREAK else " "',
    ),
    Mutation(
        "a mail that is not taken is not tried again",
        "adapters/notifications/ses.py",
        '_REJECTED = {"MessageRejected", "BadRequestException"}',
        "_REJECTED = set[str]()",
    ),
]
