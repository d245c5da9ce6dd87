"""The path of an order: three queues, the workers between them, and the functions behind the API."""

from aws_cdk import ArnFormat, CfnOutput, Stack
from constructs import Construct

from infra.constructs.bundling import Bundler
from infra.constructs.cors import cors_environment
from infra.constructs.dead_letter_steward import DeadLetterSteward
from infra.constructs.every_minute import STEWARD_TIMEOUT_SECONDS, EveryMinute
from infra.constructs.fifo_queue import FifoQueue
from infra.constructs.python_function import PythonFunction
from infra.constructs.queue_worker import QueueWorker
from infra.constructs.secret_arn import secret_arn
from infra.constructs.shared_layers import SharedLayers
from infra.settings import StageSettings
from infra.stacks.data_stack import DataStack
from infra.stacks.notify_environment import notify_environment


class OrdersStack(Stack):
    """write_orders → orders.fifo → process_order → enrichment.fifo → enrich_order → completion.fifo → complete_order"""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: StageSettings, bundler: Bundler, data: DataStack
    ) -> None:
        super().__init__(scope, construct_id, description="Comanda: order queues and functions")
        self._settings = settings
        self._data = data
        self._layers = SharedLayers(self, "Layers", settings=settings, bundler=bundler)

        self.orders = self._queue("Orders")
        self.enrichment = self._queue("Enrichment")
        self.completion = self._queue("Completion")

        self.write_orders = self._write_orders()
        self.read_orders = self._read_orders()
        self.process_order = self._process_order()
        self.enrich_order = self._enrich_order()
        self.complete_order = self._complete_order()

        self.switch_enrichment = self._switch_enrichment()
        self.tend_dead_letters = self._tend_dead_letters()

        for construct in (
            self.switch_enrichment,
            self.tend_dead_letters,
            self.process_order,
            self.enrich_order,
            self.complete_order,
            self.write_orders,
            self.read_orders,
        ):
            CfnOutput(self, f"{construct.node.id}Function", value=construct.function.function_name)

    def _queue(self, construct_id: str) -> FifoQueue:
        settings = self._settings
        fifo = FifoQueue(self, construct_id, name=construct_id.lower(), settings=settings, work=settings.order_work)
        CfnOutput(self, f"{construct_id}QueueUrl", value=fifo.queue.queue_url)
        CfnOutput(self, f"{construct_id}DlqUrl", value=fifo.dead_letter_queue.queue_url)
        return fifo

    def _write_orders(self) -> PythonFunction:
        write_orders = PythonFunction(
            self,
            "WriteOrders",
            name="write_orders",
            description="Accepts and cancels orders",
            layers=self._layers,
            timeout_seconds=self._settings.api.timeout_seconds,
            environment={
                "ORDERS_TABLE": self._data.orders.table_name,
                "IDEMPOTENCY_TABLE": self._data.idempotency.table_name,
                "ORDERS_QUEUE_URL": self.orders.queue.queue_url,
                "CURRENCY": self._settings.orders.currency,
                **notify_environment(self._settings, self._data),
                **cors_environment(self._settings),
            },
        )
        write_orders.allow("dynamodb:GetItem", on=self._data.subscriptions.table_arn)
        write_orders.allow(
            "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", on=self._data.orders.table_arn
        )
        write_orders.allow_idempotency(self._data.idempotency)
        write_orders.allow("sqs:SendMessage", on=self.orders.queue.queue_arn)
        return write_orders

    def _read_orders(self) -> PythonFunction:
        sources = (self.orders.queue, self.enrichment.queue, self.completion.queue)
        read_orders = PythonFunction(
            self,
            "ReadOrders",
            name="read_orders",
            description="Shows orders, balances and ledger entries, health and readiness",
            layers=self._layers,
            timeout_seconds=self._settings.api.timeout_seconds,
            environment={
                "ORDERS_TABLE": self._data.orders.table_name,
                "LEDGER_TABLE": self._data.ledger.table_name,
                "CIRCUITS_TABLE": self._data.circuits.table_name,
                "QUEUE_URLS": ",".join(queue.queue_url for queue in sources),
                **cors_environment(self._settings),
            },
        )
        read_orders.allow("dynamodb:GetItem", "dynamodb:DescribeTable", on=self._data.circuits.table_arn)
        read_orders.allow("dynamodb:GetItem", "dynamodb:DescribeTable", on=self._data.orders.table_arn)
        read_orders.allow(
            "dynamodb:GetItem", "dynamodb:Query", "dynamodb:DescribeTable", on=self._data.ledger.table_arn
        )
        for queue in sources:
            read_orders.allow("sqs:GetQueueAttributes", on=queue.queue_arn)
        return read_orders

    def _process_order(self) -> QueueWorker:
        worker = QueueWorker(
            self,
            "ProcessOrder",
            name="process_order",
            description="Takes up a new order and asks for its enrichment",
            layers=self._layers,
            source=self.orders,
            environment={
                **self._order_work(),
                "NEXT_QUEUE_URL": self.enrichment.queue.queue_url,
            },
        )
        self._allow_order_work(worker)
        worker.allow("sqs:SendMessage", on=self.enrichment.queue.queue_arn)
        return worker

    def _enrich_order(self) -> QueueWorker:
        worker = QueueWorker(
            self,
            "EnrichOrder",
            name="enrich_order",
            description="Has an order priced and its customer validated",
            layers=self._layers,
            source=self.enrichment,
            environment={
                **self._order_work(),
                "IDEMPOTENCY_TABLE": self._data.idempotency.table_name,
                "NEXT_QUEUE_URL": self.completion.queue.queue_url,
                "CIRCUITS_TABLE": self._data.circuits.table_name,
                "SWITCH_FUNCTION": self._settings.switch_enrichment_name,
                **self._provider_environment(),
            },
        )
        self._allow_order_work(worker)
        worker.allow_idempotency(self._data.idempotency)
        # What Powertools' circuit breaker calls, and a look whether it is open.
        worker.allow("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", on=self._data.circuits.table_arn)
        # By its name: the switch refers to this function's mapping.
        worker.allow("lambda:InvokeFunction", on=self._function_arn(self._settings.switch_enrichment_name))
        worker.allow("sqs:SendMessage", on=self.completion.queue.queue_arn)
        self._allow_provider_secret(worker)
        return worker

    def _allow_provider_secret(self, function: PythonFunction) -> None:
        if self._settings.enrichment.secret:
            function.allow("secretsmanager:GetSecretValue", on=secret_arn(self, self._settings.enrichment.secret))

    def _provider_environment(self) -> dict[str, str]:
        """The provider over HTTP where there is one, and else the simulated one. Of a secret, only its name."""
        settings = self._settings
        if settings.enrichment.url is None:
            return {"ENRICHMENT_DELAY_SECONDS": f"{settings.enrichment.delay_seconds:g}"}
        environment = {
            "ENRICHMENT_URL": str(settings.enrichment.url),
            "ENRICHMENT_CONNECT_SECONDS": f"{settings.enrichment.connect_seconds:g}",
            "ENRICHMENT_READ_SECONDS": f"{settings.enrichment.read_seconds:g}",
            "ENRICHMENT_TOTAL_SECONDS": f"{settings.enrichment.total_seconds:g}",
        }
        if settings.enrichment.health_url:
            environment["ENRICHMENT_HEALTH_URL"] = str(settings.enrichment.health_url)
        if settings.enrichment.secret:
            environment["ENRICHMENT_SECRET"] = settings.enrichment.secret
        return environment

    def _complete_order(self) -> QueueWorker:
        worker = QueueWorker(
            self,
            "CompleteOrder",
            name="complete_order",
            description="Enters finished orders into their recipient's ledger",
            layers=self._layers,
            source=self.completion,
            environment={**self._order_work(), "LEDGER_TABLE": self._data.ledger.table_name},
        )
        self._allow_order_work(worker)
        worker.allow("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", on=self._data.ledger.table_arn)
        return worker

    def _tend_dead_letters(self) -> DeadLetterSteward:
        queues = (self.orders, self.enrichment, self.completion)
        steward = DeadLetterSteward(
            self,
            "TendDeadLetters",
            name="tend_dead_letters",
            description="Every minute: what orders owe, and what was dead-lettered",
            layers=self._layers,
            queues=queues,
            schedule_id="EveryMinute",
            environment={
                "ORDERS_TABLE": self._data.orders.table_name,
                "CIRCUITS_TABLE": self._data.circuits.table_name,
            },
        )
        steward.allow("dynamodb:BatchGetItem", "dynamodb:UpdateItem", on=self._data.orders.table_arn)
        steward.allow("dynamodb:Query", on=f"{self._data.orders.table_arn}/index/attention")
        steward.allow("dynamodb:GetItem", on=self._data.circuits.table_arn)
        return steward

    def _switch_enrichment(self) -> PythonFunction:
        mapping = self.enrich_order.mapping
        switch = PythonFunction(
            self,
            "SwitchEnrichment",
            name="switch_enrichment",
            function_name=self._settings.switch_enrichment_name,
            description="Every minute, and when the circuit opens: whether orders are enriched",
            layers=self._layers,
            timeout_seconds=STEWARD_TIMEOUT_SECONDS,
            environment={
                "CIRCUITS_TABLE": self._data.circuits.table_name,
                "ENRICHMENT_MAPPING": mapping.event_source_mapping_id,
                **self._provider_environment(),
            },
        )
        self._allow_provider_secret(switch)
        switch.allow("dynamodb:GetItem", "dynamodb:UpdateItem", on=self._data.circuits.table_arn)
        switch.allow(
            "lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping", on=mapping.event_source_mapping_arn
        )
        EveryMinute(self, "SwitchEveryMinute", switch.function)
        return switch

    def _function_arn(self, name: str) -> str:
        return self.format_arn(
            service="lambda", resource="function", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )

    def _order_work(self) -> dict[str, str]:
        return {"ORDERS_TABLE": self._data.orders.table_name, "ORDERS_QUEUE_URL": self.orders.queue.queue_url}

    def _allow_order_work(self, worker: QueueWorker) -> None:
        """A worker reads the orders of its batch, and moves each on. One that the console redrove begins again, at the
        first queue."""
        worker.allow("dynamodb:BatchGetItem", "dynamodb:UpdateItem", on=self._data.orders.table_arn)
        worker.allow("sqs:SendMessage", on=self.orders.queue.queue_arn)
