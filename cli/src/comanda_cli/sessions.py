"""boto3 sessions: the one place that decides between the emulator and AWS."""

import os
from typing import cast
from urllib.parse import urlsplit

import boto3
from localstack_client.session import Session as LocalstackSession


def local_session(endpoint_url: str, region: str = "us-east-1") -> boto3.Session:
    """A session whose every client talks to the emulator at `endpoint_url`.

    Removes the AWS_* variables of this process first: localstack-client prefers AWS_ENDPOINT_URL to the host it is
    given, and boto3 stops at an AWS_PROFILE that does not exist.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    session = LocalstackSession(
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the emulator's, not a secret
        region_name=region,
        localstack_host=urlsplit(endpoint_url).netloc,
    )
    return cast("boto3.Session", session)
