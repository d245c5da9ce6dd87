"""List prices of us-east-1, as known on 2026-11-22 and entered by hand. Check them on the pages named before use.

Without free tiers, volume discounts and savings plans.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from benchmarks.cost.usage import Kind, Usage

AS_KNOWN_ON = "2026-11-22"
REGION = "us-east-1"
MILLION = 1_000_000
GB = 1024**3


@dataclass(frozen=True)
class Price:
    usd: Decimal
    per: int
    page: str

    def of(self, amount: Decimal) -> Decimal:
        return amount * self.usd / self.per


_LAMBDA_GB_SECOND = Price(Decimal("0.0000133334"), 1, "AWS Lambda pricing (Arm, first tier)")

PRICES: Mapping[Kind, Price] = {
    Kind.API_REQUEST: Price(Decimal("3.50"), MILLION, "Amazon API Gateway pricing (REST APIs)"),
    Kind.INVOCATION: Price(Decimal("0.20"), MILLION, "AWS Lambda pricing"),
    Kind.GB_SECONDS: _LAMBDA_GB_SECOND,
    Kind.WAITED_GB_SECONDS: _LAMBDA_GB_SECOND,
    Kind.SQS_REQUEST: Price(Decimal("0.50"), MILLION, "Amazon SQS pricing (FIFO queues)"),
    Kind.WRITE_UNITS: Price(Decimal("0.625"), MILLION, "Amazon DynamoDB pricing (on-demand capacity)"),
    Kind.READ_UNITS: Price(Decimal("0.125"), MILLION, "Amazon DynamoDB pricing (on-demand capacity)"),
    Kind.S3_PUT: Price(Decimal("0.005"), 1_000, "Amazon S3 pricing (S3 Standard)"),
    Kind.S3_GET: Price(Decimal("0.0004"), 1_000, "Amazon S3 pricing (S3 Standard)"),
    Kind.LOG_BYTES: Price(Decimal("0.50"), GB, "Amazon CloudWatch pricing (Logs, Standard)"),
    Kind.SCHEDULED: Price(Decimal("1.00"), MILLION, "Amazon EventBridge pricing (Scheduler)"),
}

METRIC_MONTH = Price(Decimal("0.30"), 1, "Amazon CloudWatch pricing (custom metrics, first tier)")
SECRET_MONTH = Price(Decimal("0.40"), 1, "AWS Secrets Manager pricing")


def cost_of(usage: Usage) -> dict[Kind, Decimal]:
    """USD by kind, of what has a price."""
    costs: dict[Kind, Decimal] = {}
    for kind, price in PRICES.items():
        amount = usage.total(kind)
        if amount:
            costs[kind] = price.of(Decimal(amount.numerator) / Decimal(amount.denominator))
    return costs


def total_of(usage: Usage) -> Decimal:
    """USD."""
    return sum(cost_of(usage).values(), Decimal(0))
