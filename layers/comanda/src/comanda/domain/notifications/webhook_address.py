"""Where a webhook may be sent: what its URL may look like, and which addresses may be connected to.

A URL is written by a caller and called by us, from inside: it must lead out to the public internet and nowhere else
(OWASP "Server-Side Request Forgery Prevention Cheat Sheet"). `fault_in` looks at the text at intake; `allows` looks at
the addresses a name has at the moment of the call, as a name that was checked earlier may lead elsewhere by then.

Only one way to write a URL is taken: no two parsers can read that one differently. Whatever a browser would first turn
into something else (WHATWG URL: full-width digits, backslashes, `0x7f.1`, a dot at the end) is refused.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network

MAX_URL = 2048
"""Characters."""

Address = IPv4Address | IPv6Address

_AUTHORITY = re.compile(r"(?P<scheme>[a-z]+)://(?P<authority>[^/?#]+)(?P<rest>[^#]*)", re.IGNORECASE)
_HOST_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]+)(?::(?P<port>[1-9][0-9]{0,4}))?")
_REST = re.compile(r"(?:[/?](?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?")
"""Path and query, as RFC 3986 (appendix A) has them."""
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A host that ends in one is an IPv4 address, in whatever notation (WHATWG URL, "ends in a number checker")."""
_DEFAULT_PORTS = {"https": 443, "http": 80}

_LOCAL_DOMAINS = {"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "arpa"}
"""Top-level names that only mean something near us (RFC 6761, RFC 6762 appendix G, RFC 8375 home.arpa, ICANN .internal:
also what clouds call their metadata services), and `arpa`, where nobody receives anything."""

_LOOPBACK = ip_network("127.0.0.0/8"), ip_network("::1")
_PUBLIC_6 = ip_network("2000::/3")
"""All that IANA has given out as global unicast. Outside of it: unique local, link-local, multicast, NAT64, and IPv4
addresses mapped into IPv6."""
_NOT_PUBLIC = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' own
        "169.254.0.0/16",  # link-local: metadata services of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocol assignments, and Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)
"""RFC 6890 and its registries at IANA, written down: `ipaddress` answers differently from one Python to the next."""


@dataclass(frozen=True)
class AddressPolicy:
    """What is let through. As it stands: HTTPS on two ports of public hosts."""

    https_only: bool = True
    ports: frozenset[int] | None = frozenset({443, 8443})
    """None: any."""
    allow_loopback: bool = False
    """This very machine: for the local stage, whose receivers run beside it."""

    def allows(self, address: Address) -> bool:
        """Whether a connection may go there."""
        if any(address in block for block in _LOOPBACK):
            return self.allow_loopback
        is_given_out = isinstance(address, IPv4Address) or address in _PUBLIC_6
        return is_given_out and not any(address in block for block in _NOT_PUBLIC)


LOCAL_POLICY = AddressPolicy(https_only=False, ports=None, allow_loopback=True)
"""Of the local stage."""


def fault_in(url: str, policy: AddressPolicy) -> str | None:
    """Why this may not be a webhook's URL, as a sentence about it. None: it may."""
    if len(url) > MAX_URL:
        return f"it is longer than {MAX_URL} characters"
    if not all("!" <= character <= "~" for character in url):
        return "it holds a blank, a control character or one outside of ASCII: percent-encode it, a host in punycode"
    if "\\" in url or "#" in url:
        return "it holds a backslash or a fragment"
    parsed = _AUTHORITY.fullmatch(url)
    if parsed is None:
        return "it is not of the form https://host/path"
    scheme = parsed["scheme"].lower()
    if scheme != "https" and (policy.https_only or scheme != "http"):
        return f"its scheme is {scheme}, not https"
    if "@" in parsed["authority"]:
        return "it holds a user or a password"
    split = _HOST_PORT.fullmatch(parsed["authority"])
    if split is None:
        return "its host or its port is not written as usual"
    port = int(split["port"] or _DEFAULT_PORTS[scheme])
    if port > 65_535 or (policy.ports is not None and port not in policy.ports):
        return f"its port {port} is not one that may be called"
    if not _REST.fullmatch(parsed["rest"]):
        return "its path or query holds a character that has to be percent-encoded"
    return _fault_in_host(split["host"].lower(), policy)


def _fault_in_host(host: str, policy: AddressPolicy) -> str | None:
    if host.startswith("[") or _NUMBER.fullmatch(host.rpartition(".")[2]):
        return _fault_in_literal(host, policy)
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return "its host is not a name as the DNS has them: letters, digits and hyphens between dots"
    if labels[-1] == "localhost" and policy.allow_loopback:
        return None
    if len(labels) == 1 or labels[-1] in _LOCAL_DOMAINS:
        return "its host is a name that means something on a local network only"
    return None


def _fault_in_literal(host: str, policy: AddressPolicy) -> str | None:
    try:
        address = IPv6Address(host[1:-1]) if host.startswith("[") else IPv4Address(host)
    except ValueError:
        return "its host is an IP address in a notation of its own"
    if "%" in host:
        return "its host is an IP address of one network interface"
    if host.strip("[]") != str(address):
        return f"its host is an IP address that is written {address}"
    return None if policy.allows(address) else "its host is not a public IP address"
