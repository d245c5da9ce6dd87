"""What the API says at its doors: no token, a wrong one, unknown paths and methods. Problem details everywhere."""

import httpx
import pytest

from comanda_cli.stack.stack_info import StackInfo
from tests.stack.conftest import ApiClients
from tests.stack.helpers import a_recipient, an_order


def problem(answer: httpx.Response, status: int, slug: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["type"] == f"urn:comanda:problem:{slug}"
    assert answer.json()["status"] == status


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer x", "Basic abc", "Bearer 0123456789abcdef." + "A" * 43])
def test_without_a_good_token_nobody_comes_in(api: ApiClients, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    problem(api(None).post("orders", json=an_order("r"), headers=headers), 401, "unauthorized")
    answer = api(None).get("orders/1", headers=headers)
    problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_with_another_secret_is_refused(api: ApiClients, stack: StackInfo) -> None:
    token_id = stack.tokens["web"].split(".")[0]
    other = stack.tokens["mobile"].split(".")[1]
    answer = api(None).get("orders/1", headers={"Authorization": f"Bearer {token_id}.{other}"})
    problem(answer, 401, "unauthorized")


@pytest.mark.parametrize("path", ["nothing", "orders/1/2/3", "recipients", "v2/orders"])
def test_an_unknown_path_is_404(api: ApiClients, path: str) -> None:
    problem(api("web").get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "orders", "POST"),
        ("DELETE", "orders/1", "GET, HEAD"),
        ("PUT", "orders", "POST"),
        ("POST", "recipients/1", "GET, HEAD"),
        ("POST", "health", "GET, HEAD"),
    ],
)
def test_an_unknown_method_is_405_and_says_what_is_allowed(
    api: ApiClients, method: str, path: str, allowed: str
) -> None:
    answer = api("web").request(method, path)
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["health", "ready", "orders/1", "recipients/1", "links/x"])
def test_head_is_get_without_the_content(api: ApiClients, path: str) -> None:
    get, head = api("ops").get(path), api("ops").head(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    for name in ("content-type", "cache-control", "etag"):
        assert head.headers.get(name) == get.headers.get(name)


@pytest.mark.parametrize(
    ("content", "content_type", "status", "slug"),
    [
        (b"{", "application/json", 400, "malformed-request"),
        (b"", "application/json", 400, "malformed-request"),
        (b'{"item_name": "\xff", "quantity": 1, "price": 1}', "application/json", 400, "malformed-request"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (b'{"item_name": "' + b"x" * 262_144 + b'"}', "application/json", 413, "payload-too-large"),
        (b"[" * 50_000, "application/json", 400, "malformed-request"),
        (b'{"items": []}', "application/json", 422, "invalid-request"),
        (b'{"customer_id":"1","customer_id":"2","items":[]}', "application/json", 400, "malformed-request"),
    ],
)
def test_a_bad_body_is_told_what_to_do(
    api: ApiClients, content: bytes, content_type: str, status: int, slug: str
) -> None:
    answer = api("web").post("orders", content=content, headers={"Content-Type": content_type})
    problem(answer, status, slug)


def test_errors_carry_the_id_of_their_request(api: ApiClients) -> None:
    answer = api("web").post("orders", json={"items": []})
    assert answer.json()["request_id"]
    assert {error["field"] for error in answer.json()["errors"]} == {"customer_id", "items"}
    assert api(None).get("orders/1").json()["request_id"]


def test_the_origin_is_the_tokens_and_never_the_bodys(api: ApiClients) -> None:
    answer = api("mobile").post("orders", json=an_order(a_recipient(), origin="web"))
    problem(answer, 422, "invalid-request")
