"""What keeps the promises about reports."""

from tests.guards.mutation import Mutation

REPORTS = [
    Mutation(
        "the claim of a report before the send",
        "application/accept_report.py",
        "        found = self.reports.claim(claim)\n",
        "        self.publisher.publish(claim)\n        found = self.reports.claim(claim)\n",
    ),
    Mutation(
        "the payload hash of a keyed report",
        "application/accept_report.py",
        "found.request.payload_hash != request.payload_hash",
        "False",
    ),
    Mutation(
        "no message of an earlier generation is sent again",
        "domain/report.py",
        "            replay=self.replay + 2,\n",
        "            replay=self.replay + 1,\n",
    ),
    Mutation(
        "a discarded report knows of a redrive that was not written down",
        "application/tend_reports.py",
        "(row.discarded and replay == row.replay)",
        "row.discarded",
    ),
    Mutation("a keyed report never begins anew", "domain/report.py", "(self.is_claim or not self.keyed) and "),
    Mutation("the caller in a report's id", "domain/report.py", '"parameters", self.caller,', '"parameters",'),
    Mutation(
        "what its caller may see in a report's id", "domain/report.py", "[self.sees_all, self.type,", "[self.type,"
    ),
    Mutation(
        "a report's parameters as they were validated",
        "application/accept_report.py",
        'kept.model_dump(mode="json", by_alias=True, exclude_none=True)',
        'kept.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)',
    ),
    Mutation("the scope of the record of a report", "adapters/report_idempotency.py", "[request.caller, key]", "[key]"),
    Mutation(
        "one file for each generation",
        "adapters/report_idempotency.py",
        "self._results(generation, lambda: asdict(self._files.write(report, table, rows, left_out)))",
        "asdict(self._files.write(report, table, rows, left_out))",
    ),
    Mutation(
        "a generation of its own for each run",
        "adapters/report_idempotency.py",
        "[report.report_id, to_iso(report.created_at), report.replay]",
        "[report.report_id]",
    ),
    Mutation(
        "a lease is waited for",
        "application/generate_report.py",
        "if held := report.seconds_held(now):",
        "if held := 0:",
    ),
    Mutation(
        "the lease is renewed",
        "application/generate_report.py",
        "if self.report.seconds_held(now) <= pace.lease / 2:",
        "if False:",
    ),
    Mutation(
        "a file key for each lease", "domain/report.py", "number = self.lease.number if self.lease else 0", "number = 0"
    ),
    Mutation(
        "a number of a lease is never used again",
        "domain/report.py",
        "            rows_written=0,\n            attempts=None,\n",
        "            rows_written=0,\n            lease=None,\n            attempts=None,\n",
    ),
    Mutation(
        "all attempts at a report were begun",
        "application/generate_report.py",
        "if report.attempts_of(self._delivery.message_id) >= self._given.retry.max_attempts:",
        "if False:",
    ),
    Mutation(
        "the attempt at a report given back",
        "application/generate_report.py",
        "            self._give_back()\n            raise\n",
        "            raise\n",
    ),
    Mutation(
        "what cannot end in time is not begun",
        "application/generate_report.py",
        "if needed > pace.longest:",
        "if False:",
    ),
    Mutation(
        "what has too little time now is handed back",
        "application/generate_report.py",
        "if needed > self._seconds_left():",
        "if False:",
    ),
    Mutation(
        "the time that is left while rows go by",
        "application/generate_report.py",
        "if self._seconds_left() < pace.reserve:",
        "if False:",
    ),
    Mutation(
        "the settle margin",
        "application/generate_report.py",
        "        self._check_settled(report_type, parameters)\n",
    ),
    Mutation(
        "no file over another",
        "adapters/reports/upload.py",
        'Body=content, IfNoneMatch="*")',
        "Body=content)",
    ),
    Mutation("no file in parts over another", "adapters/reports/upload.py", '                    IfNoneMatch="*",\n'),
    Mutation(
        "another's file is not taken for one's own",
        "adapters/reports/upload.py",
        'found["Metadata"] != metadata',
        "False",
    ),
    Mutation(
        "one's own file met again is no other's",
        "adapters/reports/upload.py",
        '            self._check_own(key, what["Metadata"])\n',
        "            raise AlreadyStored(key) from error\n",
    ),
    Mutation(
        "an upload that is given up is aborted",
        "adapters/reports/upload.py",
        "            self._give_up(key, upload_id, under_way)\n",
    ),
    Mutation(
        "the part under way before the abort",
        "adapters/reports/upload.py",
        "            under_way.exception()\n",
        "            pass\n",
    ),
    Mutation(
        "a caller's tables are its own",
        "adapters/reports/tables.py",
        'f"tables/{caller}/{upload_id}',
        'f"tables/{upload_id}',
    ),
    Mutation("the very table that was asked for", "adapters/reports/tables.py", ", IfMatch=content)", ")"),
    Mutation(
        "a report in a group of its own",
        "adapters/order_queues.py",
        "MessageGroupId=report.report_id",
        'MessageGroupId="all"',
    ),
    Mutation(
        "the replay number in bodies of reports",
        "domain/messages.py",
        "report.request.payload_hash, report.replay)",
        "report.request.payload_hash, 0)",
    ),
    Mutation("what is over is not written again", "domain/report_meeting.py", "report.is_over(now) or "),
    Mutation("an old run's message about a report", "domain/report_meeting.py", " or message.replay < report.replay"),
    Mutation(
        "a run that the row does not know of is taken up",
        "domain/report_meeting.py",
        "        return Verdict.TAKE_UP\n",
        "        return Verdict.DROP\n",
    ),
    Mutation(
        "the fence of reports",
        "domain/report_meeting.py",
        " and tried.receive_count > delivery.receive_count",
        " and False",
    ),
    Mutation(
        "the very message of a failed report is let through",
        "domain/report_meeting.py",
        "if report.failure.message_id == delivery.message_id:",
        "if False:",
    ),
    Mutation(
        "a redrive of a report is sent after the failure",
        "domain/report_meeting.py",
        "Verdict.TAKE_UP if delivery.sent_at > report.failure.at else Verdict.LET_THROUGH",
        "Verdict.TAKE_UP",
    ),
    Mutation(
        "nothing about a failed report is dropped",
        "domain/report_meeting.py",
        "report.failure.at else Verdict.LET_THROUGH",
        "report.failure.at else Verdict.DROP",
    ),
    Mutation("a claim of a report is not shown", "application/read_reports.py", "report.is_claim or "),
    Mutation("another caller's report is not shown", "application/read_reports.py", " or not mine"),
    Mutation(
        "the message of a redriven report before its row",
        "application/redrive_report.py",
        "        self.publisher.publish(replace(failed, replay=failed.replay + 1))\n",
    ),
    Mutation(
        "a rescue of a report taken up before it is written counts",
        "domain/report.py",
        "else self.rescues + 1",
        "else self.rescues",
    ),
    Mutation("a lease keeps the steward away", "application/tend_reports.py", "if row.seconds_held(now):", "if False:"),
]
