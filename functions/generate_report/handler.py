"""What Lambda calls."""

import os

from comanda.adapters.reports.world import ReportWorld
from functions.generate_report.app import Settings, build

handler = build(Settings.load(os.environ), ReportWorld.real())
