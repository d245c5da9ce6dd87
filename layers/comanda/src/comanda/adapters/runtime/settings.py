"""Settings: each function declares its own, read from the environment once, when it starts (E8)."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError


class SettingsError(Exception):
    """The environment lacks something, or holds something that is not what it should be."""


class Settings(BaseModel):
    """`orders_table` is read from ORDERS_TABLE, and so on."""

    model_config = ConfigDict(frozen=True, alias_generator=str.upper, extra="ignore")

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> Self:
        """Raises SettingsError that names each variable at fault, and never its value."""
        try:
            return cls.model_validate(environment)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise SettingsError(f"{cls.__name__}: {faults}") from None
