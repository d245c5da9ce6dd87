"""The API as OpenAPI 3.1 describes it: what it takes, from the models that read it, and every answer it gives.

Answers are closed: a field, a status or a header's form that does not stand here is a fault.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from comanda.adapters.http.notify_request import NotifyBody
from comanda.adapters.orders.request import OrderBody, ShortBody
from comanda.application.reports.offer_upload import MAX_UPLOAD_BYTES, UPLOAD_TYPES
from comanda.application.reports.types import REPORT_TYPES
from comanda.domain.orders.order import OrderStatus
from comanda.domain.reports.report import ReportFormat, ReportStatus
from comanda.domain.shared.access import Origin
from comanda.domain.shared.identity import ID_PATTERN, MAX_ID

Schema = dict[str, Any]
NOT_SHOWN = (OrderStatus.ACCEPTING.value, ReportStatus.ACCEPTING.value)


def api_document() -> dict[str, Any]:
    order, report = _path_parameter("order_id"), _path_parameter("report_id")
    recipient, link = _path_parameter("recipient_id"), _path_parameter("token")
    problems_of_writes = (400, 401, 403, 413, 415, 422, 429, 503)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Comanda", "version": "1"},
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        "security": [{"bearer": []}],
        "paths": {
            "/orders": {
                "post": _operation(
                    {202: _accepted(_ACCEPTED_ORDER)},
                    (*problems_of_writes, 409),
                    parameters=_KEYS,
                    body=_order_body(),
                )
            },
            "/orders/{order_id}": {
                "get": _operation(
                    {200: _answer(_ORDER, _VALIDATORS), 304: {"description": "as it was"}},
                    (401, 403, 404, 409, 503),
                    parameters=(order, _header("If-None-Match", r"""^(\*|"[a-z0-9]*")$""")),
                )
            },
            "/orders/{order_id}/cancel": {
                "post": _operation({200: _answer(_ORDER)}, (401, 403, 404, 409, 503), parameters=(order,))
            },
            "/recipients/{recipient_id}": {
                "get": _operation({200: _answer(_BALANCE)}, (401, 403, 404, 409, 503), parameters=(recipient,))
            },
            "/recipients/{recipient_id}/entries": {
                "get": _operation(
                    {200: _answer(_ENTRIES)},
                    (400, 401, 403, 404, 409, 422, 503),
                    parameters=(recipient, _query("limit", _whole(1, 1000)), _query("cursor", _TEXT)),
                )
            },
            "/reports": {
                "post": _operation(
                    {202: _accepted(_ACCEPTED_REPORT)},
                    (*problems_of_writes, 409),
                    parameters=_KEYS,
                    body=_report_body(),
                )
            },
            "/reports/uploads": {
                "post": _operation({201: _answer(_UPLOAD)}, problems_of_writes, body=_UPLOAD_BODY),
            },
            "/reports/{report_id}": {
                "get": _operation({200: _answer(_REPORT)}, (401, 403, 404, 409, 503), parameters=(report,))
            },
            "/reports/{report_id}/download": {
                "get": _operation({303: _SEE_OTHER}, (401, 403, 404, 409, 410, 503), parameters=(report,))
            },
            "/reports/{report_id}/cancel": {
                "post": _operation({200: _answer(_REPORT)}, (401, 403, 404, 409, 503), parameters=(report,))
            },
            "/links/{token}": {
                "get": _operation({303: _SEE_OTHER}, (404, 409, 410, 503), parameters=(link,), security=[])
            },
            "/health": {"get": _operation({200: _answer(_object(status={"const": "ok"}))}, (503,), security=[])},
            "/ready": {
                "get": _operation({200: _answer(_READY), 503: _answer(_NOT_READY, _RETRY_AFTER)}, (), security=[])
            },
        },
    }


def _operation(
    answers: Mapping[int, Schema],
    problems: Collection[int],
    parameters: Collection[Schema] = (),
    body: Schema | None = None,
    **more: Any,
) -> Schema:
    responses = {str(status): answer for status, answer in answers.items()}
    responses |= {str(status): _problem(status) for status in problems}
    if body is not None:
        more["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return {"responses": responses, "parameters": list(parameters), **more}


def _answer(schema: Schema, headers: Schema | None = None) -> Schema:
    return {
        "description": "as asked for",
        "headers": headers or {},
        "content": {"application/json": {"schema": schema}},
    }


def _accepted(schema: Schema) -> Schema:
    return _answer(schema, {"Location": _sent(_TEXT), "Idempotency-Replayed": _may_be_sent({"const": "true"})})


def _problem(status: int) -> Schema:
    """RFC 9457. Authorizer and API Gateway answer some of them by themselves."""
    errors = {"type": "array", "minItems": 1, "items": _object(field=_TEXT, message=_TEXT)}
    schema = _object(
        type={"type": "string", "pattern": "^urn:comanda:problem:[a-z-]+$"},
        title=_TEXT,
        status={"const": status},
        detail=_TEXT,
        request_id=_TEXT,
        may_have={"errors": errors},
    )
    headers = {
        401: {"WWW-Authenticate": _sent({"const": "Bearer"})},
        429: _RETRY_AFTER,
        503: _RETRY_AFTER,
    }
    return {
        "description": "a problem",
        "headers": headers.get(status, {}),
        "content": {"application/problem+json": {"schema": schema}},
    }


def _object(may_have: Mapping[str, Schema] = MappingProxyType({}), **fields: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**fields, **may_have},
        "required": list(fields),
        "additionalProperties": False,
    }


def _sent(schema: Schema) -> Schema:
    return {"required": True, "schema": schema}


def _may_be_sent(schema: Schema) -> Schema:
    return {"schema": schema}


def _path_parameter(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "schema": schema}


def _header(name: str, pattern: str) -> Schema:
    return {"name": name, "in": "header", "schema": {"type": "string", "pattern": pattern}}


def _whole(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def _model(model: type[BaseModel], **fields: Schema) -> Schema:
    """A model's own schema, in which these fields are more narrowly told than pydantic can: it does not see the rules
    that our functions check."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    schema["properties"] |= fields
    return dict(_with(schema, definitions))


def _with(schema: Any, definitions: Mapping[str, Schema]) -> Any:
    """With every `$ref` written out, as the parts end up at different depths of one document."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _with(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return {name: _with(part, definitions) for name, part in schema.items()}
    if isinstance(schema, list):
        return [_with(part, definitions) for part in schema]
    return schema


def _order_body() -> Schema:
    item = {"qty": _whole(1, 1_000_000)}
    items = {
        "type": "array",
        "minItems": 1,
        "maxItems": 100,
        "items": {
            "oneOf": [
                _object(sku=_ID, **item, may_have={"unit_price": _PRICE}),
                _object(item_name=_NAME, **item, may_have={"unit_price": _PRICE}),
            ]
        },
    }
    metadata = {
        "type": "object",
        "maxProperties": 20,
        "propertyNames": _ID,
        "additionalProperties": {"type": ["string", "integer", "boolean", "null"], "maxLength": 100},
    }
    shared = {
        "recipient_id": {"anyOf": [_ID, {"type": "null"}]},
        "notify": _NOTIFY,
        "metadata": metadata,
        "currency": {"anyOf": [{"const": "BRL"}, {"type": "string", "pattern": "^[A-Z]{3}$"}, {"type": "null"}]},
    }
    return {
        "anyOf": [
            _model(OrderBody, items=items, **shared),
            _model(ShortBody, item_name=_NAME, price=_PRICE, **shared),
        ]
    }


def _report_body() -> Schema:
    forms = [
        _object(
            type={"const": name},
            format={"enum": [form.value for form in ReportFormat]},
            parameters=_model(report_type.parameters, **_parameters_of(name)),
            may_have={"notify": _NOTIFY},
        )
        for name, report_type in REPORT_TYPES.items()
    ]
    return {"anyOf": forms}


def _parameters_of(name: str) -> Mapping[str, Schema]:
    shared = {
        "locale": {"enum": ["pt-BR", "en-US"]},
        "time_zone": {"enum": ["UTC", "America/Sao_Paulo", "Pacific/Apia"]},
    }
    if name == "table":
        row = {"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}}
        return shared | {"rows": {"anyOf": [{"type": "array", "items": row}, {"type": "null"}]}}
    period = {"from": _DAY, "to": _DAY}
    return shared | period | {"recipient_id": _ID}


_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$"}
_MONEY: Schema = {"type": "string", "pattern": r"^-?\d+\.\d{2}$"}
_UUID: Schema = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
_ID: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_ID, "pattern": ID_PATTERN}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "[A-Za-z]"}
_PRICE: Schema = {"anyOf": [{"type": "string", "pattern": r"^[0-9]{1,7}(\.[0-9]{1,2})?$"}, _whole(0, 10**6)]}
_DAY: Schema = {"type": "string", "pattern": "^2026-0[1-6]-(0[1-9]|1[0-9]|2[0-8])$"}
_KEYS = (
    _header("Idempotency-Key", r"^[\x21\x23-\x7e]{1,255}$"),
    _header("X-Correlation-Id", r"^[A-Za-z0-9._:/+=-]{1,128}$"),
)
_NOTIFY: Schema = {"anyOf": [_model(NotifyBody), {"type": "null"}]}
_VALIDATORS: Schema = {"ETag": _sent(_TEXT), "Cache-Control": _sent(_TEXT)}
_RETRY_AFTER: Schema = {"Retry-After": _sent({"type": "string", "pattern": "^[0-9]+$"})}
_SEE_OTHER: Schema = {"description": "the file is there", "headers": {"Location": _sent(_TEXT)}}

_FAILURE = _object({}, **{"class": _TEXT}, message=_TEXT, stage=_TEXT, attempts=_whole(0, 10**6), at=_TIME)
_ORDER_STATUS: Schema = {"enum": [status.value for status in OrderStatus if status.value not in NOT_SHOWN]}
_REPORT_STATUS: Schema = {"enum": [status.value for status in ReportStatus if status.value not in NOT_SHOWN]}
_ACCEPTED_ORDER = _object(
    order_id=_UUID, recipient_id=_ID, status={"const": "pending"}, created_at=_TIME, may_have={"client_order_id": _ID}
)
_ORDER = _object(
    order_id=_UUID,
    recipient_id=_ID,
    origin={"enum": [origin.value for origin in Origin]},
    status=_ORDER_STATUS,
    items={
        "type": "array",
        "minItems": 1,
        "items": _object(qty=_whole(1, 1_000_000), may_have={"sku": _ID, "item_name": _TEXT, "unit_price": _MONEY}),
    },
    currency={"type": "string", "pattern": "^[A-Z]{3}$"},
    timeline={
        "type": "array",
        "minItems": 1,
        "items": _object(status=_ORDER_STATUS, at=_TIME, may_have={"note": _TEXT}),
    },
    total_amount={"anyOf": [_MONEY, {"type": "null"}]},
    created_at=_TIME,
    updated_at=_TIME,
    may_have={
        "client_order_id": _ID,
        "customer_id": _ID,
        "metadata": {"type": "object"},
        "enrichment": _object(
            provider=_TEXT, may_have={"reference": _TEXT, "customer": {"type": "object"}, "enriched_at": _TIME}
        ),
        "failure": _FAILURE,
    },
)
_BALANCE = _object(recipient_id=_ID, balance=_MONEY, currency=_TEXT, orders_completed=_whole(1, 10**9))
_ENTRIES = _object(
    entries={
        "type": "array",
        "items": _object(sequence=_whole(1, 10**9), order_id=_UUID, amount=_MONEY, completed_at=_TIME),
    },
    may_have={"next_cursor": _TEXT},
)
_REPORT_KIND: Schema = {
    "report_id": _UUID,
    "type": {"enum": list(REPORT_TYPES)},
    "format": {"enum": [form.value for form in ReportFormat]},
    "created_at": _TIME,
}
_ACCEPTED_REPORT = _object(**_REPORT_KIND, status={"const": "requested"})
_REPORT = _object(
    **_REPORT_KIND,
    status=_REPORT_STATUS,
    parameters={"type": "object"},
    as_of=_TIME,
    updated_at=_TIME,
    expires_at=_TIME,
    may_have={
        **{name: _whole(0, 10**9) for name in ("rows_written", "rows", "bytes", "generation_ms")},
        "rows_left_out": _whole(1, 10**9),
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "download_url": {"type": "string", "pattern": "^https?://"},
        "failure": _FAILURE,
    },
)
_UPLOAD_HEADERS: dict[str, Schema] = {
    "Content-Type": {"enum": list(UPLOAD_TYPES)},
    "Content-Length": {"type": "string", "pattern": "^[0-9]+$"},
}
_UPLOAD = _object(
    upload_id=_TEXT,
    upload_url={"type": "string", "pattern": "^https?://"},
    expires_in=_whole(1, 10**6),
    headers=_object({}, **_UPLOAD_HEADERS),
)
_UPLOAD_BODY = _object(bytes=_whole(1, MAX_UPLOAD_BYTES), may_have={"content_type": {"enum": list(UPLOAD_TYPES)}})
_CHECKS: Schema = {"type": "object", "additionalProperties": {"enum": ["ok", "failing"]}}
_READY = _object(status={"const": "ready"}, enrichment=_TEXT, checks=_CHECKS)
_NOT_READY = _object(status={"const": "not ready"}, checks=_CHECKS)
