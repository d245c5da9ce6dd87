"""What is known of a call by the connection that makes it: the time that is left, and where it goes."""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from socket import SOCK_STREAM, getaddrinfo

from urllib3.util.connection import allowed_gai_family

LookUp = Callable[[str, int], Sequence[str]]
"""The IP addresses of a host, for a port, in the order they are to be tried. Raises gaierror where there are none."""


def addresses_of(host: str, port: int) -> Sequence[str]:
    """As the system's resolver has them (a LookUp)."""
    found = getaddrinfo(host, port, allowed_gai_family(), SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Call:
    """What is known of a call by the connection that makes it."""

    def __init__(self, deadline: float, look_up: LookUp) -> None:
        self._deadline = deadline
        self._look_up = look_up
        self.connected = False
        """By itself, and not by an earlier one."""

    def wait(self, seconds: float) -> float:
        """So long, or what is left. Raises TimeoutError where nothing is."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time is left for this call")
        return min(seconds, left)

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The system's resolver has no time-out that could be set, so it is asked by a thread, and left to it."""
        thread = ThreadPoolExecutor(1, "look-up")
        try:
            return thread.submit(self._look_up, host, port).result(self.wait(math.inf))
        finally:
            thread.shutdown(wait=False)


CALL: ContextVar[Call] = ContextVar("call")
