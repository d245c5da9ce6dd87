"""What keeps a run one run: the row leads, messages follow."""

from tests.guards.mutation import Mutation

RUNS = [
    Mutation(
        "a run has the next number",
        "domain/delivery/work_item.py",
        "run = max(self.replay, after) + 1",
        "run = max(self.replay, after)",
    ),
    Mutation(
        "a run has a higher number than the message that was met",
        "domain/delivery/work_item.py",
        "run = max(self.replay, after) + 1",
        "run = self.replay + 1",
    ),
    Mutation(
        "a run that has begun owes its message", "domain/delivery/work_item.py", "owed=True, **changes", "**changes"
    ),
    Mutation("a failure belongs to its run", "domain/delivery/work_item.py", '"attempts": None, "failure": None, ', ""),
    Mutation("a person resets the rescues", "domain/delivery/work_item.py", "0 if by in PEOPLE else ", ""),
    Mutation("a rescue is counted", "domain/delivery/work_item.py", " + (by is By.RECONCILER)"),
    Mutation(
        "an outage counts as no rescue", "domain/delivery/work_item.py", "(by is By.RECONCILER)", "(by not in PEOPLE)"
    ),
    Mutation(
        "an outage resets no rescues",
        "domain/delivery/work_item.py",
        "frozenset({By.CLIENT, By.OPERATOR, By.CONSOLE})",
        "frozenset({By.CLIENT, By.OPERATOR, By.CONSOLE, By.OUTAGE})",
    ),
    Mutation(
        "an operator begins only what failed",
        "domain/orders/order.py",
        "By.OPERATOR: self.is_failed",
        "By.OPERATOR: True",
    ),
    Mutation(
        "the console begins nothing that is settled",
        "domain/orders/order.py",
        "By.CONSOLE: not self.is_settled",
        "By.CONSOLE: True",
    ),
    Mutation(
        "the reconciler begins nothing that failed",
        "domain/orders/order.py",
        "not self.is_settled and not self.is_failed",
        "not self.is_settled",
    ),
    Mutation(
        "only a client begins its report a second time",
        "domain/reports/report.py",
        "By.CONSOLE: self.status not in OVER",
        "By.CONSOLE: True",
    ),
    Mutation(
        "the reconciler begins no report that failed",
        "domain/reports/report.py",
        "self.status not in OVER and not self.is_failed",
        "self.status not in OVER",
    ),
    Mutation(
        "the reconciler begins no notification that failed",
        "domain/notifications/notification.py",
        "may.get(by, waits)",
        "may.get(by, True)",
    ),
    Mutation(
        "an operator sends nothing that is on its way",
        "domain/notifications/notification.py",
        "By.OPERATOR: not waits",
        "By.OPERATOR: True",
    ),
    Mutation("no client begins an order's run", "domain/orders/order.py", ", By.CLIENT: False}", "}"),
    Mutation(
        "no client begins a notification's run", "domain/notifications/notification.py", ", By.CLIENT: False}", "}"
    ),
    Mutation(
        "whoever has a message of a claim shows the order",
        "domain/orders/order.py",
        "known = self._known()",
        "known = self",
    ),
    Mutation(
        "who overtakes the API shows the order",
        "domain/orders/order.py",
        "super(Order, self._known()).tried(",
        "super().tried(",
    ),
    Mutation(
        "a run's row before its message",
        "application/delivery/open_run.py",
        "        opened = self.write(row, row.opened(by, self.clock(), note, after=after), by)\n",
        "        opened = row.opened(by, self.clock(), note, after=after)\n"
        "        self.publisher.publish(opened)\n"
        "        opened = self.write(row, opened, by)\n",
    ),
    Mutation("a run's message is sent", "application/delivery/open_run.py", "        self.publisher.publish(opened)\n"),
    Mutation(
        "sent before it is no longer owed",
        "application/delivery/open_run.py",
        "        self.publisher.publish(opened)\n"
        "        sent = opened.sent(self.clock())\n"
        "        self.rows.mark_sent(opened, sent)\n",
        "        sent = opened.sent(self.clock())\n"
        "        self.rows.mark_sent(opened, sent)\n"
        "        self.publisher.publish(opened)\n",
    ),
    Mutation(
        "what is sent is no longer owed",
        "application/delivery/open_run.py",
        "        self.rows.mark_sent(opened, sent)\n",
    ),
    Mutation(
        "a run whose message cannot be sent now has begun",
        "application/delivery/open_run.py",
        "            return opened\n",
        "            raise\n",
    ),
    Mutation(
        "what is marked as sent is of the run that was sent",
        "adapters/aws/versioned_rows.py",
        '"#replay = :replay AND attribute_exists(#owed)"',
        '"(#replay = :replay OR attribute_exists(#replay)) AND attribute_exists(#owed)"',
    ),
    Mutation(
        "only what is owed is marked as sent",
        "adapters/aws/versioned_rows.py",
        '"#replay = :replay AND attribute_exists(#owed)"',
        '"#replay = :replay AND (attribute_exists(#owed) OR attribute_exists(#replay))"',
    ),
    Mutation(
        "what is marked as sent keeps its version",
        "adapters/aws/versioned_rows.py",
        '{**sent, "version": owed["version"]}',
        '{**sent, "version": owed["version"] + 1}',
    ),
    Mutation(
        "whoever writes a row owes nothing", "domain/delivery/work_item.py", '{"owed": False, **changes,', "{**changes,"
    ),
    Mutation("whoever asks to be told as well sends nothing", "domain/reports/report.py", ", owed=self.owed)", ")"),
    Mutation(
        "whoever asks for a report that owes its message sends it",
        "application/reports/accept.py",
        "            if found.owed:  # Who asked before died between row and message.\n"
        "                self._open_run.send(found)\n",
    ),
    Mutation(
        "what owes its message is found",
        "adapters/delivery/work_item_rows.py",
        "    if item.owed:\n        return OWED\n",
    ),
    Mutation(
        "an order that was accepted does not expire",
        "adapters/orders/rows.py",
        "int((order.created_at + CLAIM_LIFETIME).timestamp()) if order.is_claim else None",
        "int((order.created_at + CLAIM_LIFETIME).timestamp())",
    ),
    Mutation("rows are read as they stand", "adapters/aws/versioned_rows.py", ', "ConsistentRead": True}})', "}})"),
    Mutation(
        "what we sent is known by its id",
        "domain/delivery/messages.py",
        "if deduplicated_by == deduplication_id(body, run):",
        "if False:",
    ),
    Mutation(
        "an id is never the content's hash",
        "domain/delivery/messages.py",
        'hashlib.sha256(f"run {run} of {body}".encode()).hexdigest()',
        "hashlib.sha256(body.encode()).hexdigest()",
    ),
    Mutation(
        "ids of the release before are ours until their date",
        "domain/delivery/messages.py",
        "return sent_at < CONTENT_IDS_UNTIL and ",
        "return ",
    ),
    Mutation(
        "ids of the release before are ours",
        "domain/delivery/messages.py",
        "return sent_at < CONTENT_IDS_UNTIL and deduplicated_by",
        "return False and deduplicated_by",
    ),
    Mutation(
        "a message that came back is known by its id",
        "adapters/delivery/queues.py",
        "and not is_as_we_sent_it(record.body, message.replay, deduplicated_by, sent_at),",
        "and False,",
    ),
    Mutation(
        "each send names its id",
        "adapters/delivery/queues.py",
        "                MessageDeduplicationId=deduplication_id(message.body, message.replay),\n",
    ),
    Mutation(
        "a message that came back is never worked",
        "domain/delivery/disposition.py",
        "    if delivery.came_back:\n",
        "    if delivery.came_back and row.failure is not None:\n",
    ),
    Mutation(
        "a message that came back begins a run",
        "domain/delivery/disposition.py",
        "    if delivery.came_back:\n        return Disposition.OPEN\n",
    ),
    Mutation(
        "what is over or of an older run begins nothing",
        "domain/delivery/disposition.py",
        "    if row.is_over(now) or message.replay < row.replay:\n"
        "        return Disposition.DROP\n"
        "    if delivery.came_back:\n"
        "        return Disposition.OPEN\n",
        "    if delivery.came_back:\n"
        "        return Disposition.OPEN\n"
        "    if row.is_over(now) or message.replay < row.replay:\n"
        "        return Disposition.DROP\n",
    ),
    Mutation(
        "the console's run follows on the message that came back",
        "application/delivery/worker.py",
        ", after=head.message.replay)",
        ")",
    ),
    Mutation("what is over is left alone", "domain/delivery/disposition.py", "row.is_over(now) or "),
    Mutation(
        "a message of an older run is dropped", "domain/delivery/disposition.py", " or message.replay < row.replay"
    ),
    Mutation(
        "a message ahead of its row is not worked",
        "domain/delivery/disposition.py",
        "    if message.replay > row.replay:\n        return Disposition.AHEAD\n",
    ),
    Mutation(
        "a message ahead of its row stays for a person",
        "application/delivery/worker.py",
        "frozenset({Disposition.DEAD_LETTER, Disposition.AHEAD})",
        "frozenset({Disposition.DEAD_LETTER})",
    ),
    Mutation("the fence", "domain/delivery/disposition.py", "tried.receive_count > delivery.receive_count", "False"),
    Mutation(
        "a message of a failed run is not worked",
        "domain/delivery/disposition.py",
        "    if row.failure is None:\n",
        "    if True:\n",
    ),
    Mutation(
        "what failed is left for the dead-letter queue",
        "domain/delivery/disposition.py",
        "Disposition.DEAD_LETTER if row.failure.stage == stage else Disposition.DROP",
        "Disposition.DROP",
    ),
    Mutation(
        "what failed elsewhere is dropped",
        "domain/delivery/disposition.py",
        "Disposition.DEAD_LETTER if row.failure.stage == stage else Disposition.DROP",
        "Disposition.DEAD_LETTER",
    ),
    Mutation(
        "a message is of the payload that was asked for",
        "domain/delivery/disposition.py",
        " or not row.has_hash(message.payload_hash)",
    ),
    Mutation("a message is worked at its own stage", "domain/delivery/disposition.py", " or message.stage != stage"),
    Mutation(
        "the replay number in bodies",
        "domain/orders/messages.py",
        "order.payload_hash, order.replay)",
        "order.payload_hash, 0)",
    ),
    Mutation(
        "the replay number in bodies of reports",
        "domain/reports/messages.py",
        "report.request.payload_hash, report.replay)",
        "report.request.payload_hash, 0)",
    ),
    Mutation(
        "the replay number in bodies of notifications",
        "domain/notifications/messages.py",
        "cls(notification.notification_id, notification.replay)",
        "cls(notification.notification_id, 0)",
    ),
]
