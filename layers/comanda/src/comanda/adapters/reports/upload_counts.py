"""How many upload links a caller was given in an hour: a row each in the idempotency table, whose TTL removes it.

One conditional write counts, so that two requests at once do not both take the last one. Powertools' keys in that table
are `<name>#<hash>`; none begins with `uploads#`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from comanda.adapters.aws.errors import answering, code_of
from comanda.adapters.aws.values import to_dynamodb
from comanda.domain.shared.times import to_iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT = timedelta(hours=2)


@dataclass(frozen=True)
class UploadCountTable:
    """Implements `UploadCounts`."""

    client: "DynamoDBClient"
    table: str

    def count(self, caller: str, hour: datetime, most: int) -> bool:
        try:
            with answering("idempotency table"):
                self.client.update_item(
                    TableName=self.table,
                    Key=to_dynamodb({"id": f"uploads#{caller}#{to_iso(hour)}"}),
                    UpdateExpression="ADD uploads :one SET expiration = :expiration",
                    ConditionExpression="attribute_not_exists(uploads) OR uploads < :most",
                    ExpressionAttributeValues=to_dynamodb(
                        {":one": 1, ":most": most, ":expiration": int((hour + _KEPT).timestamp())}
                    ),
                )
        except ClientError as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True
