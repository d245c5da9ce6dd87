"""What must hold of notifications: told at least once for each event, under one id, and never a delay of an order."""

from collections.abc import Iterator

from tests.simulation.checkers import notification_calls, notification_failures, notification_runs
from tests.simulation.checkers.notification_evidence import NotificationEvidence
from tests.simulation.checkers.violation import Violation


def broken(seen: NotificationEvidence) -> Iterator[Violation]:
    """In this order: the first one is told."""
    yield from notification_calls.asked_is_what_callers_said(seen)
    yield from notification_calls.whatever_was_asked_for_is_told(seen)
    yield from notification_runs.a_message_has_its_row(seen)
    yield from notification_calls.one_id_for_each_event(seen)
    yield from notification_calls.in_order(seen)
    yield from notification_runs.states_are_legal(seen)
    yield from notification_runs.who_wakes_up_late_changes_nothing(seen)
    yield from notification_runs.no_run_of_its_own(seen)
    yield from notification_runs.row_leads(seen)
    yield from notification_runs.killers_come_to_an_end(seen)
    yield from notification_failures.nobody_fails_untried(seen)
    yield from notification_failures.permanent_errors_do_not_wait(seen)
    yield from notification_failures.dead_letters_are_accounted_for(seen)
    yield from notification_failures.dead_letters_are_of_failed_notifications(seen)
    yield from notification_failures.failed_ones_have_dead_letters(seen)
    yield from notification_failures.rescues_come_to_an_end(seen)
    yield from notification_calls.who_wants_nothing_more_is_left_alone(seen)
    yield from notification_calls.orders_wait_for_nobody(seen)
