"""Mails on moto's SES, and what becomes of each of its refusals."""

from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sesv2.models import sesv2_backends

from comanda.adapters.notifications.ses import SesMails
from comanda.application.notifications.mails import Mail
from comanda.domain.shared.errors import PermanentError, Unavailable
from comanda.domain.shared.locale import EN_US, PT_BR
from comanda.domain.shared.notify import EVENTS
from comanda_cli.stack.sessions import local_session
from tests.application.notifications.test_mails import written

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

SENDER = "Comanda <notices@example.com>"
MAIL = Mail("Pedido concluído", "texto\n", "<p>texto</p>")


@pytest.fixture
def client(moto_session: boto3.Session) -> "SESV2Client":
    return moto_session.client("sesv2", region_name="us-east-1")


def send(client: "SESV2Client") -> None:
    SesMails(client, SENDER).send("ana@example.com", MAIL, "n-1")


@mock_aws
def test_a_mail_is_handed_over_with_both_its_parts(client: "SESV2Client") -> None:
    client.create_email_identity(EmailIdentity="notices@example.com")
    sent: list[dict[str, Any]] = []
    client.meta.events.register("provide-client-params.sesv2.SendEmail", lambda params, **_: sent.append(params))
    send(client)
    (kept,) = sesv2_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].core_backend.sent_messages
    assert (kept.source, kept.subject, kept.body) == (SENDER, MAIL.subject, MAIL.html)
    assert kept.destinations["ToAddresses"] == ["ana@example.com"]
    simple = sent[0]["Content"]["Simple"]
    assert simple["Body"]["Text"] == {"Data": MAIL.text, "Charset": "UTF-8"}
    assert {"Name": "X-Comanda-Notification", "Value": "n-1"} in simple["Headers"]


def test_the_emulator_keeps_both_parts_of_every_mail_in_either_language(bare_emulator: str) -> None:
    client = local_session(bare_emulator).client("sesv2")
    client.create_email_identity(EmailIdentity="notices@example.com")
    mails = [MAIL, *(written(event, locale=locale) for event in EVENTS for locale in (PT_BR, EN_US))]
    for mail in mails:
        SesMails(client, SENDER).send("ana@example.com", mail, "n-1")
    captured = httpx.get(f"{bare_emulator}/_ministack/ses/messages", trust_env=False).json()["messages"]
    kept = [mail for of_account in captured.values() for mail in of_account]
    assert [(mail["Subject"], mail["BodyText"], mail["BodyHtml"]) for mail in kept] == [
        (mail.subject, mail.text, mail.html) for mail in mails
    ]


@pytest.mark.parametrize("code", ["MessageRejected", "BadRequestException"])
def test_a_mail_that_is_not_taken_is_not_tried_again(client: "SESV2Client", code: str) -> None:
    with Stubber(client) as ses:
        ses.add_client_error("send_email", code, "Email address is not verified")
        with pytest.raises(PermanentError, match="not verified") as caught:
            send(client)
    assert caught.value.name == "MailRejected"


@pytest.mark.parametrize(
    "code",
    [
        "TooManyRequestsException",
        "LimitExceededException",
        "AccountSuspendedException",
        "SendingPausedException",
        "MailFromDomainNotVerifiedException",
        "NotFoundException",
        "InternalFailure",
        "AccessDeniedException",
    ],
)
def test_what_is_about_the_account_costs_no_attempt(client: "SESV2Client", code: str) -> None:
    with Stubber(client) as ses:
        ses.add_client_error("send_email", code, http_status_code=400)
        with pytest.raises(Unavailable, match=code):
            send(client)


@mock_aws
def test_no_connection_costs_no_attempt(client: "SESV2Client") -> None:
    def refuse(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://email.test")

    client.meta.events.register("before-call.sesv2.SendEmail", refuse)
    with pytest.raises(Unavailable):
        send(client)


def test_a_request_that_is_wrong_is_a_defect(client: "SESV2Client") -> None:
    with Stubber(client) as ses:
        ses.add_client_error("send_email", "ValidationException")
        with pytest.raises(ClientError):
            send(client)
