"""The path of an order: three queues, the workers between them, and the functions behind the API."""

from aws_cdk import ArnFormat, CfnOutput, Stack
from constructs import Construct

from infra.constructs.bundling import Bundler
from infra.constructs.dead_letter_reconciler import DeadLetterReconciler
from infra.constructs.every_minute import RECONCILER_TIMEOUT_SECONDS, EveryMinute
from infra.constructs.fifo_queue import FifoQueue
from infra.constructs.python_function import PythonFunction
from infra.constructs.queue_worker import QueueWorker
from infra.constructs.secret_arn import secret_arn
from infra.constructs.shared_layers import SharedLayers
from infra.settings import StageSettings
from infra.stacks.data_stack import DataStack


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
        self.queues = (self.orders, self.enrichment, self.completion)
        """In the order in which an order passes them."""
        self._resources = {
            **data.resources,
            "ORDERS_QUEUE_URL": self.orders.queue.queue_url,
            "ORDERS_DLQ_URL": self.orders.dead_letter_queue.queue_url,
            "ENRICHMENT_DLQ_URL": self.enrichment.dead_letter_queue.queue_url,
            "COMPLETION_DLQ_URL": self.completion.dead_letter_queue.queue_url,
            "QUEUE_URLS": ",".join(each.queue.queue_url for each in self.queues),
        }

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
            resources=self._resources,
        )
        write_orders.allow("dynamodb:GetItem", on=self._data.subscriptions.table_arn)
        write_orders.allow(
            "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", on=self._data.orders.table_arn
        )
        write_orders.allow_idempotency(self._data.idempotency)
        write_orders.allow("sqs:SendMessage", on=self.orders.queue.queue_arn)
        return write_orders

    def _read_orders(self) -> PythonFunction:
        read_orders = PythonFunction(
            self,
            "ReadOrders",
            name="read_orders",
            description="Shows orders, balances and ledger entries, health and readiness",
            layers=self._layers,
            timeout_seconds=self._settings.api.timeout_seconds,
            resources=self._resources,
        )
        read_orders.allow("dynamodb:GetItem", "dynamodb:DescribeTable", on=self._data.circuits.table_arn)
        read_orders.allow("dynamodb:GetItem", "dynamodb:DescribeTable", on=self._data.orders.table_arn)
        read_orders.allow(
            "dynamodb:GetItem", "dynamodb:Query", "dynamodb:DescribeTable", on=self._data.ledger.table_arn
        )
        for each in self.queues:
            read_orders.allow("sqs:GetQueueAttributes", on=each.queue.queue_arn)
        return read_orders

    def _process_order(self) -> QueueWorker:
        worker = QueueWorker(
            self,
            "ProcessOrder",
            name="process_order",
            description="Takes up a new order and asks for its enrichment",
            layers=self._layers,
            source=self.orders,
            resources={**self._resources, "NEXT_QUEUE_URL": self.enrichment.queue.queue_url},
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
            resources={**self._resources, "NEXT_QUEUE_URL": self.completion.queue.queue_url},
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

    def _complete_order(self) -> QueueWorker:
        worker = QueueWorker(
            self,
            "CompleteOrder",
            name="complete_order",
            description="Enters finished orders into their recipient's ledger",
            layers=self._layers,
            source=self.completion,
            resources=self._resources,
        )
        self._allow_order_work(worker)
        worker.allow("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", on=self._data.ledger.table_arn)
        return worker

    def _tend_dead_letters(self) -> DeadLetterReconciler:
        reconciler = DeadLetterReconciler(
            self,
            "TendDeadLetters",
            name="tend_dead_letters",
            description="Every minute: what orders owe, and what was dead-lettered",
            layers=self._layers,
            queues=self.queues,
            schedule_id="EveryMinute",
            resources=self._resources,
        )
        reconciler.allow("dynamodb:BatchGetItem", "dynamodb:UpdateItem", on=self._data.orders.table_arn)
        reconciler.allow("dynamodb:Query", on=f"{self._data.orders.table_arn}/index/attention")
        reconciler.allow("dynamodb:GetItem", on=self._data.circuits.table_arn)
        return reconciler

    def _switch_enrichment(self) -> PythonFunction:
        mapping = self.enrich_order.mapping
        switch = PythonFunction(
            self,
            "SwitchEnrichment",
            name="switch_enrichment",
            function_name=self._settings.switch_enrichment_name,
            description="Every minute, and when the circuit opens: whether orders are enriched",
            layers=self._layers,
            timeout_seconds=RECONCILER_TIMEOUT_SECONDS,
            resources={**self._resources, "ENRICHMENT_MAPPING": mapping.event_source_mapping_id},
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

    def _allow_order_work(self, worker: QueueWorker) -> None:
        """A worker reads the orders of its batch, and moves each on. One that the console redrove begins again, at the
        first queue."""
        worker.allow("dynamodb:BatchGetItem", "dynamodb:UpdateItem", on=self._data.orders.table_arn)
        worker.allow("sqs:SendMessage", on=self.orders.queue.queue_arn)
