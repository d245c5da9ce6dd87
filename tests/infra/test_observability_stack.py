"""Dashboard and alarms: each watches what it says, is told to somebody, and has its paragraph in docs/alarms.md."""

import ast
import json
import re
from typing import Any

import pytest

from infra.settings import SettingsError, load_settings
from local.processes.guarded import ROOT
from tests.infra.conftest import Resource, Synthesized, synthesize
from tests.infra.test_orders_stack import as_list, named, statements
from tests.support.events import event_names, metric_names

ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
QUEUES = ("orders", "enrichment", "completion", "reports", "notifications")
ORDER_QUEUES = QUEUES[:3]
RUNBOOK = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")


def alarms(of: Synthesized) -> dict[str, Resource]:
    """The properties of each alarm, by its name without the stage."""
    prefix = f"comanda-{of.settings.stage}-"
    found = {}
    for properties in (each["Properties"] for each in of.resources(ALARM).values()):
        assert properties["AlarmName"].startswith(prefix)
        found[properties["AlarmName"].removeprefix(prefix)] = properties
    return found


def composites(of: Synthesized) -> dict[str, Resource]:
    prefix = f"comanda-{of.settings.stage}-"
    return {
        each["Properties"]["AlarmName"].removeprefix(prefix): each["Properties"]
        for each in of.resources(COMPOSITE).values()
    }


def told(of: Synthesized) -> dict[str, Resource]:
    return {name: each for name, each in (alarms(of) | composites(of)).items() if each.get("AlarmActions")}


def rule_of(composite: Resource, of: Synthesized) -> str:
    """The rule as a person writes it, with the names of the alarms."""
    by_id = {logical_id: each["Properties"]["AlarmName"] for logical_id, each in of.resources(ALARM).items()}
    (_, parts) = composite["AlarmRule"]["Fn::Join"]
    text = "".join(part if isinstance(part, str) else by_id[part["Fn::GetAtt"][0]] for part in parts)
    return text.replace('"', "").replace(f"comanda-{of.settings.stage}-", "")


def watches(alarm: Resource) -> tuple[str, str, str]:
    """Metric, statistic, and what it is about."""
    (dimension,) = alarm["Dimensions"]
    statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
    return alarm["MetricName"], statistic, named(dimension["Value"])


def test_every_dead_letter_queue_has_an_alarm_that_is_told(dev: Synthesized) -> None:
    for queue in QUEUES:
        alarm = alarms(dev)[f"{queue}-dead-letters"]
        about = f"{queue.capitalize()}DeadLetters"
        assert watches(alarm) == ("ApproximateNumberOfMessagesVisible", "Maximum", about)
        assert_fires(alarm, over=0, datapoints=(1, 1))
        assert alarm["AlarmActions"]


def assert_fires(alarm: Resource, *, over: float, datapoints: tuple[int, int], missing: str = "notBreaching") -> None:
    """Over so much, in so many of so many minutes."""
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["Threshold"] == over
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == datapoints
    assert alarm["TreatMissingData"] == missing


def test_late_orders_are_told_once_and_not_while_the_enrichment_is_paused(dev: Synthesized) -> None:
    for queue in ORDER_QUEUES:
        alarm = alarms(dev)[f"{queue}-queue-late"]
        assert watches(alarm) == ("ApproximateAgeOfOldestMessage", "Maximum", f"{queue.capitalize()}Queue")
        assert_fires(alarm, over=900, datapoints=(2, 2))
        assert "AlarmActions" not in alarm
    assert rule_of(composites(dev)["orders-late"], dev) == (
        "(ALARM(orders-queue-late) OR (ALARM(enrichment-queue-late) AND (NOT (ALARM(enrichment-paused))))"
        " OR ALARM(completion-queue-late))"
    )


def test_a_report_is_late_after_a_whole_run_and_the_return_of_its_message(dev: Synthesized) -> None:
    alarm = alarms(dev)["reports-late"]
    assert watches(alarm) == ("ApproximateAgeOfOldestMessage", "Maximum", "ReportsQueue")
    assert_fires(alarm, over=900 + 960, datapoints=(2, 2))


def test_silence_about_the_enrichment_is_an_alarm(dev: Synthesized) -> None:
    alarm = alarms(dev)["enrichment-paused"]
    assert watches(alarm) == ("EnrichmentPaused", "Maximum", "technical")
    assert_fires(alarm, over=0, datapoints=(5, 5), missing="breaching")


def test_silence_is_well_for_all_others(dev: Synthesized) -> None:
    silent = {name for name, alarm in alarms(dev).items() if alarm["TreatMissingData"] != "notBreaching"}
    assert silent == {"enrichment-paused"}


def test_failed_orders_are_a_share_of_enough(dev: Synthesized) -> None:
    alarm = alarms(dev)["orders-failing"]
    metrics = {each["Id"]: each for each in alarm["Metrics"]}
    (result,) = (each for each in metrics.values() if each["ReturnData"])
    assert result["Expression"] == "IF(failed + completed >= 10, 100 * failed / (failed + completed), 0)"
    assert metrics["failed"]["Expression"] == "FILL(told_failed, 0)"
    for name, metric in (("told_failed", "OrdersFailed"), ("told_completed", "OrdersCompleted")):
        stat = metrics[name]["MetricStat"]
        assert (stat["Metric"]["MetricName"], stat["Stat"], stat["Period"]) == (metric, "Sum", 600)
    assert_fires(alarm, over=5, datapoints=(1, 1))


def test_a_row_that_cannot_be_read_is_told(dev: Synthesized) -> None:
    alarm = alarms(dev)["unreadable-rows"]
    assert watches(alarm) == ("UnreadableRows", "Sum", "technical")
    assert_fires(alarm, over=0, datapoints=(1, 1))
    assert alarm["AlarmActions"]


def test_what_the_reconcilers_mend_is_told(dev: Synthesized) -> None:
    for kind in ("orders", "reports", "notifications"):
        alarm = alarms(dev)[f"{kind}-rescued"]
        assert watches(alarm) == (f"{kind.capitalize()}Rescued", "Sum", "technical")
        assert_fires(alarm, over=0, datapoints=(1, 1))


@pytest.mark.parametrize(
    ("name", "metric"),
    [("messages-owed-too-long", "MessagesOwedTooLong"), ("messages-ahead-of-rows", "MessagesAheadOfRows")],
)
def test_the_first_message_that_is_owed_too_long_or_ahead_of_its_row_is_told(
    dev: Synthesized, name: str, metric: str
) -> None:
    assert watches(alarms(dev)[name]) == (metric, "Sum", "technical")
    assert_fires(alarms(dev)[name], over=0, datapoints=(1, 1))
    assert alarms(dev)[name]["AlarmActions"]


def test_errors_and_slowness_of_the_api(dev: Synthesized) -> None:
    errors, slow = alarms(dev)["api-errors"], alarms(dev)["api-slow"]
    assert (errors["Namespace"], errors["MetricName"], errors["Statistic"]) == ("AWS/ApiGateway", "5XXError", "Average")
    assert_fires(errors, over=0.01, datapoints=(3, 5))
    assert (slow["MetricName"], slow["ExtendedStatistic"]) == ("Latency", "p99")
    assert_fires(slow, over=2000, datapoints=(3, 5))
    assert slow["EvaluateLowSampleCountPercentile"] == "ignore"
    for alarm in (errors, slow):
        assert {dimension["Name"] for dimension in alarm["Dimensions"]} == {"ApiName", "Stage"}


@pytest.mark.parametrize(("kind", "metric"), [("throttled", "Throttles"), ("failing", "Errors")])
def test_every_function_is_watched(dev: Synthesized, kind: str, metric: str) -> None:
    names = set(dev.functions())
    if kind == "failing":
        names -= {"authorize_request"}  # To it, a token that is refused is an exception.
    for name in names:
        alarm = alarms(dev)[f"{name}-{kind}"]
        about = "".join(word.capitalize() for word in name.split("_"))
        assert watches(alarm)[:2] == (metric, "Sum")
        assert watches(alarm)[2].startswith(about)
        assert_fires(alarm, over=0, datapoints=(2, 5))
    rule = rule_of(composites(dev)[f"functions-{kind}"], dev)
    assert set(re.findall(r"ALARM\(([\w-]+)\)", rule)) == {f"{name}-{kind}" for name in names}
    assert " AND " not in rule


def test_who_reads_streams_is_told_of_when_it_falls_behind(dev: Synthesized) -> None:
    for name in ("announce_changes", "broadcast"):
        alarm = alarms(dev)[f"{name}-late"]
        about = "".join(word.capitalize() for word in name.split("_"))
        assert watches(alarm)[:2] == ("IteratorAge", "Maximum")
        assert watches(alarm)[2].startswith(about)
        assert_fires(alarm, over=120_000, datapoints=(2, 2))
        given_up = alarms(dev)[f"{name}-given-up"]
        assert watches(given_up) == ("ApproximateNumberOfMessagesVisible", "Maximum", f"{about}GivenUp")
        assert_fires(given_up, over=0, datapoints=(1, 1))
        assert given_up["AlarmActions"]
    readers = {named(each["Properties"]["FunctionName"]) for each in stream_mappings(dev)}
    assert len(readers) == 2


def stream_mappings(of: Synthesized) -> list[Resource]:
    mappings = of.resources("AWS::Lambda::EventSourceMapping").values()
    return [each for each in mappings if "StartingPosition" in each["Properties"]]


def test_every_table_is_watched(dev: Synthesized) -> None:
    tables = {named({"Ref": logical_id}).lower() for logical_id in dev.resources("AWS::DynamoDB::Table")}
    expected = {f"{table}-{kind}s-throttled" for table in tables for kind in ("read", "write")}
    rule = rule_of(composites(dev)["tables-throttled"], dev)
    assert set(re.findall(r"ALARM\(([\w-]+)\)", rule)) == expected
    for name in expected:
        table, kind = name.split("-")[:2]
        metric = f"{kind.removesuffix('s').capitalize()}ThrottleEvents"
        assert watches(alarms(dev)[name]) == (metric, "Sum", table.capitalize())
        assert_fires(alarms(dev)[name], over=0, datapoints=(2, 5))


def test_an_alarm_is_told_to_the_topic_or_is_part_of_one_that_is(dev: Synthesized) -> None:
    (topic,) = dev.resources("AWS::SNS::Topic")
    for alarm in told(dev).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": topic}]
    rules = "".join(rule_of(composite, dev) for composite in composites(dev).values())
    assert {name for name in alarms(dev) if f"ALARM({name})" not in rules} <= set(told(dev))


@pytest.fixture(scope="session")
def with_canary(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize(load_settings("dev", {"observability.canary_minutes": 5}), tmp_path_factory.mktemp("canary"))


def test_a_canary_has_a_token_a_schedule_and_an_alarm_that_silence_sets_off(
    with_canary: Synthesized, dev: Synthesized
) -> None:
    assert "check_canary" not in dev.functions()
    variables = with_canary.functions()["check_canary"]["Environment"]["Variables"]
    assert (variables["CANARY_SECRET"], variables["CANARY_MINUTES"]) == ("comanda-dev-canary", "5")
    granted = {
        (named(resource), action)
        for statement in statements(with_canary)["check_canary"]
        for resource in as_list(statement["Resource"])
        for action in as_list(statement["Action"])
    }
    assert {each for each in granted if each[0] != "*" and not each[1].startswith("logs:")} == {
        ("secret:canary", "secretsmanager:GetSecretValue")
    }
    schedules = with_canary.observability.find_resources("AWS::Scheduler::Schedule").values()
    assert [each["Properties"]["ScheduleExpression"] for each in schedules] == ["rate(5 minutes)"]
    alarm = alarms(with_canary)["canary-failing"]
    assert watches(alarm) == ("CanaryFailed", "Maximum", "technical")
    assert alarm["Period"] == 300
    assert_fires(alarm, over=0, datapoints=(2, 2), missing="breaching")


def test_each_alarm_that_is_told_has_its_paragraph_and_each_paragraph_its_alarm(with_canary: Synthesized) -> None:
    dev = with_canary
    headings = re.findall(r"^## `([^`]+)`$", RUNBOOK, re.MULTILINE)
    explained = {heading.replace("<queue>", queue) for heading in headings for queue in QUEUES}
    assert explained == set(told(dev))
    for name, alarm in told(dev).items():
        assert alarm["AlarmDescription"].endswith(f"What to do: docs/alarms.md#{name}")


def test_the_price_in_the_runbook_is_that_of_the_template(dev: Synthesized) -> None:
    metrics = sum(
        sum("MetricStat" in each for each in alarm["Metrics"]) if "Metrics" in alarm else 1
        for alarm in alarms(dev).values()
    )
    dollars = metrics * 0.10 + len(composites(dev)) * 0.50
    words = " ".join(RUNBOOK.split())
    assert f"A stage has {metrics} metrics in alarms and four alarms on alarms: {dollars:.2f} USD" in words
    assert len(composites(dev)) == 4


def test_only_cloudwatch_of_this_account_may_tell_the_topic_something(dev: Synthesized) -> None:
    (key,) = dev.resources("AWS::KMS::Key").values()
    assert key["Properties"]["EnableKeyRotation"] is True
    (policy,) = dev.observability.find_resources("AWS::SNS::TopicPolicy").values()
    statements = [*policy["Properties"]["PolicyDocument"]["Statement"], *key["Properties"]["KeyPolicy"]["Statement"]]
    allowed = [each for each in statements if each.get("Principal") == {"Service": "cloudwatch.amazonaws.com"}]
    assert {str(each["Action"]) for each in allowed} == {"sns:Publish", "['kms:Decrypt', 'kms:GenerateDataKey*']"}
    for each in allowed:
        assert each["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    denied = [each for each in statements if each["Effect"] == "Deny"]
    assert [each["Condition"] for each in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_the_emulator_gets_only_alarms_it_knows(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither alarms on alarms nor on expressions; what would be a part is told by itself."""
    local = synthesize(load_settings("local", {"alarms.enabled": True}), tmp_path_factory.mktemp("alarms"))
    assert composites(local) == {}
    assert alarms(local)
    assert all("Metrics" not in alarm for alarm in alarms(local).values())
    assert set(told(local)) == set(alarms(local))


def test_alarms_are_a_setting(local: Synthesized, dev: Synthesized, prod: Synthesized) -> None:
    assert not local.settings.alarms.enabled
    assert not alarms(local)
    assert not local.resources("AWS::SNS::Topic")
    assert set(alarms(dev)) == set(alarms(prod))


def test_who_is_told_and_where_to_read_are_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    given = {"alarms.email": "on-call@example.com", "observability.runbook_url": "https://wiki.example.com/alarms"}
    dev = synthesize(load_settings("dev", given), tmp_path_factory.mktemp("told"))
    (subscription,) = dev.resources("AWS::SNS::Subscription").values()
    assert subscription["Properties"]["Protocol"] == "email"
    assert subscription["Properties"]["Endpoint"] == "on-call@example.com"
    description = alarms(dev)["api-slow"]["AlarmDescription"]
    assert description.endswith("https://wiki.example.com/alarms#api-slow")
    assert "(https://wiki.example.com/alarms)" in board_of(dev)["widgets"][0]["properties"]["markdown"]
    with pytest.raises(SettingsError, match=r"alarms\.email"):
        load_settings("dev", {"alarms.email": "nobody"})


def board_of(of: Synthesized) -> dict[str, Any]:
    """The dashboard as CloudWatch reads it; what refers to other resources is replaced by names."""
    (board,) = of.resources("AWS::CloudWatch::Dashboard").values()
    (_, parts) = board["Properties"]["DashboardBody"]["Fn::Join"]
    read: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else "x" for part in parts))
    return read


def test_the_dashboard_shows_it_all_on_one_screen(every_stage: Synthesized) -> None:
    widgets = board_of(every_stage)["widgets"]
    assert max(widget["y"] + widget["height"] for widget in widgets) <= 30
    assert max(widget["x"] + widget["width"] for widget in widgets) == 24
    shown = json.dumps(widgets)
    for metric in (
        *("OrdersAccepted", "TimeToComplete", "TimeInEnrichment", "EnrichmentLatency", "EnrichmentPaused"),
        *("Count", "4XXError", "5XXError", "Latency", "Errors", "Throttles", "Duration", "ConcurrentExecutions"),
        *("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"),
        *("ApproximateNumberOfMessagesNotVisible", "ReadThrottleEvents", "ConsumedWriteCapacityUnits"),
        *("ReportQueueTime", "TimeToGenerate", "ReportRows"),
    ):
        assert f'"{metric}"' in shown, metric
    assert "error_class" in shown
    assert "docs/alarms.md" in widgets[0]["properties"]["markdown"]
    for function in every_stage.functions():
        assert f'"{function}"' in shown


def test_metrics_of_ours_are_ones_that_are_measured(dev: Synthesized) -> None:
    namespace = dev.settings.metrics_namespace
    of_alarms = {
        (dimension["Value"], alarm["MetricName"])
        for alarm in alarms(dev).values()
        if alarm.get("Namespace") == namespace
        for dimension in alarm["Dimensions"]
    }
    of_board = {
        (metric[3], metric[1])
        for widget in board_of(dev)["widgets"]
        for metric in widget["properties"].get("metrics", [])
        if metric[0] == namespace
    }
    assert len(of_alarms) == 7
    assert len(of_board) > 10
    assert of_alarms | of_board <= metric_names()


def test_saved_queries_look_at_every_function_for_what_is_logged(dev: Synthesized, local: Synthesized) -> None:
    queries = {
        each["Properties"]["Name"].removeprefix("comanda-dev/"): each["Properties"]
        for each in dev.resources("AWS::Logs::QueryDefinition").values()
    }
    assert set(queries) == {"life-of-one-order", "slowest-orders", "failures-by-class", "noisy-recipients"}
    for query in queries.values():
        assert len(query["LogGroupNames"]) == len(dev.functions())
        assert set(re.findall(r'"((?:order|report)\.\w+)"', query["QueryString"])) <= event_names()
    assert local.resources("AWS::Logs::QueryDefinition") == {}


def test_what_is_watched_in_a_way_of_its_own_is_told_apart_as_what_it_is() -> None:
    """A queue or function that is compared by its name is lost when that is another, and nothing says so."""
    compared = [
        f"{module.relative_to(ROOT)}:{compare.lineno}"
        for folder in ("stacks", "constructs", "observability")
        for module in (ROOT / "infra" / folder).glob("*.py")
        if module.name != "bundling.py"  # Its names are those of files.
        for compare in ast.walk(ast.parse(module.read_text()))
        if isinstance(compare, ast.Compare)
        for side in (compare.left, *compare.comparators)
        if isinstance(side, ast.Attribute) and side.attr == "name"
    ]
    assert compared == []
