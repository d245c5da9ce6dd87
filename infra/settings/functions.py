"""What functions run on."""

from typing import Annotated, Literal

from pydantic import Field

from infra.settings.group import Group

Architecture = Literal["arm64", "x86_64"]
LAMBDA_PYTHON = "3.14"
"""The newest Python runtime of AWS Lambda ("Lambda runtimes")."""


class FunctionSettings(Group):
    """What Lambda runs the functions with."""

    python_version: Annotated[str, Field(pattern=r"^3\.\d+$")] = LAMBDA_PYTHON
    architecture: Architecture = "arm64"
    memory_mb: Annotated[int, Field(ge=128, le=10_240)] = 1024
    """Of each function but the one that writes reports (`reports.memory_mb`)."""
