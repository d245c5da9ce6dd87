"""Powertools' store of circuit breakers in DynamoDB, as we use it."""

import time
from typing import Any

from aws_lambda_powertools.utilities.circuit_breaker.persistence import CircuitBreakerDynamoDBPersistence
from aws_lambda_powertools.utilities.circuit_breaker.persistence.record import CircuitStateRecord
from aws_lambda_powertools.utilities.circuit_breaker.states import CircuitState

from comanda.adapters.aws.errors import answering


class CircuitStore(CircuitBreakerDynamoDBPersistence):
    """Powertools' store, which also keeps when the circuit was closed, written with the state.

    Whoever would try, and cannot be written down as the one who does, met an outage of the table and no defect."""

    def _build_update_query(self, record: CircuitStateRecord) -> dict[str, Any]:
        query: dict[str, Any] = super()._build_update_query(record)
        if record.state == CircuitState.CLOSED:
            query["UpdateExpression"] = query["UpdateExpression"].replace("SET ", "SET #closed_at = :closed_at, ", 1)
            query["ExpressionAttributeNames"]["#closed_at"] = "closed_at"
            query["ExpressionAttributeValues"][":closed_at"] = {"N": str(epoch_seconds())}
        return query

    def try_acquire_half_open(self, name: str, owner: str, opened_at: int) -> bool:
        with answering("circuits table"):
            return super().try_acquire_half_open(name, owner, opened_at)


def epoch_seconds() -> int:
    """Whole seconds since 1970, as Powertools' store counts them."""
    return int(time.time())
