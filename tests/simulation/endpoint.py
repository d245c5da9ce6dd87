"""botocore's endpoint without HTTP: requests are checked, answers parsed and calls tried again as in production, but no
headers are written that no model reads."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.endpoint import Endpoint
from botocore.parsers import JSONParser

Send = Callable[[str, bytes], AWSResponse]
"""Operation and JSON body; may raise any botocore error, as a network would."""

_AS_THEY_COME = {"string", "integer", "long", "boolean"}

_MODELS: dict[str, Any] = {}
"""botocore's description of each service, which works things out when they are first asked for."""


def shorten(client: Any, send: Send) -> None:
    """From now on the calls of a client end in `send`: of a service that speaks JSON, with one address for all."""
    client._endpoint = _ModelEndpoint(client._endpoint, send)
    client._ruleset_resolver = None
    client.meta._service_model = _MODELS.setdefault(client.meta.service_model.service_name, client.meta.service_model)


class _ModelEndpoint(Endpoint):
    def __init__(self, real: Any, send: Send) -> None:
        super().__init__(real.host, real._endpoint_prefix, real._event_emitter, http_session=real.http_session)
        self._send_to_model = send
        self._parser = _Parser()

    def create_request(self, params: Any, operation_model: Any = None) -> Any:  # noqa: ARG002
        return SimpleNamespace(body=params["body"], reset_stream=lambda: None)

    def _get_response(self, request: Any, operation_model: Any, context: Any) -> Any:  # noqa: ARG002
        try:
            answer = self._send_to_model(operation_model.name, request.body)
        except Exception as error:  # noqa: BLE001 - botocore decides whether it tries again
            return None, error
        response = {"headers": answer.headers, "status_code": answer.status_code, "body": answer.content}
        parsed = self._parser.parse(response, operation_model.output_shape)
        if answer.status_code >= 300:
            self._add_modeled_error_fields(  # type: ignore[attr-defined]
                response, parsed, operation_model, self._parser
            )
        return (answer, parsed), None


class _Parser(JSONParser):
    """Looks at what came, and not for every member that might have come: an attribute value has one of ten."""

    def _handle_structure(self, shape: Any, value: dict[str, Any]) -> dict[str, Any]:
        members, parsed = shape.members, {}
        for name, each in value.items():
            if name in members and each is not None:
                member = members[name]
                as_it_comes = member.type_name in _AS_THEY_COME
                parsed[name] = each if as_it_comes else self._parse_shape(member, each)  # type: ignore[attr-defined]
        return parsed

    def _handle_map(self, shape: Any, value: dict[str, Any]) -> dict[str, Any]:
        return {
            key: self._parse_shape(shape.value, each)  # type: ignore[attr-defined]
            for key, each in value.items()
        }
