"""What the reconciler owes to messages that are owed, or were dead-lettered."""

from tests.guards.mutation import Mutation

RECONCILER = "application/delivery/reconciler.py"
_BY_STAGE = "stage == Stage.ENRICHMENT and not circuit.is_settled()"

DEAD_LETTERS = [
    Mutation("what is owed is sent", RECONCILER, "        self._send_what_is_owed(has_time)\n"),
    Mutation(
        "what is owed is read again",
        RECONCILER,
        "                self._send(listed.row_id)\n",
        "                self.open_run.send(listed)\n",
    ),
    Mutation("only what is owed is sent", RECONCILER, " or not row.owed or ", " or "),
    Mutation(
        "whoever began a run has a minute to send its message", RECONCILER, " or row.updated_at > now - OWED_FOR:", ":"
    ),
    Mutation(
        "one that cannot be sent stops no other",
        RECONCILER,
        "                self.telemetry.emit(MessageOwed(kind=listed.kind, reason=str(error)), listed)\n",
        "                raise\n",
    ),
    Mutation(
        "somebody hears of what is owed too long", RECONCILER, "if row.updated_at < now - OWED_TOO_LONG:", "if False:"
    ),
    Mutation("dead letters of older runs are removed", RECONCILER, "message.replay < row.replay or "),
    Mutation("dead letters of what is over are removed", RECONCILER, " or row.is_over(now)"),
    Mutation("dead letters of what failed stay", RECONCILER, "return row.discarded", "return True"),
    Mutation("dead letters of what was discarded are removed", RECONCILER, "return row.discarded", "return False"),
    Mutation(
        "what failed is not rescued",
        RECONCILER,
        "        if row.is_failed:\n            return row.discarded\n",
    ),
    Mutation(
        "what owes its message is neither rescued nor failed",
        RECONCILER,
        "if row.owed or row.seconds_held(now):  # Its",
        "if row.seconds_held(now):  # Its",
    ),
    Mutation(
        "a lease keeps the reconciler away",
        RECONCILER,
        "if row.owed or row.seconds_held(now):  # Its",
        "if row.owed:  # Its",
    ),
    Mutation(
        "what was dead-lettered untried is rescued",
        RECONCILER,
        "        if row.rescues < self.max_rescues:\n",
        "        if False:\n",
    ),
    Mutation(
        "the stated number of rescues",
        RECONCILER,
        "        if row.rescues < self.max_rescues:\n",
        "        if True:\n",
    ),
    Mutation(
        "nothing fails that somebody is at",
        RECONCILER,
        " and row.updated_at < self.clock() - QUIET:",
        ":",
    ),
    Mutation("nothing fails for the letter of another run", RECONCILER, "if run == row.replay and ", "if "),
    Mutation(
        "an outage costs no order its rescue",
        RECONCILER,
        "        if self.in_outage(stage):\n            return self._requeue(row, By.OUTAGE, run)\n",
    ),
    Mutation(
        "an outage excuses no other stage", "functions/tend_dead_letters/app.py", _BY_STAGE, "not circuit.is_settled()"
    ),
    Mutation("a rescue follows on its letter's run", RECONCILER, ", after=run)", ")"),
    Mutation(
        "a letter stays where its rescue was overtaken",
        RECONCILER,
        "        except VersionConflict:\n            return False\n",
        "        except VersionConflict:\n            return True\n",
    ),
    Mutation(
        "the reconciler leaves what has changed",
        RECONCILER,
        "        except VersionConflict:\n            return\n",
        "        except VersionConflict:\n            raise\n",
    ),
    Mutation(
        "a group that shared a full receive is seen in full",
        "application/delivery/dead_letters.py",
        "                cut_short += _cut_short(deliveries)\n",
    ),
    Mutation(
        "dead letters that stay can be redriven",
        "application/delivery/dead_letters.py",
        "        queue.release([delivery for some in kept.values() for delivery in some])\n",
        "        pass\n",
    ),
    Mutation(
        "what hides behind ten dead letters is rescued",
        RECONCILER,
        "            if crowds:\n",
        "            if False:\n",
    ),
    Mutation("so many are rescued as are hidden", RECONCILER, "for row in quiet[:hidden]:", "for row in quiet:"),
    Mutation(
        "what is oldest hides first",
        RECONCILER,
        "key=lambda row: row.created_at)",
        "key=lambda row: -row.created_at.timestamp())",
    ),
    Mutation(
        "what somebody is at does not hide",
        RECONCILER,
        "row for row in open_rows if row.updated_at < now - QUIET)",
        "row for row in open_rows)",
    ),
    Mutation(
        "what owes its message does not hide",
        RECONCILER,
        "if not (row.owed or row.seconds_held(now))",
        "if not row.seconds_held(now)",
    ),
    Mutation(
        "what only waits in its queue does not fail", RECONCILER, "        elif stands_still:\n", "        elif True:\n"
    ),
    Mutation(
        "who hides in a moving group is rescued once in a while",
        RECONCILER,
        "        elif is_stale:\n",
        "        elif True:\n",
    ),
    Mutation(
        "who hides in an outage is requeued once in a while",
        RECONCILER,
        "            if is_stale:  # Its",
        "            if True:  # Its",
    ),
]
