"""The calls that a function makes, as the actions and the resources that IAM would check."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from tests.support.permissions import BY_THE_MAPPING, DELETE_BY_HAND, MAY, READ_SOURCE
from tests.support.report_targets import ReportResources
from tests.support.targets import Resources

Calls = dict[str, set[str]]
"""Actions by resource."""

MAPPING = "0b7b4a52-7c0e-4f0c-9a77-3f1d1f5e8a10"
NAMED_BY = ("TableName", "QueueUrl", "FunctionName", "UUID", "SecretId")
ACTIONS = {
    "Invoke": "InvokeFunction",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
}
"""Operations that need the action of another ("Actions, resources, and condition keys" for Amazon SQS and S3)."""


class Recorder:
    """Notes each call of the clients while it listens, as the action and the resource IAM would check."""

    def __init__(self, names: dict[str, str], *clients: Any) -> None:
        """`names` of resources: what the table of permissions calls them."""
        self.calls: Calls = defaultdict(set)
        self._names = names
        for client in clients:
            client.meta.events.register("before-parameter-build.*", self._note)

    @classmethod
    def of(cls, resources: Resources, *clients: Any, others: dict[str, str] | None = None) -> "Recorder":
        names = {
            **(others or {}),
            resources.orders_table: "Orders",
            resources.ledger_table: "Ledger",
            resources.idempotency_table: "Idempotency",
            resources.circuits_table: "Circuits",
            resources.subscriptions_table: "Subscriptions",
            resources.notifications_table: "Notifications",
            resources.queue_url: "Queue",
            "switch-enrichment": "switch-enrichment",
            MAPPING: "EnrichOrderMapping",
        }
        return cls(names, resources.dynamodb, resources.sqs, resources.functions, *clients)

    @classmethod
    def of_reports(cls, resources: ReportResources, *clients: Any, others: dict[str, str] | None = None) -> "Recorder":
        named = ("Orders", "Ledger", "Reports", "Idempotency", "Subscriptions")
        tables = {resources.table(name.lower()): name for name in named}
        names = {
            **(others or {}),
            **tables,
            resources.bucket: "ReportFiles",
            resources.queue_url: "Queue",
            resources.link_keys_secret: "secret:link-keys",
        }
        return cls(names, resources.dynamodb, resources.sqs, resources.s3, *clients)

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        service, operation = model.service_model.service_name, model.name
        if operation == "TransactWriteItems":
            for item in params["TransactItems"]:
                ((kind, write),) = item.items()
                self._add(write["TableName"], f"{service}:{kind}Item")
        elif operation == "Query" and "IndexName" in params:
            self._add(params["TableName"], "dynamodb:Query", of=f"/index/{params['IndexName']}")
        elif operation in {"BatchGetItem", "BatchWriteItem"}:
            for table in params["RequestItems"]:
                self._add(table, f"{service}:{operation}")
        elif service == "s3":
            folder = params["Key"].partition("/")[0]
            self.calls[f"{self._names[params['Bucket']]}/{folder}/*"].add(f"s3:{ACTIONS.get(operation, operation)}")
            if folder == "tables" and operation in {"HeadObject", "GetObject"}:
                self._add(params["Bucket"], "s3:ListBucket")
        else:
            resource = next(params[name] for name in NAMED_BY if name in params)
            self._add(resource, f"{service}:{ACTIONS.get(operation, operation)}")

    def _add(self, resource: str, action: str, of: str = "") -> None:
        self.calls[self._names[resource] + of].add(action)


def allowed(function: str) -> Calls:
    """What the function's own code needs to be granted; here, one queue stands for all."""
    calls: Calls = defaultdict(set)
    for resource, actions in MAY[function].items():
        by_the_mapping = BY_THE_MAPPING if actions >= READ_SOURCE and resource.endswith("Queue") else set()
        if function in DELETE_BY_HAND:
            by_the_mapping = by_the_mapping - {"sqs:DeleteMessage"}
        calls["Queue" if resource.endswith(("Queue", "DeadLetters")) else resource] |= actions - by_the_mapping
    return calls


def without(calls: Mapping[str, set[str]], left_out: Collection[str]) -> dict[str, set[str]]:
    return {resource: actions for resource, actions in calls.items() if resource not in left_out}
