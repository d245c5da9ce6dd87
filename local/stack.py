"""Deploy the CDK app to an emulator, exactly as to AWS, and describe the result in stack.json."""

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from botocore.exceptions import ClientError

from comanda.domain.shared.access import CLIENT_SCOPES, Caller, Origin, Scope, authenticate
from comanda_cli.access.tokens import TokenStore
from comanda_cli.stack.sessions import local_session
from comanda_cli.stack.stack_info import StackInfo, load_stack_file, load_stage
from comanda_cli.terminal.errors import CliError
from local.console import Step, step
from local.emulator import HOST, Emulator, find, on_a_free_port
from local.errors import LocalError
from local.patience import Patience
from local.processes.guarded import ROOT, Guarded
from local.state import State, write_private

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

STAGE = "local"
REGION = "us-east-1"
ACCOUNT = "000000000000"
DEPLOY_STILL_SECONDS, DEPLOY_LIMIT_SECONDS = 600.0, 3600.0
"""So long its log may say nothing new; so long it may take in all. It needs twenty."""
API_STILL_SECONDS, API_LIMIT_SECONDS = 180.0, 300.0

LOCAL_CALLERS = {
    caller.name: caller
    for caller in (
        Caller("web", Origin.WEB, CLIENT_SCOPES),
        Caller("mobile", Origin.MOBILE, CLIENT_SCOPES),
        Caller("api", Origin.API, CLIENT_SCOPES),
        Caller("ops", Origin.API, frozenset({Scope.OPS})),
    )
}


def deploy(state: State, emulator: Emulator, settings: Mapping[str, str] | None = None) -> StackInfo:
    """Bootstrap where that was not done, deploy what changed, make missing tokens, write stack.json and env.

    `settings` overrides settings of the stage (infra/settings) for this deploy.
    """
    context = {"stage": STAGE, **(settings or {})}
    session = local_session(emulator.endpoint_url, REGION)
    cloudformation = session.client("cloudformation")
    state.cdk_log.unlink(missing_ok=True)
    if not _is_bootstrapped(cloudformation):
        with step("Preparing the emulator for CDK") as progress:
            # Away from cdk.json, so that the app is not run for it.
            _cdk(["bootstrap", f"aws://{ACCOUNT}/{REGION}"], state.folder, state, emulator, progress)
    with step("Deploying the stacks") as progress:
        _cdk(
            [
                *("deploy", "--all", "--output", str(state.cdk_out)),
                *(word for name, value in context.items() for word in ("--context", f"{name}={value}")),
                *("--require-approval", "never", "--method", "direct", "--progress", "events"),
            ],
            ROOT,
            state,
            emulator,
            progress,
        )
    stack = load_stage(cloudformation, STAGE, emulator.endpoint_url)
    store = TokenStore(session.client("secretsmanager"), stack.tokens_secret)
    tokens = ensure_tokens(store, _tokens_known_so_far(state))
    stack = stack.model_copy(update={"tokens": tokens})
    write_private(state.stack_file, stack.to_json())
    write_private(state.env_file, shell_variables(stack))
    with step("Waiting for the API"):
        _wait_until_alive(stack)
    return stack


@contextmanager
def temporary_stack(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[StackInfo]:
    """A stack of one's own on a free port, gone with the `with` block. Its state and logs are in `folder`."""
    state = State(folder)
    with on_a_free_port(state) as started:
        yield deploy(state, started.emulator, settings)


def running_stack(state: State) -> StackInfo | None:
    """The stack that `make up` left running, if it still runs."""
    emulator = find(state)
    if emulator is None or not state.stack_file.exists() or not emulator.is_healthy():
        return None
    return load_stack_file(state.stack_file)


def ensure_tokens(store: TokenStore, known: Mapping[str, str]) -> dict[str, str]:
    """A bearer token for each local caller: the one we know if it still holds, else a new one in place of the old."""
    records = store.records()
    tokens = {}
    for name, caller in LOCAL_CALLERS.items():
        if authenticate(known.get(name, ""), records) == caller:
            tokens[name] = known[name]
            continue
        for token_id in [token_id for token_id, record in records.items() if record["name"] == name]:
            store.revoke(token_id)
        tokens[name] = store.create(name, caller.origin, caller.scopes, datetime.now(UTC)).bearer
    return tokens


def shell_variables(stack: StackInfo) -> str:
    """`export API_URL=…`, `WEBSOCKET_URL=…` and a line for each token, `WEB_TOKEN=…`, for a shell, and for what it
    starts: `. .local/env`."""
    addresses = {"API_URL": stack.api_url, "WEBSOCKET_URL": stack.websocket_url}
    tokens = {f"{name.upper()}_TOKEN": token for name, token in stack.tokens.items()}
    variables = {**{name: url for name, url in addresses.items() if url}, **tokens}
    return "".join(f"export {name}={value}\n" for name, value in variables.items())


def api_client(stack: StackInfo, token: str | None = None) -> httpx.Client:
    """An HTTP client of the API. `token` names one of stack.json; None sends no Authorization header."""
    headers = {"Authorization": f"Bearer {stack.tokens[token]}"} if token else {}
    return httpx.Client(base_url=stack.api_url, headers=headers, timeout=60.0, trust_env=False)


def deployment_environment(endpoint_url: str) -> dict[str, str]:
    """The user's environment with AWS pointed at the emulator, and nothing left that could point elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    not_proxied = ",".join(filter(None, [os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")), HOST]))
    return {
        **kept,
        "PATH": os.pathsep.join([str(ROOT / ".venv" / "bin"), str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]]),
        "NO_PROXY": not_proxied,
        "no_proxy": not_proxied,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ENDPOINT_URL_S3": endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }


def _is_bootstrapped(cloudformation: "CloudFormationClient") -> bool:
    try:
        stacks = cloudformation.describe_stacks(StackName="CDKToolkit")["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # there is no such stack
            return False
        raise
    return stacks[0]["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def _cdk(arguments: Sequence[str], folder: Path, state: State, emulator: Emulator, progress: Step) -> None:
    command = ["cdk", *arguments, "--no-notices", "--no-version-reporting", "--no-color"]
    patience = Patience(DEPLOY_STILL_SECONDS, DEPLOY_LIMIT_SECONDS)
    state.cdk_log.touch()
    start = state.cdk_log.stat().st_size
    with Guarded(command, deployment_environment(emulator.endpoint_url), folder, state.cdk_log) as cdk:
        while (code := cdk.wait(0.1)) is None:
            progress.detail(_progress_in(_log_from(state.cdk_log, start)))
            if patience.is_over(state.cdk_log.stat().st_size):
                raise LocalError(f"cdk {arguments[0]} is not done: {patience.why_over}; see {state.cdk_log}")
    if code != 0:
        reason = _failure_in(_log_from(state.cdk_log, start))
        raise LocalError(f"cdk {arguments[0]} failed:\n{reason}\nAll of it: {state.cdk_log}")


def _log_from(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        return file.read().decode(errors="replace")


def _progress_in(log: str) -> str:
    """`Comanda-local-Data |  5/15 | …` is how far a stack is."""
    counts = re.findall(r"^(\S+) \| +(\d+/\d+) \|", log, re.MULTILINE)
    return " ".join(counts[-1]) if counts else ""


def _failure_in(log: str) -> str:
    """The lines that say why, or else the last ones."""
    lines = [line for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"^app\.py: |FAILED|❌|[Ee]rror|Traceback", line)]
    return "\n".join((telling or lines)[-12:])


def _tokens_known_so_far(state: State) -> Mapping[str, str]:
    try:
        return load_stack_file(state.stack_file).tokens
    except CliError:
        return {}


def _wait_until_alive(stack: StackInfo) -> None:
    patience = Patience(API_STILL_SECONDS, API_LIMIT_SECONDS)
    with api_client(stack) as client:
        while said := _fault_of_health(client):
            if patience.is_over(said):
                raise LocalError(f"the API does not become healthy: GET /health {said}")
            time.sleep(0.5)


def _fault_of_health(client: httpx.Client) -> str | None:
    try:
        answer = client.get("/health")
    except httpx.TransportError as error:
        return f"has no answer: {type(error).__name__}"
    return None if answer.status_code == httpx.codes.OK else f"says {answer.status_code} {answer.text[:300]}"
