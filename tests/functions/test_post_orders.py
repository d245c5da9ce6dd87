"""POST /orders: the forms it takes, and what it says to everything else."""

import base64
import json
from typing import Any

import pytest

from comanda.domain.shared.access import Action, Origin, Scope, Whose
from comanda.domain.shared.errors import MAX_FIELD_ERRORS
from comanda.domain.shared.identity import HeaderKey, IdempotencyKey, KeySpace
from tests.functions.conftest import Answer, Api
from tests.golden import rest_event
from tests.support.builders import a_caller, an_api_event
from tests.support.rights import every_scope_set, expected

E1 = {"customer_id": "123", "items": [{"sku": "ABC", "qty": 2}, {"sku": "XYZ", "qty": 1}]}
C3 = {"item_name": "Notebook", "quantity": 1, "price": 5000}


def changed(**fields: Any) -> dict[str, Any]:
    return {**E1, **fields}


def item(**fields: Any) -> dict[str, Any]:
    return changed(items=[{"sku": "ABC", "qty": 1, **fields}])


def without(name: str, body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


def errors_of(answer: Answer) -> dict[str, str]:
    assert answer.status == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["type"] == "urn:comanda:problem:invalid-request"
    return {error["field"]: error["message"] for error in answer.body["errors"]}


@pytest.mark.parametrize("body", [E1, C3])
def test_the_example_bodies_work_as_they_stand(api: Api, body: dict[str, Any]) -> None:
    answer = api.post(body)
    assert (answer.status, answer.body["status"]) == (202, "pending")
    assert answer.headers["Location"] == f"orders/{answer.body['order_id']}"
    (message,) = api.resources.messages()
    assert json.loads(message["Body"])["order_id"] == answer.body["order_id"]


def test_the_short_form_is_one_item_with_its_price(api: Api) -> None:
    order_id = api.post(C3).body["order_id"]
    order = api.get(f"/orders/{order_id}").body
    assert order["items"] == [{"item_name": "Notebook", "qty": 1, "unit_price": "5000.00"}]
    assert (order["total_amount"], order["recipient_id"]) == ("5000.00", order_id)


@pytest.mark.parametrize("price", [5000, 5000.0, "5000", "5000.0", "5000.00"])
def test_one_price_can_be_written_in_many_ways(api: Api, price: object) -> None:
    first = api.post(C3, Idempotency_Key="k").body
    again = api.post({**C3, "price": price}, Idempotency_Key="k")
    assert (again.status, again.body) == (202, first)


def test_everything_optional_is_kept(api: Api) -> None:
    body = changed(
        recipient_id="rec-9", order_id="mine-1", currency="BRL", metadata={"channel": "app", "n": 3, "gift": True}
    )
    answer = api.post(body)
    assert answer.body["client_order_id"] == "mine-1"
    order = api.get(f"/orders/{answer.body['order_id']}").body
    assert order["recipient_id"] == "rec-9"
    assert order["client_order_id"] == "mine-1"
    assert order["metadata"] == {"channel": "app", "n": 3, "gift": True}
    assert order["origin"] == "web"


LONG = "x" * 101
BROKEN: list[tuple[str, dict[str, Any], str, str]] = [
    ("no customer", without("customer_id", E1), "customer_id", "is missing"),
    ("no items", without("items", E1), "items", "is missing"),
    ("nothing at all", {}, "items", "is missing"),
    ("items empty", changed(items=[]), "items", "at least 1"),
    ("items no list", changed(items={"sku": "ABC"}), "items", "list"),
    ("items null", changed(items=None), "items", "list"),
    ("too many items", changed(items=[{"sku": "ABC", "qty": 1}] * 101), "items", "at most 100"),
    ("item no object", changed(items=["ABC"]), "items.0", "dictionary"),
    ("item without a name", changed(items=[{"qty": 1}]), "items.0", "either a sku or an item_name"),
    ("item with two names", item(item_name="A"), "items.0", "either a sku or an item_name"),
    ("item unknown field", item(colour="red"), "items.0.colour", "not a field"),
    ("no qty", changed(items=[{"sku": "ABC"}]), "items.0.qty", "is missing"),
    ("qty 0", item(qty=0), "items.0.qty", "greater than or equal to 1"),
    ("qty negative", item(qty=-1), "items.0.qty", "greater than or equal to 1"),
    ("qty too large", item(qty=1_000_001), "items.0.qty", "less than or equal to 1000000"),
    ("qty huge", item(qty=10**400), "items.0.qty", ""),
    ("qty text", item(qty="1"), "items.0.qty", "integer"),
    ("qty true", item(qty=True), "items.0.qty", "integer"),
    ("qty fraction", item(qty=1.5), "items.0.qty", "integer"),
    ("qty float", item(qty=1.0), "items.0.qty", "integer"),
    ("qty null", item(qty=None), "items.0.qty", "integer"),
    ("second item at fault", changed(items=[{"sku": "A", "qty": 1}, {"sku": "B", "qty": 0}]), "items.1.qty", "1"),
    ("price negative", item(unit_price=-1), "items.0.unit_price", "from 0 to"),
    ("price with three places", item(unit_price=0.001), "items.0.unit_price", "two decimal places"),
    ("price text with three places", item(unit_price="0.001"), "items.0.unit_price", "two decimal places"),
    ("price text with exponent", item(unit_price="1e3"), "items.0.unit_price", "5000.00"),
    ("price text negative", item(unit_price="-1"), "items.0.unit_price", "5000.00"),
    ("price text with comma", item(unit_price="1,50"), "items.0.unit_price", "5000.00"),
    ("price in Arabic digits", item(unit_price="٣"), "items.0.unit_price", "5000.00"),
    ("price true", item(unit_price=True), "items.0.unit_price", "number or a text"),
    ("price list", item(unit_price=[1]), "items.0.unit_price", "number or a text"),
    ("price too large", item(unit_price=1_000_000_001), "items.0.unit_price", "from 0 to"),
    ("price huge", item(unit_price=10**400), "items.0.unit_price", "from 0 to"),
    ("total past all bounds", item(qty=1_000_000, unit_price=1_000_000_000), "items", "total"),
    ("sku empty", item(sku=""), "items.0.sku", "at least 1"),
    ("sku with a blank", item(sku="A B"), "items.0.sku", "letters, digits"),
    ("sku with a newline", item(sku="AB\n"), "items.0.sku", "letters, digits"),
    ("sku number", item(sku=7), "items.0.sku", "string"),
    ("sku too long", item(sku=LONG), "items.0.sku", "at most 100"),
    ("customer a number", changed(customer_id=123), "customer_id", "string"),
    ("customer empty", changed(customer_id=""), "customer_id", "at least 1"),
    ("customer too long", changed(customer_id=LONG), "customer_id", "at most 100"),
    ("customer with a slash", changed(customer_id="a/b"), "customer_id", "letters, digits"),
    ("recipient with a blank", changed(recipient_id="a b"), "recipient_id", "letters, digits"),
    ("recipient in Greek", changed(recipient_id="αβγ"), "recipient_id", "letters, digits"),
    ("order id empty", changed(order_id=""), "order_id", "at least 1"),
    ("order id too long", changed(order_id=LONG), "order_id", "at most 100"),
    ("currency in small letters", changed(currency="brl"), "currency", ""),
    ("currency of another stage", changed(currency="USD"), "currency", "BRL"),
    ("unknown field", changed(discount=5), "discount", "not a field"),
    ("origin is the token's", changed(origin="api"), "origin", "not a field"),
    ("both forms", {**E1, **C3}, "item_name", "not a field"),
    ("metadata list", changed(metadata=[1]), "metadata", "dictionary"),
    ("metadata nested", changed(metadata={"a": {"b": 1}}), "metadata.a", "text of at most"),
    ("metadata fraction", changed(metadata={"a": 1.5}), "metadata.a", "whole numbers"),
    ("metadata huge", changed(metadata={"a": 10**16}), "metadata.a", "whole numbers"),
    ("metadata long text", changed(metadata={"a": "x" * 501}), "metadata.a", "text of at most 500"),
    ("metadata control character", changed(metadata={"a": "x\x00"}), "metadata.a", "control characters"),
    ("metadata bad key", changed(metadata={"a b": 1}), "metadata.a b", "letters, digits"),
    ("metadata too many", changed(metadata={f"k{n}": n for n in range(21)}), "metadata", "at most 20"),
    ("name blank", {**C3, "item_name": "  "}, "item_name", "blank"),
    ("name too long", {**C3, "item_name": "x" * 201}, "item_name", "at most 200"),
    ("name with a control character", {**C3, "item_name": "a\x1b[31m"}, "item_name", "control characters"),
    ("quantity missing", without("quantity", C3), "quantity", "is missing"),
    ("price missing", without("price", C3), "price", "is missing"),
    ("short quantity 0", {**C3, "quantity": 0}, "quantity", "greater than or equal to 1"),
    ("short price negative", {**C3, "price": -0.01}, "price", "from 0 to"),
    ("short unknown field", {**C3, "unit_price": 1}, "unit_price", "not a field"),
]


@pytest.mark.parametrize(("body", "field", "says"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_broken_rule_names_its_field(api: Api, body: dict[str, Any], field: str, says: str) -> None:
    errors = errors_of(api.post(body))
    assert field in errors
    assert says in errors[field]
    assert api.resources.messages() == []


def test_every_broken_rule_is_named_at_once(api: Api) -> None:
    errors = errors_of(api.post({"items": [{"sku": "A B", "qty": 0}], "x": 1}))
    assert errors.keys() == {"customer_id", "items.0.sku", "items.0.qty", "x"}


UNREADABLE = [
    ("no body", None, 400, "empty"),
    ("empty body", "", 400, "empty"),
    ("no JSON", "{", 400, "not JSON"),
    ("a list", "[]", 400, "JSON object"),
    ("a text", '"x"', 400, "JSON object"),
    ("null", "null", 400, "JSON object"),
    ("duplicate keys", '{"customer_id": "1", "customer_id": "2", "items": []}', 400, "'customer_id' stands twice"),
    ("duplicate keys inside", '{"customer_id":"1","items":[{"sku":"A","qty":1,"qty":2}]}', 400, "'qty' stands twice"),
    ("deep nesting", '{"items":' + "[" * 100_000 + "]" * 100_000 + "}", 400, "nested too deeply"),
    ("deep objects", '{"a":' * 20_000 + "1" + "}" * 20_000, 400, "nested too deeply"),
    ("NaN", '{"item_name": "A", "quantity": 1, "price": NaN}', 400, "NaN is not a JSON number"),
    ("Infinity", '{"item_name": "A", "quantity": 1, "price": -Infinity}', 400, "not a JSON number"),
    ("a number without end", '{"item_name": "A", "quantity": ' + "9" * 5000 + "}", 400, "too many digits"),
    ("not UTF-8, as API Gateway shows it", '{"item_name": "\ufffd", "quantity": 1, "price": 1}', 400, "UTF-8"),
    ("half a surrogate pair, raw", '{"item_name": "\ud800", "quantity": 1, "price": 1}', 400, "UTF-8"),
    ("half a surrogate pair, escaped", json.dumps({**C3, "item_name": "a\ud800"}), 400, "half a surrogate pair"),
    ("half a surrogate pair in a name", json.dumps({**C3, "a\udfff": 1}), 400, "half a surrogate pair"),
    ("half a surrogate pair deep inside", json.dumps({**C3, "metadata": {"a": ["\ud800"]}}), 400, "half a surrogate"),
    ("an exponent past Decimal", '{"item_name": "A", "quantity": 1, "price": 1e9999999999999999999}', 400, "exponent"),
    (
        "an exponent below Decimal",
        '{"item_name": "A", "quantity": 1, "price": 1e-9999999999999999999}',
        400,
        "exponent",
    ),
    ("an exponent past double", '{"item_name": "A", "quantity": 1, "price": 1e309}', 400, "exponent"),
    ("a zero with an exponent", '{"item_name": "A", "quantity": 1, "price": 0e309}', 400, "exponent"),
    ("a fraction without end", '{"item_name": "A", "quantity": 1, "price": 0.' + "1" * 5000 + "}", 400, "digits"),
    ("more than 256 KB", json.dumps({**C3, "item_name": "x" * 262_144}), 413, "at most 262144"),
]


@pytest.mark.parametrize(("body", "status", "says"), [row[1:] for row in UNREADABLE], ids=[r[0] for r in UNREADABLE])
def test_an_unreadable_body_is_told_why(api: Api, body: str | None, status: int, says: str) -> None:
    answer = api.post(body)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert says in answer.body["detail"]
    assert answer.body["status"] == status
    assert api.resources.messages() == []


def test_of_very_many_broken_rules_the_first_are_told(api: Api) -> None:
    answer = api.post({**C3, **{f"field-{number}": 1 for number in range(9000)}})
    assert (answer.status, len(answer.body["errors"])) == (422, MAX_FIELD_ERRORS)
    assert answer.body["detail"].endswith(f"and {9000 - MAX_FIELD_ERRORS} more")
    assert len(answer.text) < 10_000


def test_bytes_that_are_not_utf8_are_refused(api: Api) -> None:
    event = an_api_event(body=base64.b64encode(b'{"item_name": "\xff", "quantity": 1, "price": 1}').decode())
    answer = api.raw({**event, "isBase64Encoded": True})
    assert (answer.status, "not UTF-8" in answer.body["detail"]) == (400, True)
    assert api.raw({**event, "isBase64Encoded": True, "body": "###"}).status == 400


def test_a_body_in_base64_is_read(api: Api) -> None:
    event = an_api_event(body=base64.b64encode(json.dumps(C3).encode()).decode())
    assert api.raw({**event, "isBase64Encoded": True}).status == 202


@pytest.mark.parametrize(
    "content_type", ["text/plain", "", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "x"]
)
def test_another_content_type_is_refused(api: Api, content_type: str) -> None:
    answer = api.post(C3, Content_Type=content_type)
    assert (answer.status, answer.body["type"]) == (415, "urn:comanda:problem:unsupported-media-type")


@pytest.mark.parametrize("content_type", ["application/json;charset=UTF-8", "Application/JSON", "application/json"])
def test_json_in_utf8_is_welcome_however_it_is_written(api: Api, content_type: str) -> None:
    assert api.post(C3, Content_Type=content_type).status == 202


@pytest.mark.parametrize("key", ["", " ", "a b", "ü", "x" * 256, "a\tb"])
@pytest.mark.parametrize("header", ["Idempotency-Key", "X-Idempotency-Key"])
def test_a_bad_key_is_refused(api: Api, key: str, header: str) -> None:
    answer = api.raw(an_api_event(body=C3, headers={header: key}))
    assert (answer.status, "visible ASCII" in answer.body["detail"]) == (400, True)
    assert api.resources.messages() == []


def test_two_keys_that_differ_are_refused_and_two_equal_ones_are_one(api: Api) -> None:
    assert api.post(C3, Idempotency_Key="a", X_Idempotency_Key="b").status == 400
    assert api.post(C3, Idempotency_Key="a", X_Idempotency_Key="a").status == 202


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("Idempotency-Key", "a"), ("Idempotency-Key", "b")),
        (("Idempotency-Key", "a"), ("idempotency-key", "b")),
        (("X-Idempotency-Key", "b"), ("Idempotency-Key", "a")),
        (("Content-Type", "application/json"), ("Content-Type", "text/plain")),
        (("X-Correlation-Id", "a"), ("X-Correlation-Id", "b")),
    ],
)
def test_lines_of_one_header_that_differ_are_refused_in_either_order(
    api: Api, first: tuple[str, str], second: tuple[str, str]
) -> None:
    """Of these API Gateway hands over the last as the header's value."""
    for lines in ((first, second), (second, first)):
        headers = [*lines, *([] if first[0] == "Content-Type" else [("Content-Type", "application/json")])]
        answer = api.raw(rest_event("POST", "/orders", headers=headers, body=json.dumps(C3), caller=a_caller()))
        assert (answer.status, answer.body["type"]) == (400, "urn:comanda:problem:malformed-request")
        assert "differ" in answer.body["detail"]
    assert api.resources.messages() == []


def test_lines_of_one_header_that_do_not_differ_are_one(api: Api) -> None:
    headers = [("Content-Type", "application/json"), ("Idempotency-Key", "a")] * 2
    assert api.raw(rest_event("POST", "/orders", headers=headers, body=json.dumps(C3), caller=a_caller())).status == 202


@pytest.mark.parametrize(
    ("bare", "quoted"),
    [("k-1", '"k-1"'), ('a"b\\c', '"a\\"b\\\\c"'), ("x" * 255, f'"{"x" * 255}"'), ("'k'", "\"'k'\"")],
)
def test_both_spellings_of_a_key_are_one_order(api: Api, bare: str, quoted: str) -> None:
    first = api.post(E1, Idempotency_Key=quoted)
    for spelling in (bare, quoted):
        again = api.post(E1, Idempotency_Key=spelling)
        assert (again.status, again.text, again.headers["Idempotency-Replayed"]) == (202, first.text, "true")
        assert api.post(changed(customer_id="9"), Idempotency_Key=spelling).status == 422
    assert first.body["order_id"] == IdempotencyKey("web", KeySpace.HEADER, bare).order_id
    assert api.post(E1, Idempotency_Key=quoted, X_Idempotency_Key=bare).text == first.text
    assert len(api.resources.messages()) == 1


@pytest.mark.parametrize("forgotten", [False, True])
def test_an_order_that_an_older_release_made_under_the_quoted_text_is_found(api: Api, *, forgotten: bool) -> None:
    made = as_an_older_release(api, '"k-1"')
    if forgotten:
        forget(api)
    again = api.post(E1, Idempotency_Key='"k-1"')
    assert (again.status, again.text, again.headers["Idempotency-Replayed"]) == (202, made.text, "true")
    assert api.post(changed(customer_id="9"), Idempotency_Key='"k-1"').status == 422
    bare = api.post(E1, Idempotency_Key="k-1")
    assert bare.body["order_id"] == IdempotencyKey("web", KeySpace.HEADER, "k-1").order_id
    assert api.post(E1, Idempotency_Key='"k-1"').text == made.text
    assert len(api.resources.messages()) == 2


def test_a_bare_key_costs_no_look_for_what_an_older_release_made(api: Api) -> None:
    looks: list[dict[str, Any]] = []
    api.resources.dynamodb.meta.events.register(
        "before-parameter-build.dynamodb.GetItem", lambda params, **_: looks.append(params)
    )

    def looks_at_orders() -> list[bool]:
        return [look["ConsistentRead"] for look in looks if look["TableName"] == api.resources.orders_table]

    api.post(E1, Idempotency_Key="k-1")
    assert looks_at_orders() == []
    api.post(E1, Idempotency_Key='"k-2"')
    assert looks_at_orders() == [True]
    api.post(E1, Idempotency_Key='"with a blank"')  # Which no older release took.
    assert looks_at_orders() == [True]


@pytest.mark.parametrize(
    "key",
    [
        '"',
        '""',
        '"a',
        'a"',
        '"a"b',
        '"a";x=1',
        '"a", "b"',
        '"a\\b"',
        '"a\\"',
        '"é"',
        '"a\tb"',
        f'"{"x" * 256}"',
        '"a" ',
    ],
)
def test_what_begins_with_a_quote_and_is_no_string_is_refused_with_advice(api: Api, key: str) -> None:
    answer = api.post(E1, Idempotency_Key=key)
    if key == 'a"':
        assert answer.status == 202  # A bare key, as ever.
        return
    assert (answer.status, answer.body["type"]) == (400, "urn:comanda:problem:malformed-request")
    assert "leave the quotes out" in answer.body["detail"]
    assert api.resources.messages() == []


def as_an_older_release(api: Api, text: str) -> Answer:
    """The request to a release that took the header's text for the key."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("comanda.adapters.http.key_header._key_of", HeaderKey)
        return api.post(E1, Idempotency_Key=text)


def test_the_same_key_gives_the_first_answer_again(api: Api) -> None:
    first = api.post(E1, Idempotency_Key="k-1")
    again = api.post(E1, X_Idempotency_Key="k-1")
    assert (again.status, again.text) == (202, first.text)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(api.resources.messages()) == 1


def test_the_same_key_gives_the_first_answer_even_after_its_record_is_gone(api: Api) -> None:
    first = api.post(E1, Idempotency_Key="k-1")
    forget(api)
    again = api.post(E1, Idempotency_Key="k-1")
    assert (again.status, again.text, again.headers["Idempotency-Replayed"]) == (202, first.text, "true")
    assert len(api.resources.messages()) == 1


@pytest.mark.parametrize("forgotten", [False, True])
def test_the_same_key_with_another_body_is_refused(api: Api, *, forgotten: bool) -> None:
    api.post(E1, Idempotency_Key="k-1")
    if forgotten:
        forget(api)
    answer = api.post(changed(customer_id="124"), Idempotency_Key="k-1")
    assert (answer.status, answer.body["type"]) == (422, "urn:comanda:problem:key-reused")
    assert len(api.resources.messages()) == 1


def test_a_clients_order_id_is_a_key_in_a_space_of_its_own(api: Api) -> None:
    by_id = api.post(changed(order_id="k-1"))
    again = api.post(changed(order_id="k-1"))
    by_header = api.post(E1, Idempotency_Key="k-1")
    assert again.text == by_id.text
    assert by_header.body["order_id"] != by_id.body["order_id"]
    assert api.post(changed(order_id="k-1", customer_id="9")).status == 422


def test_where_both_are_given_the_header_is_the_key(api: Api) -> None:
    first = api.post(changed(order_id="mine"), Idempotency_Key="k-1").body
    second = api.post(changed(order_id="mine"), Idempotency_Key="k-2").body
    assert first["order_id"] != second["order_id"]
    assert first["client_order_id"] == second["client_order_id"] == "mine"


def test_two_callers_never_share_a_key(api: Api) -> None:
    mine = api.post(E1, Idempotency_Key="k-1").body["order_id"]
    theirs = api.post(E1, a_caller("mobile", Origin.MOBILE), Idempotency_Key="k-1").body["order_id"]
    assert mine != theirs


def test_without_the_scope_nothing_is_taken(api: Api) -> None:
    answer = api.post(E1, a_caller(scopes=frozenset({Scope.ORDERS_READ})))
    assert (answer.status, "orders:write" in answer.body["detail"]) == (403, True)


def test_an_order_is_taken_under_those_scopes_that_open_it(api: Api) -> None:
    for scopes in every_scope_set():
        answer = api.post(E1, a_caller(scopes=scopes), Idempotency_Key="one-order-is-enough")
        assert answer.status == (202 if expected(Action.SUBMIT_ORDER, Whose.OWN, scopes) else 403), sorted(scopes)


def forget(api: Api) -> None:
    """Empty the idempotency table, as its TTL does in the end."""
    table, client = api.resources.idempotency_table, api.resources.dynamodb
    for record in client.scan(TableName=table)["Items"]:
        client.delete_item(TableName=table, Key={"id": record["id"]})
