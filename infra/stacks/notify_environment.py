"""What a function needs that takes requests to be told of something."""

from infra.settings import StageSettings
from infra.stacks.data_stack import DataStack


def notify_environment(settings: StageSettings, data: DataStack) -> dict[str, str]:
    """What a function that reads `notify` is told of its stage."""
    environment = {"SUBSCRIPTIONS_TABLE": data.subscriptions.table_name}
    return environment | (
        {"EMAIL_FROM": settings.notifications.email_from} if settings.notifications.email_from else {}
    )
