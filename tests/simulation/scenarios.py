"""Seeds made for what does harm only together (`Scenario`): without them nobody would miss some of the guards."""

from random import Random

from tests.simulation.faults import (
    AIMED_AT_REPORTS,
    MOST_AIMED,
    RECONCILER,
    REPORT_STEWARD,
    SWITCH,
    Aim,
    CallFault,
    Faults,
    Scenario,
    WorldFault,
)


def add_scenarios(faults: Faults, random: Random, *, of_reports: bool) -> None:
    """`random` is its own, so that seeds are what they were in all else. Where nothing is to go wrong at all, there is
    nothing but what orders bring with them."""
    if not faults.is_quiet:
        _add_trouble(faults, random, of_reports=of_reports)
    if random.random() < (0.5 if faults.is_quiet else 0.12):
        faults.scenarios.add(Scenario.HANGS_FOR_SOME)
        faults.hanging = random.choice((1, 1, 2, 5))
    if random.random() < 0.25 and not faults.is_quiet:
        faults.scenarios.add(Scenario.REDRIVEN_FROM_THE_CONSOLE)
    if random.random() < 0.05 and not faults.is_quiet:
        faults.scenarios.add(Scenario.TAKEN_BACK_UNHEARD)
        faults.aimed[Aim("write_orders", "UpdateItem orders")] = [CallFault.LOST_AFTER] * 12
    if random.random() < 0.05 and not (faults.is_quiet or faults.needs_a_crowd or faults.needs_many_dead_letters):
        faults.scenarios.add(Scenario.NO_WORKER_AFTER_AN_OUTAGE)
        faults.aimed[Aim(SWITCH, "UpdateEventSourceMapping enrichment")] = [CallFault.CRASH_BEFORE] * 12
        faults.world_rates |= {WorldFault.BROKEN_DEPLOYMENT: 1.0, WorldFault.PROVIDER_OUTAGE: 1.0}
    if of_reports and random.random() < 0.1 and not faults.is_quiet:
        faults.scenarios.add(Scenario.LONG_LEASES)
        faults.aimed[Aim("generate_report", "UpdateItem reports")] = [CallFault.CRASH_AFTER] * random.randint(2, 8)
        faults.world_rates[WorldFault.INVOCATION_THROTTLED] = 0.4
    if random.random() < 0.08 and not (faults.is_quiet or faults.needs_a_crowd or faults.needs_many_dead_letters):
        faults.scenarios.add(Scenario.HIDDEN_BEHIND_TEN)
        faults.world_rates[WorldFault.BROKEN_DEPLOYMENT] = 1.0
    if random.random() < 0.06 and not (faults.is_quiet or faults.needs_a_crowd or faults.needs_many_dead_letters):
        faults.scenarios.add(Scenario.WAKES_UNDER_THE_STEWARD)
        faults.aimed[Aim("enrich_order", "BatchGetItem orders")] = [CallFault.STALL] * 6
        faults.aimed[Aim(RECONCILER, "UpdateItem orders")] = [CallFault.STALL] * 4
        faults.world_rates[WorldFault.BROKEN_DEPLOYMENT] = 1.0
    faults.injected.update(faults.scenarios)


def _add_trouble(faults: Faults, random: Random, *, of_reports: bool) -> None:
    if of_reports and random.random() < 0.08:
        aim = Aim(REPORT_STEWARD, "GetQueueAttributes reports-dlq.fifo")
        faults.scenarios.add(Scenario.MANY_FAILED_REPORTS)
        faults.report_aims = [*faults.report_aims, aim]
        faults.aimed[aim] = [random.choice(AIMED_AT_REPORTS)] * random.randint(1, MOST_AIMED)
        faults.world_rates[WorldFault.BROKEN_DEPLOYMENT] = 1.0
    if random.random() < 0.15:
        faults.scenarios.add(Scenario.FROZEN_BEFORE_IT_LOOKS)
        faults.aimed[Aim("enrich_order", "BatchGetItem orders")] = [CallFault.STALL] * random.randint(2, 6)
    if random.random() < 0.15 and not (faults.needs_a_crowd or faults.needs_many_dead_letters):
        faults.scenarios.add(Scenario.REDRIVEN_BOTH_WAYS)
    if random.random() < 0.1:
        faults.scenarios.add(Scenario.NO_RESCUE_IS_WRITTEN)
        faults.aimed[Aim(RECONCILER, "UpdateItem orders")] = [CallFault.CRASH_BEFORE] * random.randint(2, 6)
        faults.world_rates[WorldFault.BROKEN_DEPLOYMENT] = 1.0
    if random.random() < 0.2:
        faults.scenarios.add(Scenario.ALL_CLOCKS_OFF)
        faults.world_rates[WorldFault.SKEWED_CLOCK] = 1.0
    _add_operators(faults, random)
    if faults.notification_aims and random.random() < 0.2:
        faults.scenarios.add(Scenario.BREAKS_AFTER_DELIVERING)
        faults.world_rates[WorldFault.DELETE_LOST] = 0.9


def _add_operators(faults: Faults, random: Random) -> None:
    if random.random() < 0.1:
        faults.scenarios.add(Scenario.STEWARD_DIES_BETWEEN)
        faults.aimed[Aim(RECONCILER, "SendMessage orders.fifo")] = [CallFault.CRASH_BEFORE] * random.randint(1, 4)
        faults.world_rates[WorldFault.BROKEN_DEPLOYMENT] = 1.0
    if random.random() < 0.1:
        faults.scenarios.add(Scenario.EVERYBODY_REDRIVES)
    if random.random() < (0.5 if faults.needs_a_crowd else 0.05):
        faults.scenarios.add(Scenario.PURGED_BY_HAND)
    if random.random() < 0.1:
        faults.scenarios.add(Scenario.ROWS_OF_OTHERS)
