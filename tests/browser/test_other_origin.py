"""A page of another origin in a real browser: order, status, WebSocket, upload, download. `make test-browser`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from comanda_cli.stack.stack_info import StackInfo
from local.stack import temporary_stack
from tests.browser.web_page import WebPage, as_aws_answers

pytestmark = pytest.mark.browser
PROBLEM = "urn:comanda:problem:"


@pytest.fixture(scope="module")
def page() -> Iterator[WebPage]:
    page = WebPage()
    with page.server:
        yield page


@pytest.fixture(scope="module")
def listed(page: WebPage) -> str:
    return f"http://localhost:{page.port}"


@pytest.fixture(scope="module")
def stack(page: WebPage, listed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackInfo]:
    settings = {"api.cors_origins": listed, "enrichment.delay_seconds": "0"}
    with temporary_stack(tmp_path_factory.mktemp("stack"), settings) as own:
        assert own.websocket_url
        with as_aws_answers(own.websocket_url) as websocket_url:
            page.config = {"api": own.api_url, "websocket": websocket_url, "token": own.tokens["web"]}
            yield own


@pytest.mark.usefixtures("stack")
def test_a_page_of_a_listed_origin_does_all_that_a_web_client_does(page: WebPage, listed: str, tmp_path: Path) -> None:
    assert page.opened_at(listed, tmp_path / "profile") == {
        "order": [202, True],
        "replay": [202, "true"],
        "socket": ["comanda", "snapshot"],
        "status": ["completed", True],
        "upload": 200,
        "report": "ready",
        "download": [200, True],
        "nothing_there": [404, f"{PROBLEM}not-found"],
        "no_token": [401, f"{PROBLEM}unauthorized"],
        "bad_token": [401, f"{PROBLEM}unauthorized"],
        "unknown_path": [404, f"{PROBLEM}not-found"],
        "wrong_method": [405, f"{PROBLEM}method-not-allowed", True],
        "broken_rule": [422, f"{PROBLEM}invalid-request"],
    }


@pytest.mark.usefixtures("stack")
def test_a_page_of_another_origin_is_kept_out_by_the_browser(page: WebPage, tmp_path: Path) -> None:
    told = page.opened_at(f"http://127.0.0.1:{page.port}", tmp_path / "profile")
    assert told == {"order": "TypeError: Failed to fetch"}
