"""The world outside, as it really is: the internet, secrets, and links back to us."""

from aws_lambda_powertools.utilities.parameters import SecretsProvider

from comanda.adapters.link_keys import StoredLinkKeys
from comanda.adapters.notification_links import SignedLinks
from comanda.adapters.webhook_call import WebhookCalls
from comanda.adapters.webhook_secrets import StoredWebhookSecrets
from comanda.adapters.world import CLIENT_CONFIG, World
from comanda.domain.webhook_address import LOCAL_POLICY, AddressPolicy
from functions.deliver_notifications.app import Edge, Settings


class EdgeSettings(Settings):
    stage: str
    webhook_secrets: str
    link_keys: str
    public_url: str


def edge_of(settings: EdgeSettings, world: World) -> Edge:
    secrets = SecretsProvider(boto_config=CLIENT_CONFIG)
    policy = LOCAL_POLICY if settings.stage == "local" else AddressPolicy()
    return Edge(
        receivers=WebhookCalls(policy, world.clock),
        secrets=StoredWebhookSecrets(secrets, settings.webhook_secrets),
        links=SignedLinks(StoredLinkKeys(settings.link_keys, lambda: secrets), settings.public_url),
    )
