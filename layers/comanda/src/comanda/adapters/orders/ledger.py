"""The ledger table: per recipient one item `balance`, and one item `entry#<sequence>` for each completed order."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from comanda.adapters.aws.errors import answering, code_of
from comanda.adapters.aws.row_fields import Fields, any_amount, count, moment, name, reading
from comanda.adapters.aws.values import decoded, is_key, to_dynamodb
from comanda.adapters.orders.table import update_of_order
from comanda.application.delivery.ports import VersionConflict
from comanda.application.orders.ports import Balance, LedgerEntry, Posting
from comanda.domain.shared.errors import Unavailable
from comanda.domain.shared.times import to_iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BALANCE = "balance"
_SEQUENCE_DIGITS = 12
_LAST_SEQUENCE = 10**_SEQUENCE_DIGITS - 1


@dataclass(frozen=True)
class LedgerTable:
    """Implements `Ledger`."""

    client: "DynamoDBClient"
    name: str
    orders_table: str

    def balance(self, recipient_id: str) -> Balance | None:
        if not is_key(recipient_id):
            return None
        with answering("ledger table"):
            answer = self.client.get_item(
                TableName=self.name,
                Key=to_dynamodb({"recipient_id": recipient_id, "entry": _BALANCE}),
                ConsistentRead=True,
            )
        if "Item" not in answer:
            return None
        return reading(f"the ledger of {recipient_id}", decoded(answer["Item"]), partial(_balance_of, recipient_id))

    def entries(self, recipient_id: str, after: int, limit: int) -> Sequence[LedgerEntry]:
        if not is_key(recipient_id) or after >= _LAST_SEQUENCE:
            return []
        with answering("ledger table"):
            answer = self.client.query(
                TableName=self.name,
                KeyConditionExpression="recipient_id = :recipient_id AND entry BETWEEN :first AND :last",
                ExpressionAttributeValues=to_dynamodb(
                    {
                        ":recipient_id": recipient_id,
                        ":first": _entry_key(after + 1),
                        ":last": _entry_key(_LAST_SEQUENCE),
                    }
                ),
                Limit=limit,
                ConsistentRead=True,
            )
        what = f"the ledger of {recipient_id}"
        return [reading(what, decoded(item), _entry_of) for item in answer["Items"]]

    def post(self, posting: Posting) -> None:
        try:
            with answering("ledger table"):
                self.client.transact_write_items(TransactItems=self._transaction(posting))
        except ClientError as error:
            if code_of(error) != "TransactionCanceledException":
                raise
            reasons = {str(reason.get("Code")) for reason in error.response.get("CancellationReasons", [])}
            if "ConditionalCheckFailed" in reasons:
                raise VersionConflict(posting.before.recipient_id) from error
            if "ValidationError" in reasons or "ItemCollectionSizeLimitExceeded" in reasons:
                raise
            raise Unavailable(f"ledger table: {', '.join(sorted(reasons - {'None'}))}") from error

    def _transaction(self, posting: Posting) -> list[Any]:
        """At most 10 orders (the batch) and so 21 writes; DynamoDB takes 100."""
        orders = [{"Update": update_of_order(self.orders_table, before, after)} for before, after in posting.orders]
        entries = [{"Put": self._put_entry(posting.after.recipient_id, entry)} for entry in posting.entries]
        return [{"Update": self._update_balance(posting)}, *entries, *orders]

    def _put_entry(self, recipient_id: str, entry: LedgerEntry) -> dict[str, Any]:
        return {
            "TableName": self.name,
            "Item": to_dynamodb(
                {
                    "recipient_id": recipient_id,
                    "entry": _entry_key(entry.sequence),
                    "sequence": entry.sequence,
                    "order_id": entry.order_id,
                    "amount": entry.amount,
                    "completed_at": to_iso(entry.completed_at),
                }
            ),
            "ConditionExpression": "attribute_not_exists(recipient_id)",
        }

    def _update_balance(self, posting: Posting) -> dict[str, Any]:
        before, after = posting.before, posting.after
        condition = "orders_completed = :read" if before.orders_completed else "attribute_not_exists(recipient_id)"
        values: dict[str, object] = {
            ":balance": after.amount,
            ":currency": after.currency,
            ":orders_completed": after.orders_completed,
        }
        if before.orders_completed:
            values[":read"] = before.orders_completed
        return {
            "TableName": self.name,
            "Key": to_dynamodb({"recipient_id": after.recipient_id, "entry": _BALANCE}),
            "UpdateExpression": "SET balance = :balance, currency = :currency, orders_completed = :orders_completed",
            "ConditionExpression": condition,
            "ExpressionAttributeValues": to_dynamodb(values),
        }


def _entry_key(sequence: int) -> str:
    return f"entry#{sequence:0{_SEQUENCE_DIGITS}d}"


def _balance_of(recipient_id: str, row: Fields) -> Balance:
    return Balance(
        recipient_id,
        currency=row.get("currency", name),
        amount=row.get("balance", any_amount),
        orders_completed=row.get("orders_completed", count),
    )


def _entry_of(row: Fields) -> LedgerEntry:
    return LedgerEntry(
        sequence=row.get("sequence", count),
        order_id=row.get("order_id", name),
        amount=row.get("amount", any_amount),
        completed_at=row.get("completed_at", moment),
    )
