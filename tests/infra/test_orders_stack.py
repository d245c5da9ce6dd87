"""Queues, workers and permissions, of orders and reports: all that the emulator does not enforce."""

import re
from collections import defaultdict
from typing import Any

import pytest

from comanda.adapters.delivery.queues import HIDDEN_WHILE_TENDED
from infra.settings import QueueWork
from tests.infra.conftest import Resource, Synthesized
from tests.support.permissions import MAY, SEND

TRACE = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
PATH = {
    "process_order": ("OrdersQueue", "EnrichmentQueue"),
    "enrich_order": ("EnrichmentQueue", "CompletionQueue"),
    "complete_order": ("CompletionQueue", None),
    "generate_report": ("ReportsQueue", None),
    "deliver_notifications": ("NotificationsQueue", None),
}
"""Each worker's own queue, and the next one's."""
FOLDERS = {"ReportFiles/reports/*", "ReportFiles/tables/*", *SEND}
"""Where a permission may have a star: for the objects below one prefix of the bucket, and the clients of one API."""


def work_of(stage: Synthesized, queue: str) -> QueueWork:
    if queue.startswith("Notifications"):
        return stage.settings.notification_work
    return stage.settings.report_work if queue.startswith("Reports") else stage.settings.order_work


def named(value: Any) -> str:
    """The construct a value refers to: a logical id or an export without CDK's eight hexadecimal digits."""
    if isinstance(value, str):
        return value
    (kind, target), *_ = value.items()
    if kind == "Fn::ImportValue":
        return re.sub(r".*ExportsOutput(?:FnGetAtt|Ref)(\w+?)[0-9A-F]{8}.*", r"\1", target)
    if kind == "Fn::Join":
        joined = "".join(named(part) for part in target[1])
        if secret := re.search(r":secret:comanda-[a-z]+-(.+)-\?{6}$", joined):
            return f"secret:{secret[1]}"
        return re.sub(r"arn:.*:(function:comanda-[a-z]+-|event-source-mapping:|(?=WebSocket/))", "", joined)
    return re.sub(r"[0-9A-F]{8}$", "", target[0] if isinstance(target, list) else target)


def queues(stage: Synthesized) -> dict[str, Resource]:
    found = stage.resources("AWS::SQS::Queue")
    return {named({"Ref": logical_id}): resource["Properties"] for logical_id, resource in found.items()}


def statements(stage: Synthesized) -> dict[str, list[Resource]]:
    """The policy statements of each function, by the function's name."""
    role_of = {named(function["Role"]): name for name, function in stage.functions().items()}
    found: dict[str, list[Resource]] = defaultdict(list)
    for policy in stage.resources("AWS::IAM::Policy").values():
        for role in map(named, policy["Properties"]["Roles"]):
            if role in role_of:
                found[role_of[role]] += policy["Properties"]["PolicyDocument"]["Statement"]
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", ["Orders", "Enrichment", "Completion", "Reports", "Notifications"])
def test_a_queue_and_its_dead_letter_queue(every_stage: Synthesized, name: str) -> None:
    found, settings = queues(every_stage), every_stage.settings
    work = work_of(every_stage, name)
    assert len([each for each in found.values() if "FifoQueue" in each]) == 10
    queue, dead_letters = found[f"{name}Queue"], found[f"{name}DeadLetters"]
    prefix = f"comanda-{settings.stage}-{name.lower()}"
    assert (queue["QueueName"], dead_letters["QueueName"]) == (f"{prefix}.fifo", f"{prefix}-dlq.fifo")
    for each in (queue, dead_letters):
        assert each["FifoQueue"] is True
        assert each["ContentBasedDeduplication"] is True
        assert each["DeduplicationScope"] == "messageGroup"
        assert each["FifoThroughputLimit"] == "perMessageGroupId"
        assert each["MessageRetentionPeriod"] == 14 * 24 * 60 * 60
        assert each["SqsManagedSseEnabled"] is True
        assert each["VisibilityTimeout"] == work.visibility_timeout_seconds
    needed = work.batch_size * settings.delivery.max_attempts + settings.delivery.max_attempts
    assert queue["RedrivePolicy"]["maxReceiveCount"] == work.max_receive_count >= needed
    assert named(queue["RedrivePolicy"]["deadLetterTargetArn"]) == f"{name}DeadLetters"
    allowed = dead_letters["RedriveAllowPolicy"]
    assert allowed["redrivePermission"] == "byQueue"
    (source,) = allowed["sourceQueueArns"]
    assert source["Fn::Join"][1][-1] == f":{queue['QueueName']}"


def test_every_queue_refuses_plain_http(every_stage: Synthesized) -> None:
    policies = every_stage.resources("AWS::SQS::QueuePolicy").values()
    guarded = set()
    for policy in policies:
        (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        guarded |= {named(queue) for queue in policy["Properties"]["Queues"]}
    assert guarded == set(queues(every_stage))


@pytest.mark.parametrize("worker", PATH)
def test_a_worker_reads_its_queue_in_batches_with_partial_answers(every_stage: Synthesized, worker: str) -> None:
    work = work_of(every_stage, PATH[worker][0])
    function_ids = {
        logical_id: resource["Properties"]
        for logical_id, resource in every_stage.resources("AWS::Lambda::Function").items()
    }
    mappings = {
        logical_id: resource
        for logical_id, resource in every_stage.resources("AWS::Lambda::EventSourceMapping").items()
        if "StartingPosition" not in resource["Properties"]  # Streams have one: test_websocket_stack.py
    }
    assert len(mappings) == len(PATH)
    (mapping,) = (
        resource
        for resource in mappings.values()
        if f".{worker}." in function_ids[resource["Properties"]["FunctionName"]["Ref"]]["Handler"]
    )
    properties = mapping["Properties"]
    assert named(properties["EventSourceArn"]) == PATH[worker][0]
    assert properties["BatchSize"] == work.batch_size <= 10, "Lambda takes at most ten messages of a FIFO queue"
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert "MaximumBatchingWindowInSeconds" not in properties, "FIFO queues know no batching window"
    assert any("RoleDefaultPolicy" in logical_id for logical_id in mapping["DependsOn"])
    if work.concurrency is None:
        assert "ScalingConfig" not in properties
    else:
        assert properties["ScalingConfig"]["MaximumConcurrency"] == work.concurrency >= 2


def test_concurrency_is_unset_in_dev_and_limited_in_production(dev: Synthesized, prod: Synthesized) -> None:
    assert dev.settings.orders.concurrency is None
    assert prod.settings.orders.concurrency is not None


def test_reports_are_written_one_per_invocation_up_to_the_stages_concurrency(
    every_stage: Synthesized,
) -> None:
    """B9. What comes of it: tests/simulation/test_simulation.py."""
    (mapping,) = every_stage.reports.find_resources("AWS::Lambda::EventSourceMapping").values()
    assert mapping["Properties"]["BatchSize"] == 1
    assert mapping["Properties"]["ScalingConfig"] == {"MaximumConcurrency": every_stage.settings.reports.concurrency}


def test_messages_stay_hidden_while_a_worker_may_still_run(every_stage: Synthesized) -> None:
    found = queues(every_stage)
    for worker, (source, _) in PATH.items():
        assert found[source]["VisibilityTimeout"] >= every_stage.functions()[worker]["Timeout"]


def test_workers_are_chained_by_their_queues(every_stage: Synthesized) -> None:
    for worker, (source, following) in PATH.items():
        variables = every_stage.functions()[worker]["Environment"]["Variables"]
        assert named(variables["SOURCE_QUEUE_URL"]) == source
        assert (named(variables["NEXT_QUEUE_URL"]) if following else None) == following


@pytest.mark.parametrize("name", MAY)
def test_a_function_may_do_exactly_what_it_needs(every_stage: Synthesized, name: str) -> None:
    granted: dict[str, set[str]] = defaultdict(set)
    for statement in statements(every_stage)[name]:
        assert statement["Effect"] == "Allow"
        for resource in as_list(statement["Resource"]):
            granted[named(resource)] |= set(as_list(statement["Action"]))
    own_log = named(every_stage.functions()[name]["LoggingConfig"]["LogGroup"])
    assert granted.pop(own_log) == {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert granted.pop("*", set()) == (TRACE if every_stage.settings.observability.tracing else set())
    assert granted == MAY[name]


def test_every_function_is_in_the_table_of_permissions(every_stage: Synthesized) -> None:
    assert set(every_stage.functions()) == set(MAY) == set(statements(every_stage))


def test_so_large_a_share_of_invocations_logs_everything(prod: Synthesized, dev: Synthesized) -> None:
    """Where it is none, the variable is not there: Powertools would put the rate into every line."""
    for stage, rate in ((prod, "0.01"), (dev, None)):
        environments = [function["Environment"]["Variables"] for function in stage.functions().values()]
        assert {each.get("POWERTOOLS_LOGGER_SAMPLE_RATE") for each in environments} == {rate}


def test_no_permission_has_a_star_but_to_trace(every_stage: Synthesized) -> None:
    for name, policy in statements(every_stage).items():
        for statement in policy:
            if set(as_list(statement["Action"])) == TRACE:
                continue
            written = [*as_list(statement["Action"]), *as_list(statement["Resource"])]
            assert {named(each) for each in written if "*" in str(each)} <= FOLDERS, name


def test_a_function_has_a_role_of_its_own_without_managed_policies(every_stage: Synthesized) -> None:
    roles = [named(function["Role"]) for function in every_stage.functions().values()]
    assert len(set(roles)) == len(roles)
    for logical_id, role in every_stage.resources("AWS::IAM::Role").items():
        if named({"Ref": logical_id}) in roles:
            assert "ManagedPolicyArns" not in role["Properties"]
            (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


@pytest.mark.parametrize("name", MAY)
def test_a_function_knows_its_own_name_and_stage(every_stage: Synthesized, name: str) -> None:
    """What else it has in its environment: tests/infra/test_environment.py."""
    variables = every_stage.functions()[name]["Environment"]["Variables"]
    assert all(len(variable) >= 2 for variable in variables), "Lambda refuses shorter names"
    assert variables["POWERTOOLS_SERVICE_NAME"] == name.replace("_", "-")
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == f"Comanda/{every_stage.settings.stage}"
    assert variables["STAGE"] == every_stage.settings.stage


def test_no_variable_holds_a_secret(every_stage: Synthesized) -> None:
    settings = every_stage.settings
    harmless = {
        settings.metrics_namespace,
        settings.observability.log_level,
        settings.stage,
        settings.orders.currency,
        settings.tokens_secret_name,
        settings.link_keys_name,
        settings.usage_key_prefix,
        settings.switch_enrichment_name,
        settings.webhook_secrets_name,
        settings.link_keys_name,
    }
    for name, function in every_stage.functions().items():
        for variable, value in function["Environment"]["Variables"].items():
            if isinstance(value, str) and value not in harmless | {name.replace("_", "-")}:
                assert float(value) >= 0, f"{variable} of {name} is neither a known name nor a number"


def test_functions_run_on_the_runtime_and_layers_of_the_stage(every_stage: Synthesized) -> None:
    settings = every_stage.settings
    for name, function in every_stage.functions().items():
        assert function["Handler"] == f"functions.{name}.handler.handler"
        assert function["Runtime"] == f"python{settings.functions.python_version}"
        assert function["Architectures"] == [settings.functions.architecture]
        own = ["LayersReportWriters"] if name == "generate_report" else []
        shared = ["LayersComanda", "LayersDependencies"]
        assert sorted(named(layer) for layer in function["Layers"]) == [*shared, *own], "orders stay light"
    for layer in every_stage.resources("AWS::Lambda::LayerVersion").values():
        assert layer["Properties"]["CompatibleArchitectures"] == [settings.functions.architecture]


def test_no_stack_imports_a_layer_of_another(every_stage: Synthesized) -> None:
    assert "Layer" not in "".join(
        str(output["Export"])
        for template in every_stage.stacks
        for output in template.find_outputs("*").values()
        if "Export" in output
    )


def test_every_log_forgets(every_stage: Synthesized) -> None:
    groups = every_stage.resources("AWS::Logs::LogGroup")
    assert {group["Properties"]["RetentionInDays"] for group in groups.values()} == {
        every_stage.settings.observability.log_retention_days
    }
    used = {function["LoggingConfig"]["LogGroup"]["Ref"] for function in every_stage.functions().values()}
    assert len(used) == len(MAY)
    assert used < set(groups)


def test_the_switch_alone_may_change_a_mapping_and_has_the_name_it_is_called_by(every_stage: Synthesized) -> None:
    """B8. By its name, as it refers to the mapping of the function that calls it."""
    may = {name for name in MAY if "lambda:UpdateEventSourceMapping" in str(statements(every_stage)[name])}
    assert may == {"switch_enrichment"}
    functions = every_stage.functions()
    name = functions["switch_enrichment"]["FunctionName"]
    assert functions["enrich_order"]["Environment"]["Variables"]["SWITCH_FUNCTION"] == name


FUNCTIONS = (
    "ProcessOrder",
    "EnrichOrder",
    "CompleteOrder",
    "WriteOrders",
    "ReadOrders",
    "TendDeadLetters",
    "SwitchEnrichment",
)


def test_traces_begin_at_the_api_and_go_through_every_function(every_stage: Synthesized) -> None:
    (stage,) = every_stage.resources("AWS::ApiGateway::Stage").values()
    assert stage["Properties"].get("TracingEnabled", False) is every_stage.settings.observability.tracing
    modes = {function.get("TracingConfig", {}).get("Mode") for function in every_stage.functions().values()}
    assert modes == {"Active" if every_stage.settings.observability.tracing else None}


def test_outputs(every_stage: Synthesized) -> None:
    outputs = every_stage.orders.find_outputs("*")
    values = {name: named(output["Value"]) for name, output in outputs.items() if "Export" not in output}
    assert values == {
        "OrdersQueueUrl": "OrdersQueue",
        "OrdersDlqUrl": "OrdersDeadLetters",
        "EnrichmentQueueUrl": "EnrichmentQueue",
        "EnrichmentDlqUrl": "EnrichmentDeadLetters",
        "CompletionQueueUrl": "CompletionQueue",
        "CompletionDlqUrl": "CompletionDeadLetters",
        **{f"{name}Function": f"{name}Function" for name in FUNCTIONS},
        **{f"{name}LogGroup": f"{name}Logs" for name in FUNCTIONS},
    }


@pytest.mark.parametrize("reconciler", ["TendDeadLettersFunction", "TendReportsFunction", "SwitchEnrichmentFunction"])
def test_a_reconciler_is_called_each_minute_by_a_schedule_that_may_do_nothing_else(
    every_stage: Synthesized, reconciler: str
) -> None:
    schedules = [each["Properties"] for each in every_stage.resources("AWS::Scheduler::Schedule").values()]
    (properties,) = (each for each in schedules if named(each["Target"]["Arn"]) == reconciler)
    assert (properties["ScheduleExpression"], properties["FlexibleTimeWindow"]) == ("rate(1 minute)", {"Mode": "OFF"})
    assert properties["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 0}
    role = named(properties["Target"]["RoleArn"])
    statements = [
        statement
        for policy in every_stage.resources("AWS::IAM::Policy").values()
        if role in map(named, policy["Properties"]["Roles"])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    resources = {named(statement["Resource"]) for statement in statements}
    assert {statement["Action"] for statement in statements} == {"lambda:InvokeFunction"}
    assert reconciler in resources


def test_the_reconciler_hides_messages_for_longer_than_it_may_run(every_stage: Synthesized) -> None:
    for reconciler in ("tend_dead_letters", "tend_reports"):
        assert every_stage.functions()[reconciler]["Timeout"] < HIDDEN_WHILE_TENDED
