"""What a request says beside its body, as API Gateway hands it over: headers, query and path.

`headers` and `queryStringParameters` of an event hold the last of several values only, and `path` is still
percent-encoded ("Set up Lambda proxy integrations in API Gateway").
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from comanda.domain.shared.errors import FieldError, InvalidRequest, MalformedRequest, NotFound
from comanda.domain.shared.identity import is_id


def header_values(event: Mapping[str, Any], name: str) -> list[str]:
    """One value per line of this header, in order. `name` in small letters; the client writes it as it likes."""
    lines = event.get("multiValueHeaders") or _one_each(event.get("headers"))
    return [value for given, values in lines.items() if given.lower() == name for value in values]


def header(event: Mapping[str, Any], *names: str) -> str | None:
    """The value of a header that has one. Raises MalformedRequest where lines of these names differ."""
    given = {value for name in names for value in header_values(event, name)}
    if len(given) > 1:
        written = " and ".join(name.title() for name in names)
        raise MalformedRequest(f"there are lines of {written} that differ; send one")
    return next(iter(given), None)


def query_value(event: Mapping[str, Any], name: str) -> str | None:
    """The value of a parameter of the query. Raises InvalidRequest where it is given twice and differs."""
    parameters = event.get("multiValueQueryStringParameters") or _one_each(event.get("queryStringParameters"))
    given = set(parameters.get(name, ()))
    if len(given) > 1:
        raise InvalidRequest(FieldError(name, "is given twice, with different values; send it once"))
    return next(iter(given), None)


def path_values(given: Mapping[str, str]) -> dict[str, str]:
    """What stands in the path for each `<name>` of a route. Raises NotFound for an id that can be nobody's.

    Decoded once, and here alone. Some emulators have done so before: that changes no id, as none has a "%".
    """
    values = {name: _decoded(text) for name, text in given.items()}
    if not all(is_id(value) for name, value in values.items() if name.endswith("_id")):
        raise NotFound("nothing can have this id")
    return values


def _decoded(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeError:
        raise NotFound("there is nothing at this path") from None


def _one_each(values: Mapping[str, str] | None) -> dict[str, list[str]]:
    return {name: [value] for name, value in (values or {}).items()}
