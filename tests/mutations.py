"""Take one guard out at a time: each must turn a test red. `make mutate` runs it, outside of the working tree.

A guard that can be removed without anybody noticing is either not needed or not tested.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = Path("layers", "comanda", "src", "comanda")
AT_ONCE = 2
TESTS = ["tests/domain", "tests/application", "tests/contract", "tests/functions", "tests/crashes"]


@dataclass(frozen=True)
class Mutation:
    """In `file`, `code` becomes `instead`."""

    guard: str
    file: str
    code: str
    instead: str = ""


MUTATIONS = [
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
        "order.payload_hash, order.replay)",
        "order.payload_hash, 0)",
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
        "                return stay + self._rest(waiting, rest.seconds)\n",
        "                stay += self._rest(waiting[:1], rest.seconds)\n"
        "                del waiting[:1]\n                continue\n",
    ),
    Mutation(
        "the followers' pause",
        "application/work.py",
        "self.queue.hide(waiting, seconds)",
        "self.queue.hide(waiting[:1], seconds)",
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
    Mutation("a redrive is sent after the failure", "domain/meeting.py", " and delivery.sent_at > failure.at"),
    Mutation("a redrive is of the stage that failed", "domain/meeting.py", "stage is failure.stage and "),
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
        "        self.publisher.publish(rescued, Event.CREATED)\n",
    ),
    Mutation(
        "a rescue has a body of its own",
        "application/steward.py",
        "order.rescued(self.clock(), replay + 1)",
        "order.rescued(self.clock(), order.replay + 1)",
    ),
    Mutation("the steward's one rescue", "application/steward.py", "order.rescues >= self.max_rescues", "False"),
    Mutation(
        "a rescue taken up before it is written counts",
        "domain/order.py",
        "0 if failed else self.rescues + 1",
        "0 if failed else self.rescues",
    ),
    Mutation(
        "the steward leaves what has changed",
        "application/steward.py",
        "        except Overtaken:\n            return\n",
        "        except Overtaken:\n            raise\n",
    ),
    Mutation(
        "a group that shared a full receive is seen in full",
        "application/steward.py",
        "                    cut_short += _cut_short(deliveries)\n",
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
        "self._results(generation, lambda: asdict(self._files.write(report, table, rows)))",
        "asdict(self._files.write(report, table, rows))",
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
        "Verdict.TAKE_UP if delivery.sent_at > report.failure.at else Verdict.DROP",
        "Verdict.TAKE_UP",
    ),
    Mutation("a claim of a report is not shown", "application/read_reports.py", "report.is_claim or "),
    Mutation("another caller's report is not shown", "application/read_reports.py", " or not mine"),
    Mutation(
        "the message of a redriven report before its row",
        "application/redrive_report.py",
        "        self.publisher.publish(replace(failed, replay=failed.replay + 1))\n",
    ),
    Mutation(
        "the steward of reports publishes before it writes",
        "application/tend_reports.py",
        "        self.publisher.publish(rescued)\n",
    ),
    Mutation(
        "a rescue of a report has a body of its own",
        "application/tend_reports.py",
        "report.rescued(self.clock(), replay + 1)",
        "report.rescued(self.clock(), report.replay + 1)",
    ),
    Mutation(
        "the one rescue of a report", "application/tend_reports.py", "report.rescues >= self.max_rescues", "False"
    ),
    Mutation(
        "a rescue of a report taken up before it is written counts",
        "domain/report.py",
        "else self.rescues + 1",
        "else self.rescues",
    ),
    Mutation(
        "only the last run of a report counts",
        "application/tend_reports.py",
        "message is not None and message.replay < last_run[message.report_id]",
        "False",
    ),
    Mutation(
        "a lease keeps the steward away", "application/tend_reports.py", "if report.seconds_held(now):", "if False:"
    ),
    Mutation(
        "the steward leaves a report that has changed",
        "application/tend_reports.py",
        "        except Overtaken:\n            return\n",
        "        except Overtaken:\n            raise\n",
    ),
]


def main() -> None:
    """Print which test notices what, as docs/guards.md has it; exit code 1 where a guard could be removed unnoticed.

    Arguments are names of guards; without any, all are taken out.
    """
    started = time.monotonic()
    chosen = [mutation for mutation in MUTATIONS if not sys.argv[1:] or mutation.guard in sys.argv[1:]]
    unnoticed = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as executor:
        tried = executor.map(partial(try_out, Path(folder)), chosen)
        for mutation, noticed_by in zip(chosen, tried, strict=True):
            print(f"| {mutation.guard} | {noticed_by or '**nobody**'} |", flush=True)  # noqa: T201
            unnoticed += noticed_by is None
    print(f"{len(chosen)} guards taken out one by one in {time.monotonic() - started:.0f} s")  # noqa: T201
    sys.exit(f"{unnoticed} of them can be removed unnoticed" if unnoticed else 0)


def try_out(folder: Path, mutation: Mutation) -> str | None:
    """The first test that fails without the guard."""
    return first_failure(copy_without(folder, mutation))


def copy_without(folder: Path, *mutations: Mutation) -> Path:
    """A copy of all that the tests need, without these guards."""
    copy = Path(tempfile.mkdtemp(dir=folder))
    for part in ("layers", "functions", "tests", "cli", "local", "infra", "app.py", "cdk.json", "pyproject.toml"):
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, copy / part)
    for mutation in mutations:
        file = copy / CODE / mutation.file
        whole = file.read_text()
        if whole.count(mutation.code) != 1:
            sys.exit(f"{mutation.guard}: the code stands {whole.count(mutation.code)} times in {mutation.file}")
        file.write_text(whole.replace(mutation.code, mutation.instead))
    return copy


def environment_of(copy: Path) -> dict[str, str]:
    """Python finds the copy first."""
    paths = os.pathsep.join(str(copy / part) for part in (CODE.parent, Path("cli", "src")))
    return os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}


def first_failure(copy: Path) -> str | None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-k",
            "not emulator",
            *TESTS,
        ],
        cwd=copy,
        env=environment_of(copy),
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    if done.returncode == 1 and failed:
        return "`" + failed[0].removeprefix("FAILED tests/").split(" - ")[0].split("[")[0] + "`"
    if done.returncode != 0:
        sys.exit(f"pytest ended with {done.returncode}:\n{done.stdout[-2000:]}")
    return None


if __name__ == "__main__":
    main()
