"""What keeps a WebSocket client told of everything it may see, and of nothing else."""

from tests.guards.mutation import Mutation

WEBSOCKETS = [
    Mutation(
        "a change waits for the snapshot",
        "application/live/broadcast.py",
        "        if subscription.is_pending:\n",
        "        if subscription.is_pending and subscription.is_abandoned(self.clock()):\n",
    ),
    Mutation(
        "what was held is sent before it is active",
        "adapters/live/connection_table.py",
        " AND size(held) = :sent",
        " AND size(held) >= :sent",
    ),
    Mutation(
        "the subscription is stored before the row is read",
        "application/live/subscribe.py",
        """        subscription = self.subscriptions.begin(connection, topic, self.clock())
        try:
            snapshot = self.write(self.snapshot_of(connection.caller, topic))
""",
        """        try:
            snapshot = self.write(self.snapshot_of(connection.caller, topic))
            subscription = self.subscriptions.begin(connection, topic, self.clock())
""",
    ),
    Mutation("what was held until the end", "application/live/subscribe.py", "while held :=", "if held :="),
    Mutation(
        "what the snapshot shows is not told again",
        "application/live/subscribe.py",
        " if notice.version > told]",
        "]",
    ),
    Mutation(
        "subscribers are read consistently",
        "adapters/live/connection_table.py",
        "                ConsistentRead=True,\n",
        "                ConsistentRead=False,\n",
    ),
    Mutation(
        "what a client knows is not told again",
        "application/live/broadcast.py",
        " if not subscription.knows(notice))",
        ")",
    ),
    Mutation(
        "what a client was told is written down",
        "application/live/broadcast.py",
        "                self.subscriptions.told(subscription, version)\n",
        "                pass\n",
    ),
    Mutation(
        "only the last subscriber activates",
        "adapters/live/connection_table.py",
        '"attempt = :attempt AND attribute_not_exists(told) AND size',
        '"attribute_exists(attempt) AND :attempt = :attempt AND attribute_not_exists(told) AND size',
    ),
    Mutation(
        "an outage of one keeps nobody else waiting",
        "application/live/broadcast.py",
        "            return outage\n",
        "            raise outage\n",
    ),
    Mutation(
        "an outage hands the batch over again",
        "application/live/broadcast.py",
        "            raise Unavailable(f",
        "            print(f",
    ),
    Mutation(
        "a dead connection is forgotten",
        "application/live/drop_connection.py",
        "        self.subscriptions.close(connection_id, known)\n",
    ),
    Mutation(
        "a slow client is disconnected",
        "application/live/drop_connection.py",
        "if isinstance(reason, TooSlow):",
        "if False:",
    ),
    Mutation(
        "nobody waits for a dead subscriber",
        "application/live/broadcast.py",
        "            if subscription.is_abandoned(self.clock()):\n                return\n",
    ),
    Mutation(
        "a refused subscription does not stand",
        "application/live/subscribe.py",
        "            self.subscriptions.end(connection.connection_id, topic)\n",
    ),
    Mutation(
        "a recipient takes the right to read all orders",
        "domain/shared/access.py",
        "_any_of({Scope.LEDGER_READ, Scope.ORDERS_READ_ALL})",
        "_any_of({Scope.LEDGER_READ})",
    ),
    Mutation(
        "a recipient takes the right to read ledgers",
        "domain/shared/access.py",
        "_any_of({Scope.LEDGER_READ, Scope.ORDERS_READ_ALL})",
        "_any_of({Scope.ORDERS_READ_ALL})",
    ),
    Mutation(
        "a report is watched by those who may see it",
        "application/live/subscribe.py",
        "readable_report(self.reports, caller, topic.id)",
        "self.reports.get(topic.id) or readable_report(self.reports, caller, topic.id)",
    ),
    Mutation(
        "so many subscriptions on a connection",
        "adapters/live/connection_table.py",
        " OR size(topics) < :limit)",
        " OR size(topics) < :limit OR size(topics) >= :limit)",
    ),
    Mutation(
        "no subscription on a closed connection",
        "adapters/live/connection_table.py",
        '"attribute_exists(connection_id) AND "\n',
        "\n",
    ),
    Mutation(
        "a message does not choose what it is",
        "../../../../functions/serve_connections/app.py",
        'request["eventType"]',
        '{"$connect": "CONNECT", "$disconnect": "DISCONNECT"}.get(request["routeKey"])',
    ),
    Mutation(
        "no token in an address",
        "adapters/live/handshake.py",
        '    if event.get("queryStringParameters"):\n        return None\n',
    ),
    Mutation(
        "a message has so many bytes",
        "adapters/live/messages.py",
        "if size > MAX_COMMAND_BYTES:",
        "if False:",
    ),
    Mutation(
        "what does not fit a frame is shortened",
        "adapters/live/messages.py",
        'if len(text.encode(errors="replace")) > MAX_NOTICE_BYTES:',
        "if False:",
    ),
]
