"""The event source mapping of the enrichment, switched on and off, and the one function that may do so."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from comanda.adapters.aws.errors import answering, code_of

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_ON, _OFF = {"Enabled", "Enabling"}, {"Disabled", "Disabling"}


@dataclass(frozen=True)
class EventSourceMapping:
    """Implements `EventSource`."""

    client: "LambdaClient"
    uuid: str

    def switch(self, *, on: bool) -> bool:
        """A mapping that is still changing refuses another change ("UpdateEventSourceMapping", ResourceInUse)."""
        with answering("event source mapping"):
            state = self.client.get_event_source_mapping(UUID=self.uuid)["State"]
        if state in (_ON if on else _OFF):
            return True
        try:
            with answering("event source mapping", passing={"ResourceInUseException"}):
                self.client.update_event_source_mapping(UUID=self.uuid, Enabled=on)
        except ClientError as error:
            if code_of(error) != "ResourceInUseException":
                raise
            return False
        return True


@dataclass(frozen=True)
class SwitchFunction:
    """Calls the function that pauses and resumes enrichment, and does not wait for it."""

    client: "LambdaClient"
    name: str

    def call(self) -> None:
        """Have it look at once, and not wait for it. Raises Unavailable."""
        with answering("switch function"):
            self.client.invoke(FunctionName=self.name, InvocationType="Event")
