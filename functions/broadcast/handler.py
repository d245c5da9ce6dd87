"""What Lambda calls."""

import os

from comanda.adapters.live.world import ConnectionWorld
from functions.broadcast.app import Settings, build

_settings = Settings.load(os.environ)
handler = build(_settings, ConnectionWorld.real(_settings.callback_url, _settings.aws_endpoint_url))
