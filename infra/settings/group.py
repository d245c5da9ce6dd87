"""What all groups of settings have in common."""

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

EmailAddress = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
SAVE_SECONDS = 2
"""What a worker needs at least to read its rows, or to save an answer and hand its order on."""


class Group(BaseModel):
    """The settings of one capability. Units stand in the names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def from_json(value: Any) -> Any:
    """The command line gives texts; a text that is no JSON is handed on, for the type of the setting to refuse."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
