"""The layers that functions run on."""

from pathlib import Path

from aws_cdk import RemovalPolicy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.bundling import Bundler
from infra.settings import StageSettings


def runtime_of(settings: StageSettings) -> lambda_.Runtime:
    """The stage's Python as a Lambda runtime."""
    return lambda_.Runtime(f"python{settings.functions.python_version}", lambda_.RuntimeFamily.PYTHON)


def architecture_of(settings: StageSettings) -> lambda_.Architecture:
    """The stage's processor architecture."""
    return lambda_.Architecture.ARM_64 if settings.functions.architecture == "arm64" else lambda_.Architecture.X86_64


class SharedLayers(Construct):
    """The two layers of every function: third-party packages, and the package `comanda`.

    Each stack makes layer versions of its own from the same two assets: a layer version cannot change, so an export
    of one could never be updated while another stack imports it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: StageSettings, bundler: Bundler) -> None:
        super().__init__(scope, construct_id)
        self.settings = settings
        self.bundler = bundler
        self.versions = [
            self.version(
                "Dependencies",
                "Powertools, pydantic and urllib3, as requirements/layer.txt locks them",
                bundler.dependencies_layer(),
            ),
            self.version("Comanda", "The code every function shares", bundler.comanda_layer()),
        ]

    def version(self, name: str, description: str, folder: Path) -> lambda_.LayerVersion:
        """A further layer, for a function that needs what the others do not."""
        return lambda_.LayerVersion(
            self,
            name,
            description=description,
            code=lambda_.Code.from_asset(str(folder)),
            compatible_runtimes=[runtime_of(self.settings)],
            compatible_architectures=[architecture_of(self.settings)],
            removal_policy=RemovalPolicy.DESTROY,
        )
