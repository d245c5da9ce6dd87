"""The path of a report: its queue, the worker that writes the file, and the functions behind the API."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.constructs.bundling import Bundler
from infra.constructs.dead_letter_reconciler import DeadLetterReconciler
from infra.constructs.fifo_queue import FifoQueue
from infra.constructs.python_function import PythonFunction
from infra.constructs.queue_worker import QueueWorker
from infra.constructs.secret_arn import secret_arn
from infra.constructs.shared_layers import SharedLayers
from infra.settings import StageSettings
from infra.stacks.data_stack import DataStack


class ReportsStack(Stack):
    """write_reports → reports.fifo → generate_report → the bucket; read_reports shows how far it is, and gives links.

    It knows the stack of the data and no other, so that any stack may refer to its queue.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: StageSettings, bundler: Bundler, data: DataStack
    ) -> None:
        super().__init__(scope, construct_id, description="Comanda: report queue and functions")
        self._settings = settings
        self._data = data
        self._layers = SharedLayers(self, "Layers", settings=settings, bundler=bundler)

        self.reports = FifoQueue(self, "Reports", name="reports", settings=settings, work=settings.report_work)
        self._resources = {
            **data.resources,
            "REPORTS_QUEUE_URL": self.reports.queue.queue_url,
            "REPORTS_DLQ_URL": self.reports.dead_letter_queue.queue_url,
        }
        self.write_reports = self._write_reports()
        self.read_reports = self._read_reports()
        self.generate_report = self._generate_report(bundler)
        self.tend_reports = self._tend_reports()

        CfnOutput(self, "ReportsQueueUrl", value=self.reports.queue.queue_url)
        CfnOutput(self, "ReportsDlqUrl", value=self.reports.dead_letter_queue.queue_url)
        for construct in (self.write_reports, self.read_reports, self.generate_report, self.tend_reports):
            CfnOutput(self, f"{construct.node.id}Function", value=construct.function.function_name)

    def _write_reports(self) -> PythonFunction:
        write_reports = PythonFunction(
            self,
            "WriteReports",
            name="write_reports",
            description="Accepts and cancels reports, and takes tables for them",
            layers=self._layers,
            timeout_seconds=self._settings.api.timeout_seconds,
            resources=self._resources,
        )
        write_reports.allow("dynamodb:GetItem", on=self._data.subscriptions.table_arn)
        write_reports.allow(
            "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", on=self._data.reports.table_arn
        )
        write_reports.allow_idempotency(self._data.idempotency)
        write_reports.allow("sqs:SendMessage", on=self.reports.queue.queue_arn)
        # Whether a recipient has a ledger, and how many orders a period has.
        write_reports.allow("dynamodb:GetItem", on=self._data.ledger.table_arn)
        write_reports.allow("dynamodb:Query", on=f"{self._data.orders.table_arn}/index/period")
        self._allow_reading_tables(write_reports)
        write_reports.allow_objects("s3:PutObject", of=self._data.report_files, below="tables/")
        return write_reports

    def _read_reports(self) -> PythonFunction:
        read_reports = PythonFunction(
            self,
            "ReadReports",
            name="read_reports",
            description="Shows reports, and signs the links to their files",
            layers=self._layers,
            timeout_seconds=self._settings.api.timeout_seconds,
            resources=self._resources,
        )
        read_reports.allow("dynamodb:GetItem", on=self._data.reports.table_arn)
        # A link can do what its signer may.
        read_reports.allow_objects("s3:GetObject", of=self._data.report_files, below="reports/")
        read_reports.allow("secretsmanager:GetSecretValue", on=secret_arn(self, self._settings.link_keys_name))
        return read_reports

    def _generate_report(self, bundler: Bundler) -> QueueWorker:
        writers = self._layers.version(
            "ReportWriters",
            "ReportLab and its like, as requirements/reports.txt locks them",
            bundler.report_writers_layer(),
        )
        worker = QueueWorker(
            self,
            "GenerateReport",
            name="generate_report",
            description="Writes the file of a report",
            layers=self._layers,
            own_layers=[writers],
            memory_mb=self._settings.reports.memory_mb,
            source=self.reports,
            resources=self._resources,
        )
        worker.allow("dynamodb:BatchGetItem", "dynamodb:UpdateItem", on=self._data.reports.table_arn)
        worker.allow("sqs:SendMessage", on=self.reports.queue.queue_arn)  # One that the console redrove begins again.
        worker.allow_idempotency(self._data.idempotency)
        worker.allow("dynamodb:BatchGetItem", on=self._data.orders.table_arn)
        worker.allow("dynamodb:Query", on=f"{self._data.orders.table_arn}/index/period")
        worker.allow("dynamodb:GetItem", "dynamodb:Query", on=self._data.ledger.table_arn)
        self._allow_reading_tables(worker)
        # GetObject: an upload whose last answer was lost looks whether its file is there.
        worker.allow_objects(
            "s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject", of=self._data.report_files, below="reports/"
        )
        return worker

    def _tend_reports(self) -> DeadLetterReconciler:
        reconciler = DeadLetterReconciler(
            self,
            "TendReports",
            name="tend_reports",
            description="Every minute: what reports owe, and what was dead-lettered",
            layers=self._layers,
            queues=[self.reports],
            schedule_id="ReportsEveryMinute",
            resources=self._resources,
        )
        reconciler.allow("dynamodb:BatchGetItem", "dynamodb:UpdateItem", on=self._data.reports.table_arn)
        reconciler.allow("dynamodb:Query", on=f"{self._data.reports.table_arn}/index/attention")
        return reconciler

    def _allow_reading_tables(self, function: PythonFunction) -> None:
        """Without ListBucket, S3 calls a missing object forbidden and not missing ("HeadObject"), and a table that was
        never uploaded would be taken for an outage."""
        function.allow_objects("s3:GetObject", of=self._data.report_files, below="tables/")
        function.allow("s3:ListBucket", on=self._data.report_files.bucket_arn)
