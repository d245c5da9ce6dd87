"""What must hold of reports (docs/reports.md). P1 to P9 are those of orders; B3 and B6 are requirements of a file."""

from collections.abc import Iterator

from tests.simulation.checkers import report_failures, report_requests, report_runs
from tests.simulation.checkers.report_evidence import ReportEvidence
from tests.simulation.checkers.violation import Violation, wrong_answers


def broken(seen: ReportEvidence) -> Iterator[Violation]:
    """In this order: the first one is told."""
    yield from wrong_answers(seen.asking.workload.report_exchanges, is_quiet=seen.system.faults.is_quiet)
    yield from report_requests.accepted_is_durable(seen)
    yield from report_requests.shown_from_then_on(seen)
    yield from report_requests.nobody_sees_what_is_not_theirs(seen)
    yield from report_requests.status_is_that_of_the_row(seen)
    yield from report_requests.one_request_one_report(seen)
    yield from report_runs.no_run_of_its_own(seen)
    yield from report_runs.row_leads(seen)
    yield from report_runs.states_are_legal(seen)
    yield from report_runs.who_lost_its_lease_changes_nothing(seen)
    yield from report_runs.a_lease_keeps_others_away(seen)
    yield from report_runs.one_file_a_generation(seen)
    yield from report_runs.files_are_whole(seen)
    yield from report_runs.links_lead_to_the_file(seen)
    yield from report_runs.nothing_lost(seen)
    yield from report_failures.nobody_fails_untried(seen)
    yield from report_failures.permanent_errors_do_not_wait(seen)
    yield from report_failures.dead_letters_are_accounted_for(seen)
    yield from report_failures.rescues_come_to_an_end(seen)
    yield from report_failures.dead_letters_are_of_failed_reports(seen)
    yield from report_failures.failed_reports_have_dead_letters(seen)
    yield from report_runs.no_upload_is_left_open(seen)
