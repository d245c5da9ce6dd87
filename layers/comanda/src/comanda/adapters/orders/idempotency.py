"""Powertools idempotency for the intake of orders."""

from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.typing import LambdaContext

from comanda.adapters.orders.views import accepted_view
from comanda.application.orders.accept import AcceptOrder, payload_hash
from comanda.application.orders.ports import NewOrder
from comanda.domain.shared.access import Caller
from comanda.domain.shared.identity import IdempotencyKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
from comanda.adapters.aws.idempotency import Answer, AnswersByKey


class AcceptOnce:
    """AcceptOrder behind the `Idempotency-Key`: a replay gets the first answer, without a look at the order."""

    def __init__(self, accept: AcceptOrder, client: "DynamoDBClient", table: str) -> None:
        self._accept = accept
        self._answers = AnswersByKey("accept_order", client, table)

    def __call__(
        self,
        caller: Caller,
        new: NewOrder,
        key: IdempotencyKey | None,
        correlation_id: str,
        context: LambdaContext,
    ) -> Answer:
        """The answer's body, and whether it was given before.

        Raises what AcceptOrder raises, and StillInProgress.
        """
        key = None if key is None else self._accept.key_in_use(key)

        def answer() -> Answer:
            accepted = self._accept(caller, new, key, correlation_id)
            return accepted_view(accepted.order), accepted.replayed

        if key is None:
            return answer()
        return self._answers([key.caller, key.space.value, key.value], payload_hash(new), context, answer)
