"""Rows of DynamoDB as they came over the wire, past botocore's parser.

The parser walks the service model for every attribute of every row, which is about two fifths of the processor time
that a report of 100,000 orders takes (`python -m benchmarks.reports --end-to-end`). What it would give is what the JSON
says already, as long as no attribute is binary; none is.
"""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ROWS_OF = {"Query": "Items", "BatchGetItem": "Responses"}


def leave_rows_raw(client: "DynamoDBClient") -> "DynamoDBClient":
    """From now on, what this client's Query and BatchGetItem read is not parsed twice. Gives the same client.

    Everything else in an answer, errors too, goes through botocore as ever. (botocore emits `before-parse` with the
    answer, and takes over what a handler puts into `customized_response_dict`.)
    """
    for operation, rows in _ROWS_OF.items():
        event = f"before-parse.dynamodb.{operation}"
        client.meta.events.register(event, _taking_out(rows), unique_id=f"raw rows of {operation}")
    return client


def _taking_out(rows: str) -> Any:
    def take_out(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
        if response_dict["status_code"] != 200:
            return
        answer = json.loads(response_dict["body"])
        if rows in answer:
            customized_response_dict[rows] = answer.pop(rows)
            response_dict["body"] = json.dumps(answer).encode()

    return take_out
