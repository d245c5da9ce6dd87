"""What Lambda calls."""

import os

from comanda.adapters.runtime.world import World
from functions.tend_notifications.app import Settings, build

handler = build(Settings.load(os.environ), World.real())
