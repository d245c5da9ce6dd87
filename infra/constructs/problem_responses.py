"""What API Gateway answers by itself, as problem details (RFC 9457), like the functions' own errors.

Gateway responses substitute $context variables and know no templates ("Gateway responses for REST APIs").
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import aws_apigateway as apigateway

PROBLEM_JSON = "application/problem+json"


@dataclass(frozen=True)
class Problem:
    """An error as clients see it; `slug` is the stable end of its type."""

    slug: str
    title: str
    status: int
    detail: str
    headers: tuple[tuple[str, str], ...] = ()

    def body(self, **members: str) -> str:
        return json.dumps(
            {
                "type": f"urn:comanda:problem:{self.slug}",
                "title": self.title,
                "status": self.status,
                "detail": self.detail,
                **members,
            }
        )


NOT_FOUND = Problem("not-found", "Not found", 404, "There is nothing at this address.")
METHOD_NOT_ALLOWED = Problem(
    "method-not-allowed", "Method not allowed", 405, "The Allow header lists what is possible here."
)
_BAD_REQUEST = Problem("bad-request", "Bad request", 400, "The request cannot be understood.")
_UNAUTHORIZED = Problem(
    "unauthorized", "Unauthorized", 401, "Send a valid bearer token.", (("WWW-Authenticate", "Bearer"),)
)
_FORBIDDEN = Problem("forbidden", "Forbidden", 403, "This token does not allow the request.")
_TOO_LARGE = Problem("payload-too-large", "Payload too large", 413, "The request is larger than the API takes.")
_UNSUPPORTED = Problem(
    "unsupported-media-type", "Unsupported media type", 415, "The API does not take this content type."
)
_TOO_MANY = Problem("too-many-requests", "Too many requests", 429, "Slow down and try again.", (("Retry-After", "1"),))
_QUOTA = Problem(
    "quota-exceeded", "Quota exceeded", 429, "The quota of the day is used up.", (("Retry-After", "3600"),)
)
_UNAVAILABLE = Problem(
    "unavailable",
    "Service unavailable",
    503,
    "The outcome is open. Send the same request again, with the same idempotency key.",
    (("Retry-After", "2"),),
)

_T = apigateway.ResponseType
_ANSWERS: tuple[tuple[Problem, tuple[apigateway.ResponseType, ...]], ...] = (
    (_BAD_REQUEST, (_T.DEFAULT_4_XX, _T.BAD_REQUEST_BODY, _T.BAD_REQUEST_PARAMETERS)),
    (_UNAUTHORIZED, (_T.UNAUTHORIZED, _T.EXPIRED_TOKEN, _T.INVALID_SIGNATURE)),
    (_FORBIDDEN, (_T.ACCESS_DENIED, _T.INVALID_API_KEY, _T.WAF_FILTERED)),
    # The second is what API Gateway says of a path or method it does not know.
    (NOT_FOUND, (_T.RESOURCE_NOT_FOUND, _T.MISSING_AUTHENTICATION_TOKEN)),
    (_TOO_LARGE, (_T.REQUEST_TOO_LARGE,)),
    (_UNSUPPORTED, (_T.UNSUPPORTED_MEDIA_TYPE,)),
    (_TOO_MANY, (_T.THROTTLED,)),
    (_QUOTA, (_T.QUOTA_EXCEEDED,)),
    (
        _UNAVAILABLE,
        (
            _T.DEFAULT_5_XX,
            _T.API_CONFIGURATION_ERROR,
            _T.AUTHORIZER_CONFIGURATION_ERROR,
            _T.AUTHORIZER_FAILURE,
            _T.INTEGRATION_FAILURE,
            _T.INTEGRATION_TIMEOUT,
        ),
    ),
)

_MOCK_CONTENT_TYPES = (
    "application/json",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
    "multipart/form-data",
    "text/plain",
)


def add_problem_responses(api: apigateway.RestApi, headers: Mapping[str, str]) -> None:
    """Give every error of API Gateway a problem body with the request's id, and these headers."""
    for problem, response_types in _ANSWERS:
        for response_type in response_types:
            api.add_gateway_response(
                f"Answer{response_type.response_type}",
                type=response_type,
                status_code=str(problem.status),
                response_headers={
                    name: f"'{value}'"
                    for name, value in (("Content-Type", PROBLEM_JSON), *problem.headers, *headers.items())
                },
                templates={"application/json": problem.body(request_id="$context.requestId")},
            )


def answer_rest_with(resource: apigateway.IResource, problem: Problem, **headers: str) -> apigateway.Method:
    """Answer every method the resource does not have with a problem, without a function or a token.

    A mock integration reads its status from the request template, and refuses content types without one (415).
    The body has no request id, because the emulator does not substitute it here; the header x-amzn-requestid has it.
    """
    static = {"Content-Type": PROBLEM_JSON, **headers}
    status = str(problem.status)
    return resource.add_method(
        "ANY",
        apigateway.MockIntegration(
            passthrough_behavior=apigateway.PassthroughBehavior.NEVER,
            request_templates={kind: json.dumps({"statusCode": problem.status}) for kind in _MOCK_CONTENT_TYPES},
            integration_responses=[
                apigateway.IntegrationResponse(
                    status_code=status,
                    response_templates={"application/json": problem.body()},
                    response_parameters={
                        f"method.response.header.{name}": f"'{value}'" for name, value in static.items()
                    },
                )
            ],
        ),
        method_responses=[
            apigateway.MethodResponse(
                status_code=status, response_parameters={f"method.response.header.{name}": True for name in static}
            )
        ],
        authorization_type=apigateway.AuthorizationType.NONE,
        api_key_required=False,
    )
