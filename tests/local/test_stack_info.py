"""stack.json and the outputs it is made from."""

import json
import stat
from pathlib import Path

import pytest

from comanda_cli.stack.stack_info import StackInfo, find_stack_file, load_stack_file
from comanda_cli.terminal.errors import CliError
from local.stack import shell_variables
from local.state import State, write_private

OUTPUTS = {
    "OrdersTable": "orders-1",
    "LedgerTable": "ledger-1",
    "TokensSecret": "comanda-local-tokens",
    "WebhookSecretsSecret": "comanda-local-webhook-secrets",
    "ReportsBucket": "files-1",
    "OrdersQueueUrl": "http://127.0.0.1:4566/0/orders.fifo",
    "OrdersDlqUrl": "http://127.0.0.1:4566/0/orders-dlq.fifo",
    "ProcessOrderFunction": "process-1",
    "ProcessOrderLogGroup": "logs-of-process-1",
    "ApiUrl": "https://abc.execute-api.us-east-1.amazonaws.com/v1",
    "RestApiId": "abc",
    "ApiStageName": "v1",
    "ExportsOutputRefLedgerTable": "not ours",
}


def test_a_local_stack_has_the_shape_that_everybody_reads() -> None:
    stack = StackInfo.from_outputs(OUTPUTS, "us-east-1", "http://127.0.0.1:4566")
    assert json.loads(stack.model_copy(update={"tokens": {"web": "id.secret"}}).to_json()) == {
        "api_url": "http://127.0.0.1:4566/restapis/abc/v1/_user_request_",
        "endpoint_url": "http://127.0.0.1:4566",
        "region": "us-east-1",
        "tokens": {"web": "id.secret"},
        "tokens_secret": "comanda-local-tokens",
        "webhook_secrets_secret": "comanda-local-webhook-secrets",
        "queues": {"orders": {"url": OUTPUTS["OrdersQueueUrl"], "dlq_url": OUTPUTS["OrdersDlqUrl"]}},
        "tables": {"orders": "orders-1", "ledger": "ledger-1"},
        "functions": {"process_order": "process-1"},
        "log_groups": {"process_order": "logs-of-process-1"},
        "bucket": "files-1",
    }


def test_a_stack_on_aws_has_the_url_of_aws() -> None:
    stack = StackInfo.from_outputs(OUTPUTS, "sa-east-1")
    assert (stack.api_url, stack.endpoint_url, stack.region) == (OUTPUTS["ApiUrl"], None, "sa-east-1")


WEBSOCKET = {
    "WebSocketUrl": "wss://def.execute-api.us-east-1.amazonaws.com/v1",
    "WebSocketApiId": "def",
    "WebSocketStageName": "v1",
}


def test_a_stack_with_websockets_says_where() -> None:
    """And one without has none."""
    local = StackInfo.from_outputs(OUTPUTS | WEBSOCKET, "us-east-1", "http://127.0.0.1:4566")
    assert local.websocket_url == "ws://127.0.0.1:4566/_aws/execute-api/def/v1"
    assert f"WEBSOCKET_URL={local.websocket_url}\n" in shell_variables(local)
    assert StackInfo.from_outputs(OUTPUTS | WEBSOCKET, "us-east-1").websocket_url == WEBSOCKET["WebSocketUrl"]
    without = StackInfo.from_outputs(OUTPUTS, "us-east-1")
    assert without.websocket_url is None
    assert "WEBSOCKET" not in shell_variables(without)


def test_missing_outputs_are_named() -> None:
    with pytest.raises(CliError, match="lack RestApiId, TokensSecret, WebhookSecretsSecret, ReportsBucket"):
        StackInfo.from_outputs({"ApiUrl": "x", "ApiStageName": "v1"}, "us-east-1")


def test_what_is_written_is_read_again_and_private(tmp_path: Path) -> None:
    state = State(tmp_path / ".local")
    stack = StackInfo.from_outputs(OUTPUTS, "us-east-1", "http://127.0.0.1:4566")
    write_private(state.stack_file, stack.to_json())
    assert load_stack_file(state.stack_file) == stack
    assert stat.S_IMODE(state.stack_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.folder.stat().st_mode) == 0o700
    assert [file.name for file in state.folder.iterdir()] == ["stack.json"]


def test_it_is_found_from_below(tmp_path: Path) -> None:
    state = State(tmp_path / ".local")
    write_private(state.stack_file, "{}")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_stack_file(below) == state.stack_file


def test_none_or_a_spoilt_one_is_said(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="start a stack with `make up`"):
        find_stack_file(tmp_path)
    spoilt = tmp_path / "stack.json"
    spoilt.write_text("{}")
    with pytest.raises(CliError, match="run `make up` again"):
        load_stack_file(spoilt)


def test_tokens_do_not_show_when_a_stack_is_printed() -> None:
    stack = StackInfo.from_outputs(OUTPUTS, "us-east-1").model_copy(update={"tokens": {"web": "id.secret"}})
    assert "id.secret" not in repr(stack)
