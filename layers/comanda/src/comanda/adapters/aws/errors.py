"""What boto3's errors mean."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from comanda.domain.shared.errors import Unavailable

_CONDITIONS = {"ConditionalCheckFailedException", "TransactionCanceledException", "PreconditionFailed"}
_DEFECTS = {
    "ValidationException",
    "SerializationException",
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "InvalidMessageContents",
    "MissingParameter",
}
"""The request itself was wrong: no outage, and waiting mends nothing."""


def code_of(error: ClientError) -> str:
    """The error code of AWS, such as "ThrottlingException"; "Unknown" where the answer has none."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


@contextmanager
def answering(what: str, *, passing: Collection[str] = ()) -> Iterator[None]:
    """Turn every outage of an AWS service into Unavailable: throttles, 5xx, time-outs, lost connections, no permission.

    Failed conditions, malformed requests and the codes in `passing` are no outages and pass as they are.
    """
    try:
        yield
    except ParamValidationError:
        raise
    except ClientError as error:
        if code_of(error) in _CONDITIONS | _DEFECTS | set(passing):
            raise
        raise Unavailable(f"{what}: {code_of(error)}") from error
    except BotoCoreError as error:
        raise Unavailable(f"{what}: {type(error).__name__}") from error
