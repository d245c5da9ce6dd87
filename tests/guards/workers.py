"""What a worker owes to each message of its batch, and to those beside it."""

from tests.guards.mutation import Mutation

WORKER = "application/delivery/worker.py"

WORKERS = [
    Mutation("the attempt written before it starts", WORKER, "            self._write_attempt(job)\n"),
    Mutation(
        "the attempt of one receive is written once",
        WORKER,
        "if not self._worker.step.has_work(job.row) or _is_written_now(job.delivery, job.row):",
        "if not self._worker.step.has_work(job.row):",
    ),
    Mutation(
        "attempts of one receive are counted once",
        "domain/delivery/work_item.py",
        "if used and (used.message_id, used.receive_count) == (message_id, receive_count):",
        "if False:",
    ),
    Mutation(
        "an attempt that is under way is none before it",
        WORKER,
        "return used - 1 if _is_written_now(delivery, row) else used",
        "return used",
    ),
    Mutation(
        "attempts per message",
        "domain/delivery/work_item.py",
        "if self.attempts and self.attempts.message_id == message_id else 0",
        "if self.attempts else 0",
    ),
    Mutation(
        "what kills every worker is found out",
        WORKER,
        "        if job.attempt > self._worker.retry.max_attempts:\n",
        "        if False:\n",
    ),
    Mutation("the last attempt fails", WORKER, "if job.attempt >= worker.retry.max_attempts:", "if False:"),
    Mutation(
        "the attempt given back", WORKER, "            self._give_back(job)\n            raise\n", "            raise\n"
    ),
    Mutation("only one's own attempt is given back", WORKER, "                    or row.attempts != this_attempt\n"),
    Mutation(
        "nothing is given back on what failed or is over",
        WORKER,
        "                    or row.failure\n                    or row.is_over(worker.clock())\n",
    ),
    Mutation(
        "giving back is tried for some seconds",
        WORKER,
        "                worker.sleep(pause)\n",
        "                return\n",
    ),
    Mutation(
        "an outage is no attempt",
        WORKER,
        "except (VersionConflict, Unavailable, TooEarly):\n            raise\n",
        "except (VersionConflict, TooEarly):\n            raise\n",
    ),
    Mutation(
        "what is put off uses up no attempt",
        WORKER,
        "except (Unavailable, TooEarly):\n            self._give_back(job)\n",
        "except Unavailable:\n            self._give_back(job)\n",
    ),
    Mutation(
        "a defect met by one message is its own",
        WORKER,
        "            self._failed_for_now(job, self._unexpected(job, error))\n",
        "            raise\n",
    ),
    Mutation(
        "the group backs off behind its head",
        WORKER,
        "                return self._back_off(backoff.seconds, span)\n",
        "                self._stay += back_off(self._worker.queue, self._waiting[:1], backoff.seconds)\n"
        "                del self._waiting[:1]\n",
    ),
    Mutation(
        "the followers' pause",
        "application/delivery/message_groups.py",
        "queue.hide(waiting, seconds)",
        "queue.hide(waiting[:1], seconds)",
    ),
    Mutation(
        "a message is left to the worker that has it now",
        WORKER,
        "            raise Backoff(None)\n",
        "            raise Backoff(0)\n",
    ),
    Mutation("the pause that was asked for", WORKER, ", asked_for=error.retry_after)", ")"),
    Mutation(
        "pauses of an outage grow with the receives",
        WORKER,
        "pause_after(self._waiting[0].receive_count, self._worker.random)",
        "pause_after(1, self._worker.random)",
    ),
    Mutation(
        "what failed is received at once until it is dead-lettered",
        WORKER,
        "            self._worker.queue.hide([delivery], 0)\n",
    ),
    Mutation(
        "what failed stays in the queue",
        WORKER,
        "            self._stay.append(delivery.message_id)\n",
        "            pass\n",
    ),
    Mutation("the time that is left", WORKER, "if self._seconds_left() < self._worker.reserve_seconds:", "if False:"),
    Mutation(
        "a lease is waited for",
        WORKER,
        "if (held := row.seconds_held(now)) and not _is_written_now(head, row):",
        "if held := 0:",
    ),
    Mutation(
        "nobody waits for a lease of its own",
        WORKER,
        "if (held := row.seconds_held(now)) and not _is_written_now(head, row):",
        "if held := row.seconds_held(now):",
    ),
    Mutation(
        "care where something was received before",
        WORKER,
        "any(delivery.receive_count > 1 for delivery in batch)",
        "False",
    ),
    Mutation(
        "with care each attempt is written",
        WORKER,
        "        return job.row.tried(job.delivery.message_id, job.delivery.receive_count, self._worker.clock())\n",
        "        return super()._begun(job)\n",
    ),
    Mutation("the least tried groups first", WORKER, "groups = self._least_tried_first(groups)", "pass"),
    Mutation("one message at a time", WORKER, "        return iter(())\n", "        return super()._followers(rows)\n"),
    Mutation("the hand-deletion", WORKER, "            self._worker.queue.delete(delivery)\n", "            pass\n"),
    Mutation(
        "what is not done is not deleted by hand",
        WORKER,
        "        if disposition not in _STAYS:\n            self._worker.queue.delete(delivery)\n",
        "        self._worker.queue.delete(delivery)\n",
    ),
    Mutation(
        "what is done needs no attempt",
        WORKER,
        "if not self._worker.step.has_work(job.row) or _is_written_now(job.delivery, job.row):",
        "if _is_written_now(job.delivery, job.row):",
    ),
]
