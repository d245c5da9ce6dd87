"""What differs between stages, in one validated place.

Each setting can be given for one deploy: `cdk deploy --all -c stage=local -c enrichment.delay_seconds=0`.
This package imports nothing of CDK, so that a mistake in a setting is reported at once.

    stage        all settings of a stage: a group per capability (delivery, orders, enrichment, reports,
                 notifications, api, observability, functions), each in a module of its name
    stages       what local, dev and prod have of their own
    times        which time has to be longer than which
    origins      what an origin of web pages looks like
    loading      from the command line to settings, or to one line that says what is wrong
    flat_names   what settings were called before they stood in groups
"""

from infra.settings.delivery import QueueWork
from infra.settings.functions import LAMBDA_PYTHON
from infra.settings.group import SAVE_SECONDS
from infra.settings.loading import flat_names_in, load_settings
from infra.settings.stage import StageSettings
from infra.settings.stages import STAGE_NAMES, SettingsError

__all__ = [
    "LAMBDA_PYTHON",
    "SAVE_SECONDS",
    "STAGE_NAMES",
    "QueueWork",
    "SettingsError",
    "StageSettings",
    "flat_names_in",
    "load_settings",
]
