"""A stage whose API web pages of other origins may call. Without `api.cors_origins` there is nothing of it."""

import json
from typing import Any

import pytest

from infra.settings import load_settings
from tests.infra.conftest import Synthesized, synthesize
from tests.infra.test_api_stack import FUNCTIONS, NOTHING_THERE, flat, gateway_responses, methods, mock_answer, the

ORIGINS = ("https://shop.example", "https://desk.example:8443")
API_FUNCTIONS = ("write_orders", "read_orders", "write_reports", "read_reports")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Of prod, as that has usage plans. Fails where cdk-nag has a finding."""
    return synthesize(load_settings("prod", {"api.cors_origins": ",".join(ORIGINS)}), tmp_path_factory.mktemp("cors"))


def test_every_resource_answers_a_preflight_without_token_and_key(stage: Synthesized) -> None:
    paths = {path for _, path in FUNCTIONS} | NOTHING_THERE
    preflights = {path: method for (verb, path), method in methods(stage).items() if verb == "OPTIONS"}
    assert set(preflights) == paths
    for path, method in preflights.items():
        assert method["AuthorizationType"] == "NONE", path
        assert not method.get("ApiKeyRequired"), path
        assert method["Integration"]["Type"] == "AWS_PROXY", path


@pytest.mark.parametrize("route", FUNCTIONS, ids=" ".join)
def test_a_preflight_is_answered_by_the_function_that_is_asked_then(stage: Synthesized, route: tuple[str, str]) -> None:
    preflight = methods(stage)["OPTIONS", route[1]]["Integration"]
    assert f"functions/{FUNCTIONS[route]}/invocations" in flat(preflight["Uri"])
    arns = [
        flat(permission["Properties"]["SourceArn"])
        for permission in stage.api.find_resources("AWS::Lambda::Permission").values()
    ]
    asked = "/OPTIONS" + "".join(f"/{'*' if part.startswith('{') else part}" for part in route[1].strip("/").split("/"))
    assert [arn for arn in arns if arn.endswith(asked)]


def test_the_functions_behind_the_api_know_the_origins_and_no_other_does(stage: Synthesized) -> None:
    told = {
        name: function["Environment"]["Variables"]["CORS_ORIGINS"]
        for name, function in stage.functions().items()
        if "CORS_ORIGINS" in function["Environment"]["Variables"]
    }
    assert told == dict.fromkeys(API_FUNCTIONS, " ".join(ORIGINS))


def test_whatever_api_gateway_answers_by_itself_may_be_read_by_any_page(stage: Synthesized) -> None:
    """Its text is the same whoever asks."""
    for response_type, response in gateway_responses(stage).items():
        headers = response["ResponseParameters"]
        assert headers["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'", response_type
        assert headers["gatewayresponse.header.Access-Control-Expose-Headers"] == "'Allow,Retry-After'", response_type
    for (verb, path), method in methods(stage).items():
        if verb == "ANY":
            _, _, answer = mock_answer(method)
            assert answer["Access-Control-Allow-Origin"] == "*", path


def test_a_wrong_method_is_told_of_options_too(stage: Synthesized) -> None:
    status, _, headers = mock_answer(methods(stage)[("ANY", "/orders")])
    assert (status, headers["Allow"]) == (405, "POST, OPTIONS")


def test_the_bucket_lets_those_pages_download_and_upload(stage: Synthesized) -> None:
    (bucket,) = stage.resources("AWS::S3::Bucket").values()
    assert bucket["Properties"]["CorsConfiguration"] == {
        "CorsRules": [
            {
                "AllowedOrigins": list(ORIGINS),
                "AllowedMethods": ["GET", "HEAD", "PUT"],
                "AllowedHeaders": ["Content-Type"],
                "ExposedHeaders": ["Content-Disposition", "ETag"],
                "MaxAge": 3600,
            }
        ]
    }


def everything(stage: Synthesized) -> str:
    return json.dumps([template.to_json() for template in stage.stacks])


def test_credentials_are_never_allowed(stage: Synthesized) -> None:
    assert "allow-credentials" not in everything(stage).lower()


def test_without_the_setting_there_is_nothing_of_it(every_stage: Synthesized) -> None:
    text = everything(every_stage).lower()
    assert not [word for word in ("access-control", "cors", '"options"') if word in text]


def test_the_stage_differs_in_that_alone(stage: Synthesized, prod: Synthesized) -> None:
    def kinds(of: Synthesized) -> dict[str, int]:
        found: dict[str, int] = {}
        for template in of.stacks:
            for resource in template.to_json()["Resources"].values():
                found[resource["Type"]] = found.get(resource["Type"], 0) + 1
        return found

    more: dict[str, Any] = {name: count - kinds(prod)[name] for name, count in kinds(stage).items()}
    preflights = len({path for _, path in FUNCTIONS} | NOTHING_THERE)
    assert {name: count for name, count in more.items() if count} == {
        "AWS::ApiGateway::Method": preflights,
        "AWS::Lambda::Permission": preflights,
    }
    assert the(stage, "AWS::ApiGateway::RestApi") == the(prod, "AWS::ApiGateway::RestApi")
