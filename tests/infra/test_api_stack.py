"""The REST API: who may call what, and what API Gateway answers by itself."""

import json
from typing import Any

import pytest

from tests.golden import ROUTES
from tests.infra.conftest import Resource, Synthesized
from tests.infra.test_orders_stack import named

CALLERS_ONLY = {
    ("POST", "/orders"): "WriteOrdersFunction",
    ("POST", "/orders/{order_id}/cancel"): "WriteOrdersFunction",
    ("GET", "/orders/{order_id}"): "ReadOrdersFunction",
    ("GET", "/recipients/{recipient_id}"): "ReadOrdersFunction",
    ("GET", "/recipients/{recipient_id}/entries"): "ReadOrdersFunction",
    ("POST", "/reports"): "WriteReportsFunction",
    ("POST", "/reports/uploads"): "WriteReportsFunction",
    ("GET", "/reports/{report_id}"): "ReadReportsFunction",
    ("GET", "/reports/{report_id}/download"): "ReadReportsFunction",
    ("POST", "/reports/{report_id}/cancel"): "WriteReportsFunction",
}
EVERYBODY = {
    ("GET", "/health"): "ReadOrdersFunction",
    ("GET", "/ready"): "ReadOrdersFunction",
    ("GET", "/links/{token}"): "ReadReportsFunction",
}
for routes in (CALLERS_ONLY, EVERYBODY):
    routes |= {("HEAD", path): function for (verb, path), function in routes.items() if verb == "GET"}
FUNCTIONS = CALLERS_ONLY | EVERYBODY
NOTHING_THERE = {"/", "/{proxy+}"}

ANSWERS = {
    "BAD_REQUEST_BODY": (400, "bad-request"),
    "BAD_REQUEST_PARAMETERS": (400, "bad-request"),
    "DEFAULT_4XX": (400, "bad-request"),
    "UNAUTHORIZED": (401, "unauthorized"),
    "EXPIRED_TOKEN": (401, "unauthorized"),
    "INVALID_SIGNATURE": (401, "unauthorized"),
    "ACCESS_DENIED": (403, "forbidden"),
    "INVALID_API_KEY": (403, "forbidden"),
    "WAF_FILTERED": (403, "forbidden"),
    "RESOURCE_NOT_FOUND": (404, "not-found"),
    "MISSING_AUTHENTICATION_TOKEN": (404, "not-found"),
    "REQUEST_TOO_LARGE": (413, "payload-too-large"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "unsupported-media-type"),
    "THROTTLED": (429, "too-many-requests"),
    "QUOTA_EXCEEDED": (429, "quota-exceeded"),
    "API_CONFIGURATION_ERROR": (503, "unavailable"),
    "AUTHORIZER_CONFIGURATION_ERROR": (503, "unavailable"),
    "AUTHORIZER_FAILURE": (503, "unavailable"),
    "DEFAULT_5XX": (503, "unavailable"),
    "INTEGRATION_FAILURE": (503, "unavailable"),
    "INTEGRATION_TIMEOUT": (503, "unavailable"),
}


def methods(stage: Synthesized) -> dict[tuple[str, str], Resource]:
    """The properties of every method, by verb and path."""
    resources = stage.api.find_resources("AWS::ApiGateway::Resource")

    def path_of(resource_id: Any) -> str:
        if "Ref" not in resource_id:
            return ""
        properties = resources[resource_id["Ref"]]["Properties"]
        return f"{path_of(properties['ParentId'])}/{properties['PathPart']}"

    return {
        (method["Properties"]["HttpMethod"], path_of(method["Properties"]["ResourceId"]) or "/"): method["Properties"]
        for method in stage.api.find_resources("AWS::ApiGateway::Method").values()
    }


def flat(value: Any) -> str:
    """A joined value as text, with the names of what it refers to."""
    return "".join(named(part) for part in value["Fn::Join"][1])


def the(stage: Synthesized, resource_type: str) -> Resource:
    (resource,) = stage.api.find_resources(resource_type).values()
    properties: Resource = resource["Properties"]
    return properties


def test_the_events_of_the_tests_are_of_these_routes() -> None:
    assert set(ROUTES) == {path for _, path in FUNCTIONS}


def test_whatever_answers_get_answers_head() -> None:
    """RFC 9110, section 9.1: both are asked of every server."""
    gets = {path for verb, path in FUNCTIONS if verb == "GET"}
    assert gets == {path for verb, path in FUNCTIONS if verb == "HEAD"}
    assert len(gets) == 8


def test_there_is_nothing_but_the_routes(every_stage: Synthesized) -> None:
    paths = {path for _, path in FUNCTIONS} | NOTHING_THERE
    assert set(methods(every_stage)) == set(FUNCTIONS) | {("ANY", path) for path in paths}


@pytest.mark.parametrize("route", FUNCTIONS, ids=" ".join)
def test_a_route_leads_to_its_function(every_stage: Synthesized, route: tuple[str, str]) -> None:
    integration = methods(every_stage)[route]["Integration"]
    assert integration["Type"] == "AWS_PROXY"
    assert f"functions/{FUNCTIONS[route]}/invocations" in flat(integration["Uri"])


@pytest.mark.parametrize("route", FUNCTIONS, ids=" ".join)
def test_api_gateway_may_call_the_function_for_this_route_only(
    every_stage: Synthesized, route: tuple[str, str]
) -> None:
    verb, path = route
    method_arn = verb + "".join(f"/{'*' if part.startswith('{') else part}" for part in path.strip("/").split("/"))
    permissions = [
        permission["Properties"]
        for permission in every_stage.api.find_resources("AWS::Lambda::Permission").values()
        if flat(permission["Properties"]["SourceArn"]).endswith(f"/{method_arn}")
    ]
    assert [named(permission["FunctionName"]) for permission in permissions] == [FUNCTIONS[route]]
    assert permissions[0]["Principal"] == "apigateway.amazonaws.com"


def test_api_gateway_has_no_other_permission_than_these_and_the_authorizer(every_stage: Synthesized) -> None:
    permissions = every_stage.api.find_resources("AWS::Lambda::Permission").values()
    assert len(permissions) == len(FUNCTIONS) + 1
    assert [
        named(each["Properties"]["FunctionName"])
        for each in permissions
        if "/authorizers/" in flat(each["Properties"]["SourceArn"])
    ] == ["AuthorizeRequestFunction"]


def test_a_token_is_asked_for_on_every_method_that_reaches_data(every_stage: Synthesized) -> None:
    (authorizer_id,) = every_stage.api.find_resources("AWS::ApiGateway::Authorizer")
    for route, method in methods(every_stage).items():
        if route in CALLERS_ONLY:
            assert method["AuthorizationType"] == "CUSTOM", route
            assert method["AuthorizerId"] == {"Ref": authorizer_id}, route
        else:
            assert method["AuthorizationType"] == "NONE", route
            assert route in EVERYBODY or method["Integration"]["Type"] == "MOCK", route


def test_the_authorizer_reads_the_bearer_token_and_is_cached_for_a_while(every_stage: Synthesized) -> None:
    authorizer = the(every_stage, "AWS::ApiGateway::Authorizer")
    assert authorizer["Type"] == "TOKEN"
    assert authorizer["IdentitySource"] == "method.request.header.Authorization"
    assert authorizer["AuthorizerResultTtlInSeconds"] == every_stage.settings.api.authorizer_cache_seconds
    assert 60 <= authorizer["AuthorizerResultTtlInSeconds"] <= 300


@pytest.mark.parametrize("path", sorted({path for _, path in FUNCTIONS}))
def test_a_wrong_method_is_answered_with_405_and_the_right_ones(every_stage: Synthesized, path: str) -> None:
    allowed = ", ".join(verb for verb, other in FUNCTIONS if other == path)
    answer = mock_answer(methods(every_stage)[("ANY", path)])
    assert answer == (405, "method-not-allowed", {"Content-Type": "application/problem+json", "Allow": allowed})


@pytest.mark.parametrize("path", sorted(NOTHING_THERE))
def test_an_unknown_path_is_answered_with_404(every_stage: Synthesized, path: str) -> None:
    answer = mock_answer(methods(every_stage)[("ANY", path)])
    assert answer == (404, "not-found", {"Content-Type": "application/problem+json"})


def mock_answer(method: Resource) -> tuple[int, str, dict[str, str]]:
    """What a mock integration says: status, problem, headers."""
    integration = method["Integration"]
    assert integration["Type"] == "MOCK"
    assert integration["PassthroughBehavior"] == "NEVER", "an unknown content type must not reach the mock: 500"
    assert method["ApiKeyRequired"] is False
    (answer,) = integration["IntegrationResponses"]
    status = int(answer["StatusCode"])
    assert {json.loads(template)["statusCode"] for template in integration["RequestTemplates"].values()} == {status}
    (declared,) = method["MethodResponses"]
    assert set(declared["ResponseParameters"]) == set(answer["ResponseParameters"])
    body = json.loads(answer["ResponseTemplates"]["application/json"])
    assert body["status"] == status
    headers = {
        name.removeprefix("method.response.header."): value.strip("'")
        for name, value in answer["ResponseParameters"].items()
    }
    return status, body["type"].removeprefix("urn:comanda:problem:"), headers


def gateway_responses(stage: Synthesized) -> dict[str, Resource]:
    found = stage.api.find_resources("AWS::ApiGateway::GatewayResponse").values()
    return {response["Properties"]["ResponseType"]: response["Properties"] for response in found}


@pytest.mark.parametrize("response_type", ANSWERS)
def test_api_gateway_answers_with_problem_details(every_stage: Synthesized, response_type: str) -> None:
    response = gateway_responses(every_stage)[response_type]
    status, slug = ANSWERS[response_type]
    body = json.loads(response["ResponseTemplates"]["application/json"])
    assert int(response["StatusCode"]) == status == body["status"]
    assert body["type"] == f"urn:comanda:problem:{slug}"
    assert set(body) == {"type", "title", "status", "detail", "request_id"}
    assert body["request_id"] == "$context.requestId"
    headers = response["ResponseParameters"]
    assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
    assert ("gatewayresponse.header.WWW-Authenticate" in headers) == (status == 401)
    assert ("gatewayresponse.header.Retry-After" in headers) == (status in {429, 503})


def test_every_kind_of_gateway_response_is_answered(every_stage: Synthesized) -> None:
    assert set(gateway_responses(every_stage)) == set(ANSWERS)


def test_the_api_stage_is_throttled_measured_and_logged(every_stage: Synthesized) -> None:
    stage = the(every_stage, "AWS::ApiGateway::Stage")
    assert stage["StageName"] == "v1"
    (settings,) = stage["MethodSettings"]
    assert (settings["HttpMethod"], settings["ResourcePath"]) == ("*", "/*")
    assert settings["ThrottlingRateLimit"] == every_stage.settings.api.rate_per_second
    assert settings["ThrottlingBurstLimit"] == every_stage.settings.api.burst
    assert settings["MetricsEnabled"] is True
    assert settings["DataTraceEnabled"] is False, "bodies and tokens do not belong into logs"
    assert "AccessLogs" in flat(stage["AccessLogSetting"]["DestinationArn"])
    logged = json.loads(stage["AccessLogSetting"]["Format"])
    assert logged["request_id"] == "$context.requestId"
    assert "$context.path" not in logged.values(), "links are bearer tokens"


def test_what_api_gateway_logs_by_itself_is_forgotten_too(every_stage: Synthesized) -> None:
    names = [
        flat(group["Properties"]["LogGroupName"])
        for group in every_stage.api.find_resources("AWS::Logs::LogGroup").values()
        if "LogGroupName" in group["Properties"]
    ]
    assert names == ["API-Gateway-Execution-Logs_Api/v1"]


def test_the_logging_role_of_the_account_outlives_an_aws_stack(every_stage: Synthesized) -> None:
    (account,) = every_stage.api.find_resources("AWS::ApiGateway::Account").values()
    kept = every_stage.settings.stage != "local"
    assert account["DeletionPolicy"] == ("Retain" if kept else "Delete")


def test_without_usage_plans_nobody_is_asked_for_a_key(local: Synthesized, dev: Synthesized) -> None:
    for stage in (local, dev):
        assert not stage.settings.api.usage_plans
        for resource_type in ("AWS::ApiGateway::UsagePlan", "AWS::ApiGateway::ApiKey", "AWS::ApiGateway::UsagePlanKey"):
            assert not stage.resources(resource_type)
        assert "ApiKeySourceType" not in the(stage, "AWS::ApiGateway::RestApi")
        assert not [route for route, method in methods(stage).items() if method.get("ApiKeyRequired")]


def test_with_usage_plans_each_origin_has_its_own(prod: Synthesized) -> None:
    assert the(prod, "AWS::ApiGateway::RestApi")["ApiKeySourceType"] == "AUTHORIZER"
    keys = {
        logical_id: key["Properties"]["Value"]
        for logical_id, key in prod.api.find_resources("AWS::ApiGateway::ApiKey").items()
    }
    plans = {
        logical_id: plan["Properties"]
        for logical_id, plan in prod.api.find_resources("AWS::ApiGateway::UsagePlan").items()
    }
    key_of = {
        link["Properties"]["UsagePlanId"]["Ref"]: keys[link["Properties"]["KeyId"]["Ref"]]
        for link in prod.api.find_resources("AWS::ApiGateway::UsagePlanKey").values()
    }
    assert len(plans) == len(keys) == len(key_of) == 3
    (api_id,) = prod.api.find_resources("AWS::ApiGateway::RestApi")
    prefix = prod.functions()["authorize_request"]["Environment"]["Variables"]["USAGE_KEY_PREFIX"]
    for logical_id, plan in plans.items():
        origin = plan["UsagePlanName"].removeprefix("comanda-prod-")
        limits = prod.settings.api.usage_plans[origin]
        assert key_of[logical_id] == f"{prefix}-{origin}", "the authorizer answers with this value"
        assert len(key_of[logical_id]) >= 20, "API Gateway refuses shorter keys"
        assert plan["Throttle"] == {"RateLimit": limits.rate_per_second, "BurstLimit": limits.burst}
        assert plan["Quota"] == {"Limit": limits.quota_per_day, "Period": "DAY"}
        (covered,) = plan["ApiStages"]
        assert covered["ApiId"] == {"Ref": api_id}
    asked = {route for route, method in methods(prod).items() if method.get("ApiKeyRequired")}
    assert asked == set(CALLERS_ONLY)


def test_outputs(every_stage: Synthesized) -> None:
    outputs = every_stage.api.find_outputs("*")
    ours = {name for name in outputs if not name.startswith("ExportsOutput")}
    assert ours == {"ApiUrl", "RestApiId", "ApiStageName", "AuthorizeRequestFunction", "AuthorizeRequestLogGroup"}
    assert not flat(outputs["ApiUrl"]["Value"]).endswith("/")
