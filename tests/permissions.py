"""What each function may call, beside writing its own log: the one table that templates and code are both held to."""

READ_SOURCE = {
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ChangeMessageVisibility",
}
BY_THE_MAPPING = {"sqs:ReceiveMessage", "sqs:GetQueueAttributes"}
"""What only the event source mapping does with the role of its function ("Using Lambda with Amazon SQS")."""
ORDER_WORK = {"dynamodb:BatchGetItem", "dynamodb:UpdateItem"}
DEAD_LETTERS = {
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
}
IDEMPOTENCY = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}

MAY: dict[str, dict[str, set[str]]] = {
    "authorize_request": {"secret": {"secretsmanager:GetSecretValue"}},
    "write_orders": {
        "Orders": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
        "Idempotency": IDEMPOTENCY,
        "OrdersQueue": {"sqs:SendMessage"},
    },
    "read_orders": {
        "Orders": {"dynamodb:GetItem", "dynamodb:DescribeTable"},
        "Ledger": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:DescribeTable"},
        "OrdersQueue": {"sqs:GetQueueAttributes"},
        "EnrichmentQueue": {"sqs:GetQueueAttributes"},
        "CompletionQueue": {"sqs:GetQueueAttributes"},
    },
    "process_order": {
        "OrdersQueue": READ_SOURCE,
        "Orders": ORDER_WORK,
        "EnrichmentQueue": {"sqs:SendMessage"},
    },
    "enrich_order": {
        "EnrichmentQueue": READ_SOURCE,
        "Orders": ORDER_WORK,
        "Idempotency": IDEMPOTENCY,
        "CompletionQueue": {"sqs:SendMessage"},
    },
    "complete_order": {
        "CompletionQueue": READ_SOURCE,
        "Orders": ORDER_WORK,
        "Ledger": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
    },
    "tend_dead_letters": {
        "Orders": {"dynamodb:BatchGetItem", "dynamodb:UpdateItem"},
        "Orders/index/attention": {"dynamodb:Query"},
        "OrdersQueue": {"sqs:SendMessage"},
        "OrdersDeadLetters": DEAD_LETTERS,
        "EnrichmentDeadLetters": DEAD_LETTERS,
        "CompletionDeadLetters": DEAD_LETTERS,
    },
}
"""Function, resource, actions."""
