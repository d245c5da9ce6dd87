"""Lambda's API as far as functions call it: other functions, and their own event source mappings."""

import json
from collections.abc import Mapping
from random import Random
from typing import Any

from botocore.awsrequest import AWSPreparedRequest

from tests.simulation.errors import AwsError
from tests.simulation.functions import EventSourceMapping, Functions

LONGEST_CHANGE = 40.0
"""Seconds that a mapping takes at most until it is enabled or disabled."""


class LambdaService:
    def __init__(self, functions: Functions, mappings: Mapping[str, EventSourceMapping], random: Random) -> None:
        """`mappings` by UUID."""
        self._functions = functions
        self._mappings = mappings
        self._random = random
        self._changing: dict[str, bool] = {}
        """Mappings on their way, and where to."""

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        match operation:
            case "Invoke":
                self._functions.invoke(request["FunctionName"], {}, lambda _: None)
                return {}
            case "GetEventSourceMapping":
                return self._shown(request["UUID"])
            case "UpdateEventSourceMapping":
                return self._update(request["UUID"], enabled=request["Enabled"])
            case _:
                raise NotImplementedError(operation)

    def _update(self, uuid: str, *, enabled: bool) -> dict[str, Any]:
        if uuid in self._changing:
            raise AwsError("ResourceInUseException", "The mapping is being changed.")
        if self._mappings[uuid].enabled is not enabled:
            self._changing[uuid] = enabled
            self._functions.scheduler.after(self._random.uniform(0.1, LONGEST_CHANGE), lambda: self._arrive(uuid))
        return self._shown(uuid)

    def _arrive(self, uuid: str) -> None:
        mapping = self._mappings[uuid]
        mapping.enabled = self._changing.pop(uuid)
        self._functions.history.tell(f"the mapping {uuid} is {'on' if mapping.enabled else 'off'}")
        mapping.wake()

    def _shown(self, uuid: str) -> dict[str, Any]:
        if uuid in self._changing:
            state = "Enabling" if self._changing[uuid] else "Disabling"
        else:
            state = "Enabled" if self._mappings[uuid].enabled else "Disabled"
        return {"UUID": uuid, "State": state}


def request_of(operation: str, request: AWSPreparedRequest) -> dict[str, Any]:
    """Of its REST dialect: what the path says, and the JSON of the body."""
    path = request.url.split("?")[0].split("/")
    named = {"FunctionName": path[-2]} if operation == "Invoke" else {"UUID": path[-1]}
    return {**json.loads(request.body or b"{}"), **named}  # type: ignore[arg-type]
