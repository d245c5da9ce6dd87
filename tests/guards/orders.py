"""What keeps the promises about orders."""

from tests.guards.mutation import Mutation

ORDERS = [
    Mutation(
        "the claim's condition",
        "adapters/aws/versioned_rows.py",
        '                    ConditionExpression=f"attribute_not_exists({self.key})",\n',
    ),
    Mutation(
        "the claim before the send",
        "application/orders/accept.py",
        "        found = self.orders.claim(claim)\n",
        "        self.publisher.publish(claim, Event.CREATED)\n        found = self.orders.claim(claim)\n",
    ),
    Mutation(
        "a replayed key revives nothing",
        "application/orders/accept.py",
        "if found and not found.is_claim:",
        'if found and not found.is_claim and found.status != "failed":',
    ),
    Mutation("the payload hash", "application/orders/accept.py", "found.payload_hash != claim.payload_hash", "False"),
    Mutation(
        "the caller in the key",
        "domain/shared/identity.py",
        "[self.caller, self.space, self.value]",
        "[self.space, self.value]",
    ),
    Mutation(
        "the key space in the key",
        "domain/shared/identity.py",
        "[self.caller, self.space, self.value]",
        "[self.caller, self.value]",
    ),
    Mutation(
        "the scope of the idempotency record",
        "adapters/orders/idempotency.py",
        "self._answers([key.caller, key.space.value, key.value]",
        "self._answers([key.value]",
    ),
    Mutation(
        "the version every change is made from",
        "adapters/aws/versioned_rows.py",
        '"#version = :read_version"',
        '"#version = :read_version OR attribute_exists(#version)"',
    ),
    Mutation(
        "its own change met again is no other's",
        "adapters/aws/versioned_rows.py",
        "any(found.get(name) != value for name, value in after.items())",
        "True",
    ),
    Mutation(
        "the transaction's condition on the balance",
        "adapters/orders/ledger.py",
        '"orders_completed = :read" if',
        '"orders_completed >= :read OR orders_completed < :read" if',
    ),
    Mutation(
        "the transaction's condition on the first balance",
        "adapters/orders/ledger.py",
        'else "attribute_not_exists(recipient_id)"\n',
        'else "attribute_not_exists(no_such_attribute)"\n',
    ),
    Mutation(
        "the transaction's condition on each entry",
        "adapters/orders/ledger.py",
        """            "ConditionExpression": "attribute_not_exists(recipient_id)",
""",
    ),
    Mutation(
        "the transaction's condition on each order",
        "adapters/orders/ledger.py",
        '{"Update": update_of_order(self.orders_table, before, after)}',
        '{"Update": update_of_order(self.orders_table, before, after)'
        ' | {"ConditionExpression": "#version = :read_version OR attribute_exists(order_id)"}}',
    ),
    Mutation(
        "row first, message second",
        "application/orders/process.py",
        "            job.save(order.started(self.clock()))\n",
    ),
    Mutation(
        "the message sent before its own is deleted",
        "application/orders/process.py",
        "            job.save(order.started(self.clock()))\n"
        "        self.publisher.publish(job.row, Event.ENRICHMENT_REQUESTED)\n",
        "            job.save(order.started(self.clock()))\n"
        "            self.publisher.publish(job.row, Event.ENRICHMENT_REQUESTED)\n",
    ),
    Mutation(
        "an enrichment only where there is none",
        "application/enrichment/enrich.py",
        "        if step.has_work(job.row):\n",
        "        if True:\n",
    ),
    Mutation(
        "a follower's refusal waits for its turn",
        "application/enrichment/enrich.py",
        "            job.save(job.row.enriched(self.answers",
        "            [answer.result() for answer in self.answers.values()]\n"
        "            job.save(job.row.enriched(self.answers",
    ),
    Mutation(
        "what was found out ahead is not asked again",
        "application/enrichment/enrich.py",
        " if job.row.order_id not in self.answers}",
        "}",
    ),
    Mutation(
        "an answer that makes no total is not kept",
        "adapters/enrichment/idempotency.py",
        "        priced(request.items, enrichment.prices)  # Raises, and so nothing is kept.\n",
    ),
    Mutation(
        "one key for an order's whole life",
        "adapters/enrichment/http_provider.py",
        '"Idempotency-Key": request.order_id,',
        '"Idempotency-Key": f"{request.order_id}.{request.replay}",',
    ),
    Mutation(
        "a time for the whole of a call",
        "adapters/http_client/exact_response.py",
        "        self._socket.settimeout(CALL.get().wait(self._seconds))\n",
    ),
    Mutation(
        "a body is cut off while it is read",
        "adapters/http_client/timed_http.py",
        "            if len(body) > self._limits.bytes:\n                return None\n",
    ),
    Mutation(
        "no redirect is followed",
        "adapters/http_client/timed_http.py",
        "redirect=False, preload_content=False",
        "redirect=True, retries=3, preload_content=False",
    ),
    Mutation(
        "certificates are verified",
        "adapters/http_client/timed_http.py",
        "ssl.create_default_context()",
        "ssl._create_unverified_context()",
    ),
    Mutation(
        "a lost connection that was kept costs no attempt",
        "adapters/http_client/timed_http.py",
        "if call.connected or not _was_lost(error):",
        "if True:",
    ),
    Mutation(
        "an interim answer is not the answer",
        "adapters/http_client/exact_response.py",
        "while 100 <= self.status < 200 and",
        "while False and",
    ),
    Mutation(
        "interim answers are bounded in number",
        "adapters/http_client/exact_response.py",
        "if self._heads > MAX_INTERIM:",
        "if False:",
    ),
    Mutation(
        "a connection is kept only where its answer has ended",
        "adapters/http_client/exact_response.py",
        "        if not self._ends_for_certain():\n            self.will_close = True\n",
    ),
    Mutation(
        "nor where more came behind the answer",
        "adapters/http_client/exact_response.py",
        "self.is_exact and self._is_silent()",
        "self.is_exact",
    ),
    Mutation(
        "nor where the frame of its chunks is not plain",
        "adapters/http_client/exact_response.py",
        "self.is_exact and self._is_silent()",
        "self._is_silent()",
    ),
    Mutation(
        "an answer is about its order",
        "adapters/enrichment/answers.py",
        "    if order_id is not None and order_id != request.order_id:\n        raise AnswerMismatch\n",
        "    pass\n",
    ),
    Mutation(
        "no connection is kept once an answer was about another order",
        "adapters/enrichment/http_provider.py",
        "            self.url.drop_connections()\n",
    ),
    Mutation(
        "a refused secret is read anew",
        "adapters/enrichment/http_provider.py",
        "            self.secret.was_refused()\n",
        "            pass\n",
    ),
    Mutation("a claim is not shown", "application/orders/read.py", "order.is_claim or "),
    Mutation(
        "another caller's order is not shown",
        "application/orders/read.py",
        "not sees(caller, Action.READ_ORDER, order.caller)",
        "False",
    ),
    Mutation(
        "another's order is cancelled by ops alone",
        "application/orders/cancel.py",
        "        caller.require(Action.CANCEL_ORDER, caller.whose(order.caller))\n",
    ),
    Mutation("pages of listed origins only", "adapters/http/cors.py", "allow_origin=first,", 'allow_origin="*",'),
    Mutation(
        "every answer says that it differs by origin",
        "adapters/http/cors.py",
        'answer["multiValueHeaders"].setdefault("Vary", []).append("Origin")',
        "pass",
    ),
    Mutation("never with credentials", "adapters/http/cors.py", "allow_credentials=False", "allow_credentials=True"),
    Mutation(
        "the message group", "domain/orders/order.py", "        return self.recipient_id\n", '        return "all"\n'
    ),
    Mutation("the canonical body", "domain/shared/canonical.py", "sort_keys=True", "sort_keys=False"),
]
