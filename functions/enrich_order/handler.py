"""What Lambda calls."""

import os

from comanda.adapters.runtime.world import World, lambda_client
from functions.enrich_order.app import Settings, build

handler = build(Settings.load(os.environ), World.real(), lambda_client())
