"""A stage whose enrichment provider is asked over HTTP: what the function is told, and what it may do."""

import json

import pytest

from comanda.adapters.enrichment.providers import ProviderSettings
from infra.settings import SAVE_SECONDS, STAGE_NAMES, load_settings
from tests.infra.conftest import Synthesized, synthesize
from tests.infra.test_orders_stack import as_list, named, statements
from tests.support.permissions import MAY, WITH_PROVIDER_SECRET

URL = {"enrichment.url": "https://prices.example.com/v1/enrich"}
HEALTH = {"enrichment.health_url": "https://prices.example.com/health"}
SECRET = {"enrichment.secret": "comanda-dev-enrichment"}
TOLD = {"ENRICHMENT_URL", "ENRICHMENT_CONNECT_SECONDS", "ENRICHMENT_READ_SECONDS", "ENRICHMENT_TOTAL_SECONDS"}
ASKING = ("enrich_order", "switch_enrichment")
"""The one asks about orders, the other how the provider is."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Fails where cdk-nag has a finding."""
    return synthesize(load_settings("dev", URL | HEALTH | SECRET), tmp_path_factory.mktemp("over-http"))


@pytest.mark.parametrize("name", ASKING)
def test_who_asks_is_told_where_and_by_what_name(stage: Synthesized, name: str) -> None:
    variables = stage.functions()[name]["Environment"]["Variables"]
    told = {variable for variable in variables if variable.startswith("ENRICHMENT_")} - {"ENRICHMENT_MAPPING"}
    assert told == TOLD | {"ENRICHMENT_HEALTH_URL", "ENRICHMENT_SECRET"}
    settings = ProviderSettings.load({variable: named(value) for variable, value in variables.items()})
    assert str(settings.enrichment_url) == URL["enrichment.url"]
    assert str(settings.enrichment_health_url) == HEALTH["enrichment.health_url"]
    assert settings.enrichment_secret == SECRET["enrichment.secret"]


def test_who_asks_the_provider_may_read_that_secret_and_nobody_else(stage: Synthesized) -> None:
    for name, policy in statements(stage).items():
        reading = [each for each in policy if "secretsmanager:GetSecretValue" in as_list(each["Action"])]
        others = ("authorize_request", "authorize_connection", "read_reports", "deliver_notifications")
        if name not in (*others, *ASKING):
            assert reading == []
    for name in ASKING:
        (statement,) = [each for each in statements(stage)[name] if "secret" in json.dumps(each["Action"])]
        assert {"secret": set(as_list(statement["Action"]))} == WITH_PROVIDER_SECRET
        assert json.dumps(statement["Resource"]).endswith(':secret:comanda-dev-enrichment-??????"]]}')


def test_a_provider_without_a_secret_gives_no_permission() -> None:
    settings = load_settings("dev", URL)
    assert settings.enrichment.secret is None
    assert not [name for name in MAY["enrich_order"] if name.startswith("secret")]


def test_the_secret_itself_is_made_by_nobody_here(stage: Synthesized) -> None:
    assert [*stage.resources("AWS::SecretsManager::Secret").values()] == [
        *stage.data.find_resources("AWS::SecretsManager::Secret").values()
    ]
    names = {secret["Properties"]["Name"] for secret in stage.resources("AWS::SecretsManager::Secret").values()}
    assert names == {"comanda-dev-tokens", "comanda-dev-webhook-secrets", "comanda-dev-link-keys"}


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_every_stage_can_have_a_provider(name: str) -> None:
    settings = load_settings(name, URL | SECRET)
    assert settings.enrichment.total_seconds + SAVE_SECONDS <= settings.orders.reserve_seconds
