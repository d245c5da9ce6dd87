"""What an answer of a webhook's receiver means, or that there is none: the one place where outcomes are sorted.

The status alone counts. Of the body nothing is kept or shown: it comes from wherever a caller's URL leads.
"""

from urllib3.exceptions import HTTPError

from comanda.adapters.http_client.timed_http import Silence, silence_of
from comanda.domain.shared.errors import PermanentError, ReceiverGone, ReceiverOutage, TransientError, WorkError


def error_of_status(status: int, retry_after: float) -> WorkError | None:
    """The table. None: the receiver has it.

    ReceiverOutage: it turns away whoever comes, or us whatever we tell. Another TransientError: it may be about this
    very event. `retry_after`: seconds.
    """
    said = f"the receiver answered {status}"
    match status:
        case _ if 200 <= status < 300:
            return None
        case 410:
            return ReceiverGone("ReceiverGone", f"{said}: it wants no more webhooks")
        case 408 | 429:
            return ReceiverOutage("ReceiverUnavailable", said, retry_after=retry_after)
        case _ if status >= 500:
            return ReceiverOutage("ReceiverUnavailable", said, retry_after=retry_after)
        case _ if status >= 400:
            return TransientError("ReceiverRefused", said)
        case _ if status >= 300:
            return ReceiverOutage("ReceiverMoved", f"{said}: a redirect, and none is followed")
        case _:
            return TransientError("ReceiverRefused", f"{said}, where 200 is expected")


def error_of_call(error: HTTPError) -> ReceiverOutage:
    """There is no answer."""
    silence, what = silence_of(error, "the receiver")
    return ReceiverOutage("ReceiverTimeout" if silence is Silence.TIMEOUT else "ReceiverUnreachable", what)


def not_allowed(why: str) -> PermanentError:
    """The URL leads where we do not go."""
    return PermanentError("AddressNotAllowed", f"the webhook's URL is not called: {why}")
