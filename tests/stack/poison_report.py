"""generate_report as it is, in a world where sending a certain part of a file is fatal, once. A test deploys it in the
real handler's place.

The worker dies by SIGKILL, as Lambda ends a function that is out of memory, when the first part of a file is up and the
second is about to be sent. The file that DEATHS_FILE names gets a line for each death; there is at most one.
"""

import os
import signal
from pathlib import Path
from typing import Any

from comanda.adapters.reports.world import ReportWorld
from functions.generate_report.app import Settings, build

FATAL_PART = 2


def die_once(params: dict[str, Any], **_: object) -> None:
    deaths = Path(os.environ["DEATHS_FILE"])
    if params["PartNumber"] == FATAL_PART and not deaths.read_text():
        deaths.write_text("died\n")
        os.kill(os.getpid(), signal.SIGKILL)


world = ReportWorld.real()
world.s3.meta.events.register("before-parameter-build.s3.UploadPart", die_once)
handler = build(Settings.load(os.environ), world)
