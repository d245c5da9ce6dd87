"""What each function may call, beside writing its own log: the one table that templates and code are both held to."""

READ_SOURCE = {
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ChangeMessageVisibility",
}
BY_THE_MAPPING = {"sqs:ReceiveMessage", "sqs:GetQueueAttributes", "sqs:DeleteMessage"}
"""What the event source mapping does with the role of its function ("Using Lambda with Amazon SQS")."""
DELETE_BY_HAND = {"process_order", "enrich_order", "complete_order"}
"""Workers that delete what is done themselves as well, when a batch was received before."""
BEGIN_AGAIN = {"sqs:SendMessage"}
"""What a worker does into the first queue of its kind, with a message that came back from a dead-letter queue."""
ORDER_WORK = {"dynamodb:BatchGetItem", "dynamodb:UpdateItem"}
DEAD_LETTERS = {
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
}
TABLES = {
    "ReportFiles/tables/*": {"s3:GetObject"},
    "ReportFiles": {"s3:ListBucket"},
}
"""Reading a table that may not be there: only who may list learns that it is missing ("HeadObject")."""
IDEMPOTENCY = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}

SEND = {f"WebSocket/v1/{method}/@connections/*": {"execute-api:ManageConnections"} for method in ("POST", "DELETE")}
READ_STREAM = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}
"""What the event source mapping of a stream does ("Using AWS Lambda with Amazon DynamoDB")."""

READ_SECRET = {"secretsmanager:GetSecretValue"}

MAY: dict[str, dict[str, set[str]]] = {
    "authorize_request": {"secret:tokens": READ_SECRET},
    "write_orders": {
        "Orders": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
        "Idempotency": IDEMPOTENCY,
        "Subscriptions": {"dynamodb:GetItem"},
        "OrdersQueue": {"sqs:SendMessage"},
    },
    "read_orders": {
        "Orders": {"dynamodb:GetItem", "dynamodb:DescribeTable"},
        "Ledger": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:DescribeTable"},
        "Circuits": {"dynamodb:GetItem", "dynamodb:DescribeTable"},
        "OrdersQueue": {"sqs:GetQueueAttributes"},
        "EnrichmentQueue": {"sqs:GetQueueAttributes"},
        "CompletionQueue": {"sqs:GetQueueAttributes"},
    },
    "process_order": {
        "OrdersQueue": {*READ_SOURCE, *BEGIN_AGAIN},
        "Orders": ORDER_WORK,
        "EnrichmentQueue": {"sqs:SendMessage"},
    },
    "enrich_order": {
        "EnrichmentQueue": READ_SOURCE,
        "Orders": ORDER_WORK,
        "Idempotency": IDEMPOTENCY,
        "Circuits": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
        "OrdersQueue": BEGIN_AGAIN,
        "switch-enrichment": {"lambda:InvokeFunction"},
        "CompletionQueue": {"sqs:SendMessage"},
    },
    "switch_enrichment": {
        "Circuits": {"dynamodb:GetItem", "dynamodb:UpdateItem"},
        "EnrichOrderMapping": {"lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping"},
    },
    "complete_order": {
        "CompletionQueue": READ_SOURCE,
        "OrdersQueue": BEGIN_AGAIN,
        "Orders": ORDER_WORK,
        "Ledger": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
    },
    "tend_dead_letters": {
        "Orders": {"dynamodb:BatchGetItem", "dynamodb:UpdateItem"},
        "Orders/index/attention": {"dynamodb:Query"},
        "Circuits": {"dynamodb:GetItem"},
        "OrdersQueue": {"sqs:SendMessage"},
        "OrdersDeadLetters": DEAD_LETTERS,
        "EnrichmentDeadLetters": DEAD_LETTERS,
        "CompletionDeadLetters": DEAD_LETTERS,
    },
    "announce_changes": {
        "Orders": READ_STREAM,
        "Reports": READ_STREAM,
        "Notifications": {"dynamodb:PutItem"},
        "NotificationsQueue": {"sqs:SendMessage"},
        "AnnounceChangesGivenUp": {"sqs:SendMessage"},
    },
    "deliver_notifications": {
        "NotificationsQueue": {*READ_SOURCE, *BEGIN_AGAIN},
        "Notifications": {"dynamodb:BatchGetItem", "dynamodb:UpdateItem"},
        "Subscriptions": {"dynamodb:GetItem", "dynamodb:PutItem"},
        "Circuits": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
        "secret:webhook-secrets": READ_SECRET,
        "secret:link-keys": READ_SECRET,
    },
    "tend_notifications": {
        "Notifications": {"dynamodb:BatchGetItem", "dynamodb:UpdateItem"},
        "Notifications/index/attention": {"dynamodb:Query"},
        "Notifications/index/subject": {"dynamodb:Query"},
        "NotificationsQueue": {"sqs:SendMessage"},
        "NotificationsDeadLetters": DEAD_LETTERS,
    },
    "write_reports": {
        "Reports": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
        "Idempotency": IDEMPOTENCY,
        "Subscriptions": {"dynamodb:GetItem"},
        "ReportsQueue": {"sqs:SendMessage"},
        "Ledger": {"dynamodb:GetItem"},
        "Orders/index/period": {"dynamodb:Query"},
        **TABLES,
        "ReportFiles/tables/*": {"s3:GetObject", "s3:PutObject"},
    },
    "read_reports": {
        "Reports": {"dynamodb:GetItem"},
        "ReportFiles/reports/*": {"s3:GetObject"},
        "secret:link-keys": READ_SECRET,
    },
    "generate_report": {
        "ReportsQueue": {*READ_SOURCE, *BEGIN_AGAIN},
        "Reports": {"dynamodb:BatchGetItem", "dynamodb:UpdateItem"},
        "Idempotency": IDEMPOTENCY,
        "Orders": {"dynamodb:BatchGetItem"},
        "Orders/index/period": {"dynamodb:Query"},
        "Ledger": {"dynamodb:GetItem", "dynamodb:Query"},
        **TABLES,
        "ReportFiles/reports/*": {"s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject"},
    },
    "tend_reports": {
        "Reports": {"dynamodb:BatchGetItem", "dynamodb:UpdateItem"},
        "Reports/index/attention": {"dynamodb:Query"},
        "ReportsQueue": {"sqs:SendMessage"},
        "ReportsDeadLetters": DEAD_LETTERS,
    },
    "authorize_connection": {"secret:tokens": READ_SECRET},
    "serve_connections": {
        "Connections": {
            *("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"),
            "dynamodb:BatchWriteItem",
        },
        "Orders": {"dynamodb:GetItem"},
        "Reports": {"dynamodb:GetItem"},
        "Ledger": {"dynamodb:GetItem"},
        **SEND,
    },
    "broadcast": {
        "Connections": {"dynamodb:Query", "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"},
        "Orders": READ_STREAM,
        "Reports": READ_STREAM,
        "BroadcastGivenUp": {"sqs:SendMessage"},
        **SEND,
    },
}
"""Function, resource, actions."""
WITH_PROVIDER_SECRET = {"secret": READ_SECRET}
"""What enrich_order may do besides, where the provider knows it by a secret."""
