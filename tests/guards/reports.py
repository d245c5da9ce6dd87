"""What keeps the promises about reports."""

from tests.guards.mutation import Mutation

REPORTS = [
    Mutation(
        "the claim of a report before the send",
        "application/reports/accept.py",
        "        found = self.reports.claim(claim)\n",
        "        self.publisher.publish(claim)\n        found = self.reports.claim(claim)\n",
    ),
    Mutation(
        "the payload hash of a keyed report",
        "application/reports/accept.py",
        "found.request.payload_hash != request.payload_hash",
        "False",
    ),
    Mutation("a keyed report never begins anew", "domain/reports/report.py", "(self.is_claim or not self.keyed) and "),
    Mutation("the caller in a report's id", "domain/reports/report.py", '"parameters", self.caller,', '"parameters",'),
    Mutation(
        "what its caller may see in a report's id",
        "domain/reports/report.py",
        "[self.sees_all, self.type,",
        "[self.type,",
    ),
    Mutation(
        "a report's parameters as they were validated",
        "application/reports/accept.py",
        'kept.model_dump(mode="json", by_alias=True, exclude_none=True)',
        'kept.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)',
    ),
    Mutation(
        "the scope of the record of a report", "adapters/reports/idempotency.py", "[request.caller, in_use]", "[in_use]"
    ),
    Mutation(
        "one file for each generation",
        "adapters/reports/idempotency.py",
        "self._results(generation, lambda: asdict(self._files.write(report, table, rows, left_out)))",
        "asdict(self._files.write(report, table, rows, left_out))",
    ),
    Mutation(
        "a generation of its own for each run",
        "adapters/reports/idempotency.py",
        "[report.report_id, to_iso(report.created_at), report.replay]",
        "[report.report_id]",
    ),
    Mutation(
        "the lease is renewed",
        "application/reports/generate.py",
        "if self._job.row.seconds_held(now) <= limits.lease / 2:",
        "if False:",
    ),
    Mutation(
        "a file key for each lease",
        "domain/reports/report.py",
        "number = self.lease.number if self.lease else 0",
        "number = 0",
    ),
    Mutation(
        "a number of a lease is never used again",
        "domain/reports/report.py",
        "            rows_written=0,\n            file=None,\n",
        "            rows_written=0,\n            lease=None,\n            file=None,\n",
    ),
    Mutation(
        "who gives up for now keeps nobody waiting",
        "domain/reports/report.py",
        "super().tried(message_id, receive_count, now)._released(now)",
        "super().tried(message_id, receive_count, now)",
    ),
    Mutation(
        "who gives an attempt back keeps nobody waiting",
        "domain/reports/report.py",
        "super().given_back(now)._released(now)",
        "super().given_back(now)",
    ),
    Mutation(
        "what cannot end in time is not begun",
        "application/reports/generate.py",
        "if needed > limits.longest:",
        "if False:",
    ),
    Mutation(
        "what has too little time now is handed back",
        "application/reports/generate.py",
        "if needed > self._job.seconds_left():",
        "if False:",
    ),
    Mutation(
        "the time that is left while rows go by",
        "application/reports/generate.py",
        "if self._job.seconds_left() < limits.reserve:",
        "if False:",
    ),
    Mutation(
        "the settle margin",
        "application/reports/generate.py",
        "        self._check_settled(report_type, parameters)\n",
    ),
    Mutation(
        "no file over another",
        "adapters/reports/bucket.py",
        'Body=content, IfNoneMatch="*")',
        "Body=content)",
    ),
    Mutation("no file in parts over another", "adapters/reports/bucket.py", '                    IfNoneMatch="*",\n'),
    Mutation(
        "another's file is not taken for one's own",
        "adapters/reports/bucket.py",
        'found["Metadata"] != metadata',
        "False",
    ),
    Mutation(
        "one's own file met again is no other's",
        "adapters/reports/bucket.py",
        '            self._check_own(key, what["Metadata"])\n',
        "            raise AlreadyStored(key) from error\n",
    ),
    Mutation(
        "an upload that is given up is aborted",
        "adapters/reports/bucket.py",
        "            self._give_up(key, upload_id, under_way)\n",
    ),
    Mutation(
        "the part under way before the abort",
        "adapters/reports/bucket.py",
        "            under_way.exception()\n",
        "            pass\n",
    ),
    Mutation(
        "a caller's tables are its own",
        "adapters/reports/uploads.py",
        'f"tables/{caller}/{upload_id}',
        'f"tables/{upload_id}',
    ),
    Mutation(
        "an upload of the stated size", "adapters/reports/uploads.py", '                    "ContentLength": size,\n'
    ),
    Mutation(
        "an upload of the stated type",
        "adapters/reports/uploads.py",
        '                    "ContentType": content_type,\n',
    ),
    Mutation(
        "so many uploads an hour",
        "adapters/reports/upload_counts.py",
        'ConditionExpression="attribute_not_exists(uploads) OR uploads < :most"',
        'ConditionExpression="attribute_not_exists(uploads) OR uploads < :most OR uploads >= :most"',
    ),
    Mutation("the very table that was asked for", "adapters/reports/uploads.py", ", IfMatch=content)", ")"),
    Mutation(
        "a report in a group of its own",
        "domain/reports/report.py",
        "    def message_group(self) -> str:\n        return self.report_id\n",
        '    def message_group(self) -> str:\n        return "all"\n',
    ),
    Mutation("a claim of a report is not shown", "application/reports/read.py", "report.is_claim or "),
    Mutation(
        "another caller's report is not shown",
        "application/reports/read.py",
        " or not sees(caller, Action.READ_REPORT, report.request.caller)",
    ),
    Mutation(
        "another's report is cancelled by ops alone",
        "application/reports/cancel.py",
        "        caller.require(Action.CANCEL_REPORT, caller.whose(report.request.caller))\n",
    ),
    Mutation(
        "who asks for a report may see what it shows",
        "application/reports/accept.py",
        "            caller.require(shown)\n",
        "            pass\n",
    ),
    Mutation(
        "who reads a report may see what it shows",
        "application/reports/read.py",
        "        caller.require(shown, Whose.OTHERS if request.sees_all else caller.whose(request.caller))\n",
        "        pass\n",
    ),
    Mutation(
        "a report on everybody's orders takes the right to read them",
        "application/reports/read.py",
        "Whose.OTHERS if request.sees_all else ",
        "",
    ),
    Mutation(
        "of an empty period nothing is asked",
        "adapters/orders/period_index.py",
        "    if period.is_empty:\n        return\n",
    ),
    Mutation(
        "a period is as exact as the times that are kept",
        "domain/shared/period.py",
        ".replace(microsecond=utc.microsecond // 1000 * 1000)",
        "",
    ),
]
