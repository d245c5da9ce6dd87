"""What an origin of web pages looks like."""

import re
from collections.abc import Sequence

_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_OWN_MACHINE = ("localhost", "127.0.0.1")
_DEFAULT_PORTS = {"https": "443", "http": "80"}


def check_origins(origins: Sequence[str]) -> None:
    """Raises ValueError for a list that browsers' `Origin` can never match: `*` stands alone, and each of the others is
    an origin."""
    if "*" in origins:
        if len(origins) > 1:
            raise ValueError("* stands for every origin, and so stands alone")
        return
    for origin in origins:
        if fault := _fault_of_origin(origin):
            raise ValueError(f"{origin!r} {fault}")


def _fault_of_origin(origin: str) -> str | None:
    """What keeps a text from being what a browser sends as `Origin` (RFC 6454, section 6.2)."""
    scheme, separator, rest = origin.partition("://")
    if not separator or scheme not in _DEFAULT_PORTS:
        return "is no origin: write scheme://host or scheme://host:port, such as https://shop.example"
    if any(sign in rest for sign in "/?#"):
        return "has a path or a slash at its end: an origin ends with its host or port"
    host, colon, port = rest.partition(":")
    if not _HOST.fullmatch(host):
        return "has no host as browsers send it: a name in lower-case ASCII, without user, password or wildcard"
    if scheme == "http" and host not in _OWN_MACHINE:
        return f"has to be https: http is for {' and '.join(_OWN_MACHINE)} alone"
    if colon and (not _PORT.fullmatch(port) or int(port) > 65_535):
        return "has no port from 1 to 65535"
    if port == _DEFAULT_PORTS[scheme]:
        return f"names the port that browsers leave out: write {scheme}://{host}"
    return None
