"""What keeps the promises about orders."""

from tests.guards.mutation import Mutation

ORDERS = [
    Mutation(
        "the claim's condition",
        "adapters/versioned_rows.py",
        '                    ConditionExpression=f"attribute_not_exists({self.key})",\n',
    ),
    Mutation(
        "the claim before the send",
        "application/accept_order.py",
        "        found = self.orders.claim(claim)\n",
        "        self.publisher.publish(claim, Event.CREATED)\n        found = self.orders.claim(claim)\n",
    ),
    Mutation(
        "a replayed key revives nothing",
        "application/accept_order.py",
        "if found and not found.is_claim:",
        'if found and not found.is_claim and found.status != "failed":',
    ),
    Mutation("the payload hash", "application/accept_order.py", "found.payload_hash != claim.payload_hash", "False"),
    Mutation(
        "the caller in the key",
        "domain/identity.py",
        "[self.caller, self.space, self.value]",
        "[self.space, self.value]",
    ),
    Mutation(
        "the key space in the key",
        "domain/identity.py",
        "[self.caller, self.space, self.value]",
        "[self.caller, self.value]",
    ),
    Mutation(
        "the scope of the idempotency record",
        "adapters/idempotency.py",
        "self._answers([key.caller, key.space.value, key.value]",
        "self._answers([key.value]",
    ),
    Mutation(
        "the version every change is made from",
        "adapters/versioned_rows.py",
        '"#version = :read_version"',
        '"#version = :read_version OR attribute_exists(#version)"',
    ),
    Mutation(
        "its own change met again is no other's",
        "adapters/versioned_rows.py",
        "any(found.get(name) != value for name, value in after.items())",
        "True",
    ),
    Mutation(
        "the transaction's condition on the balance",
        "adapters/ledger_table.py",
        '"orders_completed = :read" if',
        '"orders_completed >= :read OR orders_completed < :read" if',
    ),
    Mutation(
        "the transaction's condition on the first balance",
        "adapters/ledger_table.py",
        'else "attribute_not_exists(recipient_id)"\n',
        'else "attribute_not_exists(no_such_attribute)"\n',
    ),
    Mutation(
        "the transaction's condition on each entry",
        "adapters/ledger_table.py",
        """            "ConditionExpression": "attribute_not_exists(recipient_id)",
""",
    ),
    Mutation(
        "the transaction's condition on each order",
        "adapters/ledger_table.py",
        '{"Update": update_of_order(self.orders_table, before, after)}',
        '{"Update": update_of_order(self.orders_table, before, after)'
        ' | {"ConditionExpression": "#version = :read_version OR attribute_exists(order_id)"}}',
    ),
    Mutation(
        "the replay number in bodies",
        "domain/messages.py",
        "order.payload_hash, order.replay, uncounted)",
        "order.payload_hash, 0, uncounted)",
    ),
    Mutation(
        "row first, message second", "application/process_order.py", "            self.orders.save(found, order)\n"
    ),
    Mutation(
        "the message sent before its own is deleted",
        "application/process_order.py",
        "        self.publisher.publish(order, Event.ENRICHMENT_REQUESTED)\n",
        "        if self.begins(found):\n            self.publisher.publish(order, Event.ENRICHMENT_REQUESTED)\n",
    ),
    Mutation(
        "an enrichment only where there is none",
        "application/enrich_order.py",
        "        if self.begins(order):",
        "        if True:",
    ),
    Mutation(
        "a follower's refusal waits for its turn",
        "application/enrich_order.py",
        "            if isinstance(answer, Exception):\n                raise answer\n",
        "            for answer in ahead.values():\n"
        "                if isinstance(answer, Exception):\n                    raise answer\n",
    ),
    Mutation(
        "what was found out ahead is not asked again",
        "application/enrich_order.py",
        " if job.order.order_id not in ahead}",
        "}",
    ),
    Mutation(
        "an answer that makes no total is not kept",
        "adapters/idempotency.py",
        "        priced(request.items, enrichment.prices)  # Raises, and so nothing is kept.\n",
    ),
    Mutation(
        "one key for an order's whole life",
        "adapters/http_provider.py",
        '"Idempotency-Key": request.order_id,',
        '"Idempotency-Key": f"{request.order_id}.{request.replay}",',
    ),
    Mutation(
        "a time for the whole of a call",
        "adapters/timed_http.py",
        "        self._socket.settimeout(_CALL.get().wait(self._seconds))\n",
    ),
    Mutation(
        "a body is cut off while it is read",
        "adapters/timed_http.py",
        "            if len(body) > self._limits.bytes:\n                return None\n",
    ),
    Mutation(
        "no redirect is followed",
        "adapters/timed_http.py",
        "redirect=False, preload_content=False",
        "redirect=True, retries=3, preload_content=False",
    ),
    Mutation(
        "certificates are verified",
        "adapters/timed_http.py",
        "ssl.create_default_context()",
        "ssl._create_unverified_context()",
    ),
    Mutation(
        "a lost connection that was kept costs no attempt",
        "adapters/timed_http.py",
        "if call.connected or not _was_lost(error):",
        "if True:",
    ),
    Mutation(
        "an interim answer is not the answer",
        "adapters/timed_http.py",
        "while 100 <= self.status < 200 and",
        "while False and",
    ),
    Mutation(
        "interim answers are bounded in number",
        "adapters/timed_http.py",
        "if self._heads > MAX_INTERIM:",
        "if False:",
    ),
    Mutation(
        "a connection is kept only where its answer has ended",
        "adapters/timed_http.py",
        "        if not self._ends_for_certain():\n            self.will_close = True\n",
    ),
    Mutation(
        "nor where more came behind the answer",
        "adapters/timed_http.py",
        "self.is_exact and self._is_silent()",
        "self.is_exact",
    ),
    Mutation(
        "nor where the frame of its chunks is not plain",
        "adapters/timed_http.py",
        "self.is_exact and self._is_silent()",
        "self._is_silent()",
    ),
    Mutation(
        "a refused secret is read anew",
        "adapters/http_provider.py",
        "            self.secret.was_refused()\n",
        "            pass\n",
    ),
    Mutation(
        "the attempt written before it starts",
        "application/work.py",
        "                job = self._write_attempt(job)\n",
        "                pass\n",
    ),
    Mutation(
        "the attempt given back",
        "application/work.py",
        "            if careful:\n                self._give_back(job)\n",
    ),
    Mutation(
        "an outage is no attempt",
        "application/work.py",
        "        except (Overtaken, Unavailable):\n            raise\n",
        "        except Overtaken:\n            raise\n",
    ),
    Mutation(
        "the group rests behind its head",
        "application/work.py",
        "                return stay + let_rest(self.queue, waiting, rest.seconds)\n",
        "                stay += let_rest(self.queue, waiting[:1], rest.seconds)\n"
        "                del waiting[:1]\n                continue\n",
    ),
    Mutation(
        "the followers' pause",
        "application/message_groups.py",
        "queue.hide(waiting, seconds)",
        "queue.hide(waiting[:1], seconds)",
    ),
    Mutation(
        "the pause that was asked for",
        "application/work.py",
        "self.draw, asked_for=error.retry_after)",
        "self.draw)",
    ),
    Mutation(
        "the hand-deletion", "application/work.py", "            self.queue.delete(delivery)\n", "            pass\n"
    ),
    Mutation(
        "the least tried groups first",
        "application/work.py",
        "self._least_tried_first(groups)",
        "groups",
    ),
    Mutation(
        "one message at a time",
        "application/work.py",
        "return self._try(job, [], careful=True)",
        "return self._try(job, self._followers(waiting[1:], rows, ahead), careful=True)",
    ),
    Mutation("the time that is left", "application/work.py", "if seconds_left < self.reserve_seconds:", "if False:"),
    Mutation("the fence", "domain/meeting.py", "return tried.receive_count > delivery.receive_count", "return False"),
    Mutation(
        "the very message that failed is let through",
        "domain/meeting.py",
        "if failure is None or delivery.message_id == failure.message_id:",
        "if failure is None:",
    ),
    Mutation(
        "a redrive is sent after the failure",
        "domain/meeting.py",
        " if delivery.sent_at > failure.at else Verdict.LET_THROUGH",
    ),
    Mutation(
        "a redrive is of the stage that failed",
        "domain/meeting.py",
        "    if stage is not failure.stage:\n        return Verdict.DROP\n",
    ),
    Mutation(
        "nothing is dropped at the stage that failed",
        "domain/meeting.py",
        "else Verdict.LET_THROUGH",
        "else Verdict.DROP",
    ),
    Mutation("an old run's message is dropped", "domain/meeting.py", " or message.replay < order.replay"),
    Mutation("a settled order is left alone", "domain/meeting.py", "order.is_settled or "),
    Mutation("a claim is not shown", "application/read_orders.py", "order.is_claim or "),
    Mutation(
        "another caller's order is not shown",
        "application/read_orders.py",
        "(order.caller != caller.name and not caller.may(Scope.ORDERS_READ_ALL))",
        "False",
    ),
    Mutation(
        "the message group", "adapters/order_queues.py", "MessageGroupId=order.recipient_id", 'MessageGroupId="all"'
    ),
    Mutation("the canonical body", "domain/canonical.py", "sort_keys=True", "sort_keys=False"),
    Mutation(
        "the redrive's message before its row",
        "application/redrive_order.py",
        "        self.publisher.publish(replace(failed, replay=failed.replay + 1), Event.CREATED)\n",
    ),
    Mutation(
        "the steward publishes before it writes",
        "application/steward.py",
        "        self.publisher.publish(rescued, Event.CREATED, uncounted=not counts)\n",
    ),
    Mutation(
        "a rescue has a body of its own",
        "application/steward.py",
        "order.rescued(self.clock(), replay + 1",
        "order.rescued(self.clock(), order.replay + 1",
    ),
    Mutation("the steward's one rescue", "application/steward.py", "order.rescues >= self.max_rescues", "False"),
    Mutation(
        "a rescue taken up before it is written counts",
        "domain/order.py",
        "0 if failed else self.rescues + counts",
        "0 if failed else self.rescues",
    ),
    Mutation(
        "a rescue that an outage is to blame for says so", "application/steward.py", ", uncounted=not counts)", ")"
    ),
    Mutation(
        "a rescue that an outage is to blame for is taken up uncounted",
        "application/work.py",
        "not (delivery.message and delivery.message.uncounted)",
        "True",
    ),
    Mutation(
        "only the last run of an order counts",
        "application/steward.py",
        "message is not None and message.replay < last_run[message.order_id]",
        "False",
    ),
    Mutation(
        "a discarded order knows of a redrive that was not written down",
        "application/steward.py",
        "(order.discarded and message.replay == order.replay)",
        "order.discarded",
    ),
    Mutation(
        "the steward leaves what has changed",
        "application/steward.py",
        "        except Overtaken:\n            return\n",
        "        except Overtaken:\n            raise\n",
    ),
    Mutation(
        "a group that shared a full receive is seen in full",
        "application/see_dead_letters.py",
        "                cut_short += _cut_short(deliveries)\n",
    ),
    Mutation(
        "who overtakes the API shows the order",
        "domain/order.py",
        "known = self._known()\n        return replace(known, attempts",
        "known = self\n        return replace(known, attempts",
    ),
    Mutation(
        "dead letters that failed orders account for", "application/steward.py", "if unaccounted <= 0:", "if False:"
    ),
]
