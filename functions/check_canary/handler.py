"""What Lambda calls."""

import os
from datetime import UTC, datetime
from functools import partial

from aws_lambda_powertools.utilities.parameters import SecretsProvider

from comanda.adapters.runtime.world import CLIENT_CONFIG
from functions.check_canary.app import Settings, build

handler = build(Settings.load(os.environ), SecretsProvider(boto_config=CLIENT_CONFIG), partial(datetime.now, UTC))
