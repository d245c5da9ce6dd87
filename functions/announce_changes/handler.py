"""What Lambda calls."""

import os

from comanda.adapters.runtime.world import World
from functions.announce_changes.app import Settings, build

handler = build(Settings.load(os.environ), World.real())
