"""enrich_order as it is, in a world where some sleeps are the last. A test deploys it in the real handler's place.

The simulated provider sleeps while it works on an order, by `SLOW-n` n seconds more. From 100 on, n says which order
was started, and how it kills the process:

    100 to 199   os._exit
    200 to 299   SIGKILL, as Lambda kills a function that is out of memory; the emulator enforces no memory limit
    300 to 399   nothing: the sleep is longer than the function's timeout

The file that STARTS_FILE names gets a line with n for each start.
"""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

from comanda.adapters.runtime.world import World, lambda_client
from functions.enrich_order.app import Settings, build


def sleep(seconds: float) -> None:
    number = int(seconds)
    if number >= 100:
        with Path(os.environ["STARTS_FILE"]).open("a") as starts:
            starts.write(f"{number}\n")
    if 100 <= number < 200:
        os._exit(1)
    if 200 <= number < 300:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(seconds)


handler = build(Settings.load(os.environ), replace(World.real(), sleep=sleep), lambda_client())
