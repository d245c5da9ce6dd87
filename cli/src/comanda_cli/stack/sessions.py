"""boto3 sessions: the one place that decides between the emulator and AWS."""

import os
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import boto3


def aws_session() -> "boto3.Session":
    """As the AWS CLI would have it, with its variables and profiles, and besides with AWS_REGION, which wins over
    AWS_DEFAULT_REGION ("AWS SDKs and Tools Reference Guide", AWS Region): boto3 knows the latter only."""
    import boto3

    return boto3.Session(region_name=os.environ.get("AWS_REGION") or None)


def local_session(endpoint_url: str, region: str = "us-east-1") -> "boto3.Session":
    """A session whose every client talks to the emulator at `endpoint_url`.

    Removes the AWS_* variables of this process first: localstack-client prefers AWS_ENDPOINT_URL to the host it is
    given, and boto3 stops at an AWS_PROFILE that does not exist.
    """
    from localstack_client.session import Session as LocalstackSession

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    session = LocalstackSession(
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the emulator's, not a secret
        region_name=region,
        localstack_host=urlsplit(endpoint_url).netloc,
    )
    return cast("boto3.Session", session)
