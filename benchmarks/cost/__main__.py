"""What an order and a report cost, counted on the real handlers and priced from a list: `make cost`.

Calls are counted at botocore, DynamoDB's units worked out from the items, log bytes from what is printed. Durations are
processor time of this process, moto's share included, and differ a little from run to run; all else is always the same.
"""

import argparse
from decimal import Decimal

from benchmarks.cost import prices, tables
from benchmarks.cost.meter import LOG_EVENT_BYTES
from benchmarks.cost.scenarios import Measured, Scenarios
from benchmarks.cost.stage import WORKERS
from benchmarks.cost.stage_tables import Tables
from benchmarks.cost.usage import Kind
from infra.settings import STAGE_NAMES, load_settings

ROWS = 1_000
MINUTES_A_MONTH = 60 * 24 * 30
LONG_POLLS_A_MINUTE = 5 * 3
"""By an idle mapping: five at once, of 20 s each."""
DETAILED_METRICS = 5
"""That API Gateway writes for a method that is called: count, latency, integration latency, 4xx and 5xx."""
RULES = f"""\
How it is counted (docs/cost.md):
- SQS: what functions call is counted; a mapping's own calls are added by rule: one ReceiveMessage a batch, and one
  DeleteMessageBatch for a batch of which something is done. Its empty long polls go by time: the fixed costs.
- DynamoDB: by item sizes, as documented; indexes included.
- Lambda: processor time measured in this process, moto's share included, times the memory that infra/settings gives.
- Logs: the bytes that were printed, Lambda's own lines, the access log, and {LOG_EVENT_BYTES} bytes for each line.
- Not in it: cold starts, storage, data transfer, traces, free tiers, taxes; alarms: docs/alarms.md.
- Prices: {prices.REGION}, as known on {prices.AS_KNOWN_ON}, entered by hand; check before use:"""


def main() -> None:
    arguments = _arguments()
    settings = load_settings(arguments.stage)
    scenarios = Scenarios(settings, Tables(settings))

    happy = [scenarios.happy_path(batch, 30 // batch) for batch in tables.BATCHES]
    broadcasts = [scenarios.broadcasts(batch, 30 // batch).usage for batch in tables.BATCHES]
    usages = [measured.usage for measured in happy]
    others = {
        "order with an Idempotency-Key, batch 1": scenarios.happy_path(1, 3, with_key=True),
        "order that fails twice, then completes": scenarios.two_failures(),
        "order that fails for good: a dead letter": scenarios.dead_letter(),
        "redrive by the CLI, until completed": scenarios.redrive(),
        "rescue by the reconciler, until completed": scenarios.rescue(),
        "GET /orders/{id}": scenarios.get_order(),
        f"report of {ROWS:,} rows, XLSX": scenarios.report(ROWS),
    }
    without, having = scenarios.reconciler_with(0), scenarios.reconciler_with(1)
    kept = having.usage.without(without.usage).times(MINUTES_A_MONTH // 30)
    each = [(name, measured.usage) for name, measured in others.items()]
    metrics = set().union(*(measured.metrics for measured in [*happy, *others.values()]))

    print(f"Stage {settings.stage}, {prices.REGION}, list prices as known on {prices.AS_KNOWN_ON}\n")
    print(tables.counts_table(usages), end="\n\n")
    print(_sizes(happy), end="\n\n")
    print(tables.costs_table(usages, broadcasts), end="\n\n")
    print(tables.targets_table(usages), end="\n\n")
    print(tables.each_table("what else it costs", [*each, ("a dead letter that stays, a day", kept)]), end="\n\n")
    print(tables.months_table(_months(scenarios.idle_minute(), len(metrics))), end="\n\n")
    print(RULES)
    for kind, price in prices.PRICES.items():
        print(f"  {kind.value}: {price.usd} USD per {price.per:,}: {price.page}")


def _sizes(measured: list[Measured]) -> str:
    largest = {name: size for each in measured for name, size in each.largest.items()}
    return "largest item, bytes (a write unit is 1,024): " + ", ".join(f"{n} {size}" for n, size in largest.items())


def _months(idle: Measured, metrics: int) -> list[tuple[str, Decimal]]:
    polls = prices.PRICES[Kind.SQS_REQUEST].of(Decimal(LONG_POLLS_A_MINUTE * MINUTES_A_MONTH))
    return [
        ("the functions that are called each minute", prices.total_of(idle.usage) * MINUTES_A_MONTH),
        (f"empty long polls of {len(WORKERS)} mappings", polls * len(WORKERS)),
        (f"{metrics} custom metrics", prices.METRIC_MONTH.of(Decimal(metrics))),
        ("the secret of the tokens", prices.SECRET_MONTH.of(Decimal(1))),
        ("metrics of API Gateway, each method called", prices.METRIC_MONTH.of(Decimal(DETAILED_METRICS))),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stage", choices=STAGE_NAMES, default="prod")
    return parser.parse_args()


if __name__ == "__main__":
    main()
