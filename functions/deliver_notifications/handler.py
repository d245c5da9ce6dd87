"""What Lambda calls."""

import os

from comanda.adapters.runtime.world import World
from functions.deliver_notifications.app import build
from functions.deliver_notifications.services import EdgeSettings, edge_of

world = World.real()
settings = EdgeSettings.load(os.environ)
handler = build(settings, world, edge_of(settings, world))
