"""What Lambda calls."""

import os

from comanda.adapters.reports.world import ReportWorld
from functions.write_reports.app import Settings, build

handler = build(Settings.load(os.environ), ReportWorld.real())
