"""The ARN of a secret that is known by its name."""

from aws_cdk import ArnFormat, Stack
from constructs import Construct


def secret_arn(scope: Construct, name: str) -> str:
    """As policies have it: Secrets Manager puts a hyphen and six characters behind a secret's name in its ARN."""
    return Stack.of(scope).format_arn(
        service="secretsmanager",
        resource="secret",
        resource_name=f"{name}-??????",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
