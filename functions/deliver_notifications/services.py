"""The world outside, as it really is: the internet, mail, secrets, and links back to us."""

from zoneinfo import ZoneInfo

import boto3
from aws_lambda_powertools.utilities.parameters import SecretsProvider

from comanda.adapters.notifications.links import SignedLinks
from comanda.adapters.notifications.mail_sender import MailSender
from comanda.adapters.notifications.ses import SesMails
from comanda.adapters.notifications.webhook_call import WebhookCalls
from comanda.adapters.notifications.webhook_secrets import StoredWebhookSecrets
from comanda.adapters.reports.link_keys import StoredLinkKeys
from comanda.adapters.runtime.world import CLIENT_CONFIG, World
from comanda.application.notifications.ports import NotificationLinks
from comanda.domain.notifications.webhook_address import LOCAL_POLICY, AddressPolicy
from functions.deliver_notifications.app import ExternalServices, Settings


class ServiceSettings(Settings):
    """What the services outside are reached by."""

    stage: str
    webhook_secrets: str
    link_keys: str
    public_url: str
    email_from: str | None = None
    """Unset: no mails."""
    email_locale: str = "en-US"
    email_time_zone: str = "UTC"


def services_of(settings: ServiceSettings, world: World) -> ExternalServices:
    """Webhooks, their secrets, links and mail, as the stage is set up."""
    secrets = SecretsProvider(boto_config=CLIENT_CONFIG)
    policy = LOCAL_POLICY if settings.stage == "local" else AddressPolicy()
    links = SignedLinks(StoredLinkKeys(settings.link_keys, lambda: secrets), settings.public_url)
    return ExternalServices(
        receivers=WebhookCalls(policy, world.clock),
        secrets=StoredWebhookSecrets(secrets, settings.webhook_secrets),
        links=links,
        mail=_mail_of(settings, links),
    )


def _mail_of(settings: ServiceSettings, links: NotificationLinks) -> MailSender | None:
    if settings.email_from is None:
        return None
    mails = SesMails(boto3.client("sesv2", config=CLIENT_CONFIG), settings.email_from)
    return MailSender(mails, links, settings.email_locale, ZoneInfo(settings.email_time_zone))
