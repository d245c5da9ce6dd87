"""A table of what messages are about: one row each, written under the condition that it still is as it was read. Each
row is read on its own, and one that cannot be read takes no other along."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from comanda.adapters.aws.row_fields import is_unreadable
from comanda.adapters.aws.versioned_rows import VersionedRows
from comanda.adapters.delivery.work_item_rows import failure_to_row
from comanda.application.delivery.ports import Row
from comanda.domain.delivery.work_item import Failure
from comanda.domain.shared.errors import UnreadableRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class WorkItemTable(ABC, Generic[Row]):
    """Implements `Rows`."""

    client: "DynamoDBClient"
    name: str

    key: ClassVar[str]
    what: ClassVar[str]
    """What it is called where it does not answer."""
    over: ClassVar[Collection[str]]
    """Statuses of rows that are done with, and did not fail."""
    of_open_rows: ClassVar[tuple[str, ...]] = ("owed",)
    """Attributes that no failed row has."""

    @abstractmethod
    def to_row(self, item: Row) -> dict[str, Any]: ...

    @abstractmethod
    def from_row(self, row: Mapping[str, Any]) -> Row:
        """Raises UnreadableRow."""

    @abstractmethod
    def attention_of_failed(self, row_id: str) -> str:
        """The key of the index for a failed row. Raises ValueError where the id is none of ours."""

    def claim(self, item: Row) -> Row | None:
        found = self._rows.claim(self.to_row(item))
        return self.from_row(found) if found else None

    def get(self, row_id: str) -> Row | None:
        row = self._rows.get(row_id)
        return self.from_row(row) if row else None

    def get_many(self, row_ids: Iterable[str]) -> Mapping[str, Row | UnreadableRow]:
        return {row_id: self._read(row) for row_id, row in self._rows.get_many(row_ids).items()}

    def save(self, before: Row, after: Row) -> None:
        self._rows.save(self.to_row(before), self.to_row(after))

    def mark_sent(self, owed: Row, sent: Row) -> None:
        self._rows.mark_sent(self.to_row(owed), self.to_row(sent))

    def fail_unreadable(self, row_id: str, failure: Failure) -> bool:
        found = self._rows.get_many([row_id]).get(row_id)
        if found is None or not is_unreadable(found, self.from_row):
            return False
        try:
            also = {"attention": self.attention_of_failed(row_id)}
        except ValueError:
            return False
        return self._rows.fail_unreadable(found, self.over, failure_to_row(failure), also, self.of_open_rows)

    def _listed(self, index: str, attribute: str, value: str) -> Iterator[list[Row | UnreadableRow]]:
        """Page by page, those that cannot be read first in each."""
        for rows in self._rows.listed(index, attribute, value):
            found = [self._read(row) for row in rows.values()]
            yield sorted(found, key=_place_in_page)

    def _read(self, row: Mapping[str, Any]) -> Row | UnreadableRow:
        try:
            return self.from_row(row)
        except UnreadableRow as error:
            return error

    @property
    def _rows(self) -> VersionedRows:
        return VersionedRows(self.client, self.name, self.key, self.what)


def _place_in_page(found: Row | UnreadableRow) -> tuple[Any, ...]:
    return (0,) if isinstance(found, UnreadableRow) else (1, found.created_at)
