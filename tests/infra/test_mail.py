"""A stage that sends mail: the one right and the variables that come with it."""

import pytest

from infra.settings import load_settings
from tests.infra.conftest import Synthesized, synthesize
from tests.infra.test_api_stack import flat
from tests.infra.test_orders_stack import as_list, statements


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    settings = load_settings(
        "dev", {"notifications.email_from": "notices@example.com", "notifications.email_locale": "en-US"}
    )
    return synthesize(settings, tmp_path_factory.mktemp("mail"))


def test_the_deliverer_may_send_from_the_address_or_its_domain_and_nobody_else_may(stage: Synthesized) -> None:
    sending = {
        name: [
            flat(resource).rpartition(":identity/")[2]
            for statement in policy
            if statement["Action"] == "ses:SendEmail"
            for resource in as_list(statement["Resource"])
        ]
        for name, policy in statements(stage).items()
    }
    assert set(sending.pop("deliver_notifications")) == {"notices@example.com", "example.com"}
    assert not any(sending.values())


def test_intake_and_deliverer_know_the_sender(stage: Synthesized) -> None:
    for name in ("write_orders", "write_reports", "deliver_notifications"):
        assert stage.functions()[name]["Environment"]["Variables"]["EMAIL_FROM"] == "notices@example.com"
    variables = stage.functions()["deliver_notifications"]["Environment"]["Variables"]
    assert (variables["EMAIL_LOCALE"], variables["EMAIL_TIME_ZONE"]) == ("en-US", "America/Sao_Paulo")
