"""Whatever is in a queue: a body is one of ours, or of a newer release, or none; nothing of it ends a worker."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comanda.domain.delivery.messages import MAX_TEXT_BYTES, NewerSchema
from comanda.domain.notifications.messages import NotificationMessage
from comanda.domain.orders.messages import OrderMessage
from comanda.domain.reports.messages import ReportMessage

Message = OrderMessage | ReportMessage | NotificationMessage
Parse = Callable[[str], Message]

GOOD: dict[Parse, str] = {
    OrderMessage.parse: '{"event":"order.created","order_id":"o-1","payload_hash":"h","replay":3}',
    ReportMessage.parse: '{"event":"report.requested","payload_hash":"h","replay":3,"report_id":"r-1"}',
    NotificationMessage.parse: '{"event":"notification.due","notification_id":"n-1","replay":3}',
}
ID_OF: dict[Parse, str] = {
    OrderMessage.parse: "order_id",
    ReportMessage.parse: "report_id",
    NotificationMessage.parse: "notification_id",
}
KINDS = pytest.mark.parametrize("parse", GOOD, ids=ID_OF.values())


def changed(parse: Parse, **fields: object) -> str:
    return json.dumps(json.loads(GOOD[parse]) | fields)


@KINDS
def test_bodies_stay_as_they_are(parse: Parse) -> None:
    """Deduplication ids are made of them: two releases that run side by side must write the same bytes."""
    message = parse(GOOD[parse])
    assert (message.body, message.replay) == (GOOD[parse], 3)


@KINDS
@pytest.mark.parametrize(
    "replay", ["1e999999999", "1E3", "1.0", "-1", "true", "null", '"1"', "[]", "1000000001", "9" * 5000, "NaN"]
)
def test_a_run_is_a_plain_number(parse: Parse, replay: str) -> None:
    with pytest.raises(ValueError, match=r"^not "):
        parse(GOOD[parse].replace('"replay":3', f'"replay":{replay}'))


@KINDS
@pytest.mark.parametrize("row_id", ["", "x" * (MAX_TEXT_BYTES + 1), "ã" * (MAX_TEXT_BYTES // 2 + 1), "\ud800", 1, None])
def test_an_id_can_be_the_key_of_a_row(parse: Parse, row_id: object) -> None:
    with pytest.raises(ValueError, match=r"^not "):
        parse(changed(parse, **{ID_OF[parse]: row_id}))


@KINDS
def test_the_longest_key_there_may_be_is_an_id(parse: Parse) -> None:
    assert parse(changed(parse, **{ID_OF[parse]: "x" * MAX_TEXT_BYTES})).row_id == "x" * MAX_TEXT_BYTES


@KINDS
@pytest.mark.parametrize("deep", ["[" * 15_000, '{"a":' * 3_000, '{"a":[' * 1_000_000])
def test_a_deep_body_is_no_message(parse: Parse, deep: str) -> None:
    with pytest.raises(ValueError, match=r"^not "):
        parse(deep)


@KINDS
@pytest.mark.parametrize("row_id", ["secret", "\ud800secret"])
def test_what_is_wrong_is_not_quoted(parse: Parse, row_id: str) -> None:
    with pytest.raises(ValueError, match=r"^not ") as caught:
        parse(changed(parse, **{ID_OF[parse]: row_id, "replay": "secret"}))
    assert "secret" not in str(caught.value)


@KINDS
def test_a_body_of_a_newer_release_is_told_apart(parse: Parse) -> None:
    assert parse(changed(parse, schema=1)) == parse(GOOD[parse])
    with pytest.raises(NewerSchema):
        parse(changed(parse, schema=2, replay={"of": "another form"}))


@KINDS
@pytest.mark.parametrize("schema", [0, -1, True, "2", 2.0, None, [2]])
def test_a_form_has_a_whole_number(parse: Parse, schema: object) -> None:
    with pytest.raises(ValueError, match="schema") as caught:
        parse(changed(parse, schema=schema))
    assert not isinstance(caught.value, NewerSchema)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.sampled_from(list(GOOD)), st.sampled_from(["event", "payload_hash", "replay", "schema", "id"]), JUNK)
def test_a_body_with_any_field_replaced_is_a_message_or_none(parse: Parse, name: str, junk: object) -> None:
    try:
        message = parse(changed(parse, **{ID_OF[parse] if name == "id" else name: junk}))
    except ValueError:
        return
    assert parse(message.body) == message
