"""What Lambda calls."""

import os

from comanda.adapters.runtime.world import World
from functions.process_order.app import Settings, build

handler = build(Settings.load(os.environ), World.real())
