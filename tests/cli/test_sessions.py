"""Where on AWS the command looks: at the variables of the AWS SDKs, those that boto3 does not know included."""

from pathlib import Path

import boto3
import pytest

from comanda_cli.stack.connection import Connection, Outside
from comanda_cli.stack.sessions import aws_session
from comanda_cli.stack.stack_info import StackInfo

PROFILES = """
[default]
region = eu-west-1
[profile ops]
region = ap-south-1
"""


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with two profiles, and none of the variables set."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text(PROFILES)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({}, "eu-west-1"),
        ({"AWS_PROFILE": "ops"}, "ap-south-1"),
        ({"AWS_DEFAULT_REGION": "us-east-2"}, "us-east-2"),
        ({"AWS_REGION": "sa-east-1"}, "sa-east-1"),
        ({"AWS_REGION": "sa-east-1", "AWS_DEFAULT_REGION": "us-east-2", "AWS_PROFILE": "ops"}, "sa-east-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-east-2"}, "us-east-2"),
    ],
    ids=str,
)
def test_the_region_is_that_of_the_first_that_says_one(
    variables: dict[str, str], region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Outside().session is aws_session
    session = aws_session()
    assert (session.region_name, session.client("cloudformation").meta.region_name) == (region, region)


def test_endpoints_are_those_of_the_variables(monkeypatch: pytest.MonkeyPatch, stack: StackInfo) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://all.test")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "https://sqs.test")
    connection = Connection(stack)
    assert isinstance(connection.session, boto3.Session)
    assert connection.client("dynamodb").meta.endpoint_url == "https://all.test"
    assert connection.sqs.meta.endpoint_url == "https://sqs.test"
