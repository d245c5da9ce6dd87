"""What Lambda calls."""

import os

from comanda.adapters.runtime.world import World
from functions.deliver_notifications.app import build
from functions.deliver_notifications.services import ServiceSettings, services_of

world = World.real()
settings = ServiceSettings.load(os.environ)
handler = build(settings, world, services_of(settings, world))
