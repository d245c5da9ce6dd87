"""A stage whose enrichment provider is asked over HTTP: what the function is told, and what it may do."""

import json

import pytest

from functions.enrich_order.app import Settings
from infra.settings import SAVE_SECONDS, STAGE_NAMES, load_settings
from tests.infra.conftest import Synthesized, synthesize
from tests.infra.test_orders_stack import COMMON, ENVIRONMENT, as_list, named, statements
from tests.permissions import MAY, WITH_PROVIDER_SECRET

URL = {"enrichment_url": "https://prices.example.com/v1/enrich"}
SECRET = {"enrichment_secret": "comanda-dev-enrichment"}
TOLD = {"ENRICHMENT_URL", "ENRICHMENT_CONNECT_SECONDS", "ENRICHMENT_READ_SECONDS", "ENRICHMENT_TOTAL_SECONDS"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Fails where cdk-nag has a finding."""
    return synthesize(load_settings("dev", URL | SECRET), tmp_path_factory.mktemp("over-http"))


def test_the_function_is_told_where_and_by_what_name(stage: Synthesized) -> None:
    variables = stage.functions()["enrich_order"]["Environment"]["Variables"]
    simulated = {"ENRICHMENT_DELAY_SECONDS"}
    assert set(variables) == COMMON | (ENVIRONMENT["enrich_order"] - simulated) | TOLD | {"ENRICHMENT_SECRET"}
    settings = Settings.load({variable: named(value) for variable, value in variables.items()})
    assert str(settings.enrichment_url) == URL["enrichment_url"]
    assert settings.enrichment_secret == SECRET["enrichment_secret"]
    assert settings.enrichment_total_seconds + SAVE_SECONDS <= settings.worker_reserve_seconds


def test_the_function_may_read_that_secret_and_nobody_else(stage: Synthesized) -> None:
    for name, policy in statements(stage).items():
        reading = [each for each in policy if "secretsmanager:GetSecretValue" in as_list(each["Action"])]
        if name not in ("authorize_request", "enrich_order"):
            assert reading == []
    (statement,) = [each for each in statements(stage)["enrich_order"] if "secret" in json.dumps(each["Action"])]
    assert {"secret": set(as_list(statement["Action"]))} == WITH_PROVIDER_SECRET
    assert json.dumps(statement["Resource"]).endswith(':secret:comanda-dev-enrichment-??????"]]}')


def test_a_provider_without_a_secret_gives_no_permission() -> None:
    settings = load_settings("dev", URL)
    assert settings.enrichment_secret is None
    assert "secret" not in MAY["enrich_order"]


def test_the_secret_itself_is_made_by_nobody_here(stage: Synthesized) -> None:
    assert [*stage.resources("AWS::SecretsManager::Secret").values()] == [
        *stage.data.find_resources("AWS::SecretsManager::Secret").values()
    ]
    assert len(stage.resources("AWS::SecretsManager::Secret")) == 1, "the tokens"


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_every_stage_can_have_a_provider(name: str) -> None:
    settings = load_settings(name, URL | SECRET)
    assert settings.enrichment_total_seconds + SAVE_SECONDS <= settings.worker_reserve_seconds
