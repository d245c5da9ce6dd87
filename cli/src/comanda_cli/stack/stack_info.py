"""Where a deployed Comanda is: its URL, queues, tables, functions and bucket.

A local stack is described by `.local/stack.json`, a stack on AWS by the outputs of its CloudFormation stacks. Both
become the same `StackInfo`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from comanda_cli.terminal.errors import CliError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

STACK_FILE = Path(".local", "stack.json")


class Queue(BaseModel):
    """A source queue and its dead-letter queue."""

    model_config = ConfigDict(frozen=True)

    url: str
    dlq_url: str


class StackInfo(BaseModel):
    """What scripts, tests and the CLI need to know of one deployed stage.

    `endpoint_url` is the emulator's address, None on AWS. `tokens` has the bearer tokens of a local stack by name;
    it is empty for AWS, where a token is shown once and then only its hash is kept.
    """

    model_config = ConfigDict(frozen=True)

    api_url: str
    websocket_url: str | None = None
    """None where the stage is without (docs/websocket.md)."""
    endpoint_url: str | None = None
    region: str
    tokens: dict[str, str] = Field(default_factory=dict, repr=False)
    tokens_secret: str
    webhook_secrets_secret: str
    queues: dict[str, Queue]
    tables: dict[str, str]
    functions: dict[str, str]
    log_groups: dict[str, str] = Field(default_factory=dict)
    """Of each function."""
    canary_secret: str | None = None
    """Where the stage has a canary."""
    bucket: str
    """Where reports and uploaded tables lie."""

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, str], region: str, endpoint_url: str | None = None) -> "StackInfo":
        """Read the outputs of all stacks of a stage. `OrdersTable` becomes `tables["orders"]`, and so on."""
        needed = ("ApiUrl", "RestApiId", "ApiStageName", "TokensSecret", "WebhookSecretsSecret", "ReportsBucket")
        missing = [name for name in needed if name not in outputs]
        if missing:
            raise CliError(f"the stack's outputs lack {', '.join(missing)}: is every stack of the stage deployed?")
        dlqs = _named(outputs, "DlqUrl")
        return cls(
            api_url=_local_api_url(outputs, endpoint_url) if endpoint_url else outputs["ApiUrl"],
            websocket_url=_local_websocket_url(outputs, endpoint_url) if endpoint_url else outputs.get("WebSocketUrl"),
            endpoint_url=endpoint_url,
            region=region,
            tokens_secret=outputs["TokensSecret"],
            webhook_secrets_secret=outputs["WebhookSecretsSecret"],
            queues={
                name: Queue(url=url, dlq_url=dlqs[name])
                for name, url in _named(outputs, "QueueUrl").items()
                if name in dlqs
            },
            tables=_named(outputs, "Table"),
            functions=_named(outputs, "Function"),
            log_groups=_named(outputs, "LogGroup"),
            canary_secret=outputs.get("CanarySecret"),
            bucket=outputs["ReportsBucket"],
        )

    def to_json(self) -> str:
        return self.model_dump_json(indent=2, exclude_none=True) + "\n"


def find_stack_file(start: Path) -> Path:
    """The nearest `.local/stack.json`, from `start` upward."""
    for folder in (start, *start.parents):
        candidate = folder / STACK_FILE
        if candidate.is_file():
            return candidate
    raise CliError("no .local/stack.json here or above: start a stack with `make up`, or name one on AWS with --stage")


def load_stack_file(path: Path) -> StackInfo:
    """Read a stack.json."""
    try:
        return StackInfo.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise CliError(f"there is no {path}") from error
    except ValidationError as error:
        raise CliError(f"{path} is not a description of a stack: run `make up` again") from error


def load_stage(cloudformation: "CloudFormationClient", stage: str, endpoint_url: str | None = None) -> StackInfo:
    """Read the outputs of all `Comanda-<stage>-…` stacks."""
    outputs: dict[str, str] = {}
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            if stack["StackName"].startswith(f"Comanda-{stage}-"):
                outputs |= {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    region = cloudformation.meta.region_name
    if not outputs:
        raise CliError(f"there is no stage {stage!r} in {region} of this account")
    return StackInfo.from_outputs(outputs, region, endpoint_url)


def _local_api_url(outputs: Mapping[str, str], endpoint_url: str) -> str:
    return f"{endpoint_url}/restapis/{outputs['RestApiId']}/{outputs['ApiStageName']}/_user_request_"


def _local_websocket_url(outputs: Mapping[str, str], endpoint_url: str) -> str | None:
    if "WebSocketApiId" not in outputs:
        return None
    path = f"_aws/execute-api/{outputs['WebSocketApiId']}/{outputs['WebSocketStageName']}"
    return f"{endpoint_url.replace('http', 'ws', 1)}/{path}"


def _named(outputs: Mapping[str, str], suffix: str) -> dict[str, str]:
    """`{"ProcessOrderFunction": x}` with suffix `Function` gives `{"process_order": x}`.

    Outputs that CDK makes for references between stacks start with `ExportsOutput`, and are none of ours.
    """
    return {
        _snake_case(key.removesuffix(suffix)): value
        for key, value in outputs.items()
        if key.endswith(suffix) and not key.startswith("ExportsOutput")
    }


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
