"""What a model of an AWS service answers when it refuses."""

from collections.abc import Mapping
from typing import Any


class AwsError(Exception):
    """An error answer: its code, and further fields that some errors carry."""

    def __init__(self, code: str, message: str, status: int = 400, **fields: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields: Mapping[str, Any] = fields


class NotModelled(Exception):
    """The code under test asks for something that the model does not know. Not an answer: the simulator must grow."""
