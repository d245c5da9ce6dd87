"""What Lambda calls."""

import os

from comanda.adapters.runtime.world import World
from functions.write_orders.app import Settings, build

handler = build(Settings.load(os.environ), World.real())
