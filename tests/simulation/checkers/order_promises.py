"""What must hold of orders (docs/order-lifecycle.md)."""

from collections.abc import Iterator

from tests.simulation.checkers import order_calls, order_failures, order_requests, order_runs
from tests.simulation.checkers.order_evidence import OrderEvidence
from tests.simulation.checkers.violation import Violation, wrong_answers


def broken(seen: OrderEvidence) -> Iterator[Violation]:
    """In this order: the first one is told."""
    yield from wrong_answers(seen.workload.exchanges, is_quiet=seen.system.faults.is_quiet)
    yield from order_requests.accepted_is_durable(seen)
    yield from order_requests.one_key_one_order(seen)
    yield from order_runs.no_run_of_its_own(seen)
    yield from order_runs.row_leads(seen)
    yield from order_requests.requests_revive_nothing(seen)
    yield from order_runs.states_are_legal(seen)
    yield from order_runs.who_wakes_up_late_changes_nothing(seen)
    yield from order_runs.one_effect(seen)
    yield from order_runs.balance_is_the_sum(seen)
    yield from order_runs.order_per_recipient(seen)
    yield from order_runs.nothing_lost(seen)
    yield from order_failures.nobody_fails_untried(seen)
    yield from order_failures.killers_take_nobody_along(seen)
    yield from order_failures.permanent_errors_do_not_wait(seen)
    yield from order_failures.status_tells_the_truth(seen)
    yield from order_failures.rescues_come_to_an_end(seen)
    yield from order_failures.dead_letters_are_of_failed_orders(seen)
    yield from order_failures.failed_orders_have_dead_letters(seen)
    yield from order_requests.who_takes_back_hears_it(seen)
    yield from order_requests.provider_is_called_with_a_key(seen)
    yield from order_calls.broken(seen)
    yield from order_runs.enrichment_goes_on(seen)
    yield from order_runs.handlers_raise_what_they_say(seen)
