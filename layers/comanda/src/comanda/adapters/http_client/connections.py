"""Connections that are made within the time of their call."""

from contextlib import suppress
from socket import gaierror, socket

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from comanda.adapters.http_client.call import CALL, Call
from comanda.adapters.http_client.exact_response import TimedResponse


class TimedHttp(HTTPConnection):
    """A connection that is made within the time of its call."""

    response_class = TimedResponse

    def _new_conn(self) -> socket:
        return _connected(self)


class TimedHttps(HTTPSConnection):
    """The same over TLS, with the certificate checked for the name in the URL."""

    response_class = TimedResponse

    def _new_conn(self) -> socket:
        return _connected(self)


def _connected(connection: HTTPConnection) -> socket:
    """A socket to the first address that accepts one. Raises what urllib3's own `_new_conn` does, and whatever the
    look-up raises."""
    call = CALL.get()
    call.connected = True
    try:
        addresses = call.addresses(connection.host, connection.port)
    except gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "the host's addresses were not found in time") from error
    *others, last = addresses
    for address in others:
        with suppress(ConnectTimeoutError, NewConnectionError):
            return _connected_to(address, connection, call)
    return _connected_to(last, connection, call)


def _connected_to(address: str, connection: HTTPConnection, call: Call) -> socket:
    try:
        seconds = call.wait(connection.timeout or 0.0)
        connected = create_connection((address, connection.port), seconds, socket_options=connection.socket_options)
        connected.settimeout(call.wait(connection.timeout or 0.0))  # For the TLS handshake.
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "no connection in time") from error
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error
    return connected
