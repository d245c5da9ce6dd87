"""What Lambda calls."""

import os

from aws_lambda_powertools.utilities.parameters import SecretsProvider

from functions.authorize_connection.app import Settings, build

handler = build(Settings.load(os.environ), SecretsProvider())
