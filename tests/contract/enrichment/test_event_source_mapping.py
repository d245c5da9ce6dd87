"""A mapping is switched once, left alone while it is on its way, and asked again while it is busy."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber

from comanda.adapters.enrichment.event_source_mapping import EventSourceMapping, SwitchFunction
from comanda.domain.shared.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

UUID = "0b7b4a52-7c0e-4f0c-9a77-3f1d1f5e8a10"


@pytest.fixture
def client(moto_session: boto3.Session) -> "LambdaClient":
    return moto_session.client("lambda")


@pytest.fixture
def aws(client: "LambdaClient") -> Iterator[Stubber]:
    """Answers as documented ("GetEventSourceMapping"); each call must be expected. The emulator knows no states on the
    way, and changes at once."""
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize(("state", "on"), [("Enabled", True), ("Enabling", True), ("Disabled", False)])
def test_what_is_as_wanted_is_left_alone(client: "LambdaClient", aws: Stubber, state: str, on: bool) -> None:
    aws.add_response("get_event_source_mapping", {"State": state}, {"UUID": UUID})
    assert EventSourceMapping(client, UUID).switch(on=on)


@pytest.mark.parametrize(("state", "on"), [("Enabled", False), ("Disabled", True), ("Updating", True)])
def test_what_is_not_is_switched(client: "LambdaClient", aws: Stubber, state: str, on: bool) -> None:
    aws.add_response("get_event_source_mapping", {"State": state}, {"UUID": UUID})
    aws.add_response("update_event_source_mapping", {"State": "Updating"}, {"UUID": UUID, "Enabled": on})
    assert EventSourceMapping(client, UUID).switch(on=on)


def test_one_that_is_changing_says_so(client: "LambdaClient", aws: Stubber) -> None:
    aws.add_response("get_event_source_mapping", {"State": "Disabling"}, {"UUID": UUID})
    aws.add_client_error("update_event_source_mapping", "ResourceInUseException", http_status_code=400)
    assert not EventSourceMapping(client, UUID).switch(on=True)


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ServiceException", "ResourceConflictException"])
def test_an_outage_is_an_outage(client: "LambdaClient", aws: Stubber, code: str) -> None:
    aws.add_client_error("get_event_source_mapping", code)
    aws.add_client_error("invoke", code)
    with pytest.raises(Unavailable, match=code):
        EventSourceMapping(client, UUID).switch(on=True)
    with pytest.raises(Unavailable, match=code):
        SwitchFunction(client, "switch").call()


def test_the_switch_function_is_called_and_not_waited_for(client: "LambdaClient", aws: Stubber) -> None:
    asked = {"FunctionName": "switch", "InvocationType": "Event"}
    aws.add_response("invoke", {"StatusCode": 202}, asked)
    SwitchFunction(client, "switch").call()
