"""The app as a whole: the same bytes everywhere, checked by cdk-nag, and one clear line when something is wrong."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from app import ROOT, build_app, main, settings_of
from infra.settings import LAMBDA_PYTHON, SettingsError, load_settings
from tests.infra.conftest import Synthesized, feature_flags

SYNTH_LIMIT_SECONDS = 240
SOURCES = ("app.py", "cdk.json", "infra", "functions", "layers", "requirements")


def start_synth(root: Path, output: Path, *, stage: str = "dev", **environment: str) -> subprocess.Popen[str]:
    """Run app.py as the CDK command line does."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_", "PYTHON"))}
    context = json.dumps({**feature_flags(), "stage": stage})
    return subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=root,
        env={**clean, "CDK_CONTEXT_JSON": context, "CDK_OUTDIR": str(output), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """What the app wrote to standard error."""
    with process:
        try:
            _, errors = process.communicate(timeout=SYNTH_LIMIT_SECONDS)
        finally:
            process.kill()
    return errors


def written(assembly: Path) -> dict[str, bytes]:
    """Templates, and the asset files with their hashes."""
    return {
        path.relative_to(assembly).as_posix(): path.read_bytes()
        for path in sorted(assembly.rglob("*"))
        if path.is_file() and (path.name.endswith((".template.json", ".assets.json")) or "asset." in path.as_posix())
    }


def test_folder_hash_seed_time_zone_and_umask_change_nothing(tmp_path: Path) -> None:
    copy = tmp_path / "another" / "folder"
    copy.mkdir(parents=True)
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, copy / name, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copyfile
            )
        else:
            shutil.copyfile(source, copy / name)
    here = start_synth(ROOT, tmp_path / "first", PYTHONHASHSEED="1", TZ="America/Sao_Paulo")
    umask = os.umask(0o077)
    try:
        there = start_synth(copy, tmp_path / "second", PYTHONHASHSEED="2", TZ="Asia/Tokyo", LC_ALL="C")
    finally:
        os.umask(umask)
    for process in (here, there):
        errors = finish(process)
        assert process.returncode == 0, errors
    first, second = written(tmp_path / "first"), written(tmp_path / "second")
    assert [name for name in first if name.endswith(".template.json")] == [
        f"Comanda-dev-{stack}.template.json"
        for stack in ("Api", "Data", "Notifications", "Observability", "Orders", "Reports", "WebSocket")
    ]
    assert [name for name in first if first[name] != second.get(name)] == []
    assert set(first) == set(second)


def test_an_unknown_stage_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    process = start_synth(ROOT, tmp_path, stage="qa")
    assert finish(process) == "app.py: there is no stage 'qa': choose one of local, dev, prod\n"
    assert process.returncode == 1


def test_cdk_nag_stops_what_it_has_a_finding_for(tmp_path: Path) -> None:
    app = App(context=feature_flags(), outdir=str(tmp_path))
    build_app(load_settings("dev"), app)
    sqs.Queue(Stack(app, "Careless"), "Queue")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    report = (tmp_path / "validation-report.json").read_text()
    assert "AwsSolutions-SQS3" in report
    assert "Comanda-dev" not in report


def test_the_stage_is_local_next_to_an_emulator_and_else_dev() -> None:
    app = App()
    assert settings_of(app, {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}).stage == "local"
    assert settings_of(app, {}).stage == "dev"


@pytest.mark.parametrize(
    "name", ["nonsense", "max_attempt", "max-attempts", "MaxAttempts", "orders", "orders.max_attempts"]
)
def test_a_setting_that_there_is_not_is_refused(name: str) -> None:
    """`-c max_attempt=3` would deploy without a word, and with five attempts."""
    app = App(context={**feature_flags(), "stage": "dev", name: "3"})
    with pytest.raises(SettingsError, match=f"there is no setting '{name}'"):
        settings_of(app, {})


def test_what_the_cdk_keeps_in_the_context_is_none_of_ours() -> None:
    of_cdk = {"aws:cdk:bundling-stacks": ["**"], "acknowledged-issue-numbers": [1], "ami:account=1:region=x": "y"}
    assert settings_of(App(context={**feature_flags(), **of_cdk, "stage": "dev"}), {}) == load_settings("dev")


def test_stage_and_settings_come_from_the_context() -> None:
    app = App(context={"stage": "prod", "delivery.max_attempts": "3"})
    settings = settings_of(app, {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})
    assert (settings.stage, settings.delivery.max_attempts) == ("prod", 3)


def test_an_old_name_of_a_setting_is_taken_and_the_new_one_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = {**feature_flags(), "stage": "dev", "websocket": "false", "orders.currency": "USD"}
    monkeypatch.setattr("app.App", lambda: App(context=context, outdir=str(tmp_path)))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    main()
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("app.py: ")]
    assert told == ["app.py: websocket is called websocket.enabled now; the old name is taken until 2027-07-01"]
    assert (tmp_path / "Comanda-dev-Data.template.json").exists()
    assert not (tmp_path / "Comanda-dev-WebSocket.template.json").exists()


def test_the_runtime_is_one_that_cdk_knows() -> None:
    assert lambda_.Runtime.PYTHON_3_14.name == f"python{LAMBDA_PYTHON}"


def test_everything_that_takes_tags_says_whose_it_is(every_stage: Synthesized) -> None:
    for resource_type in (
        "AWS::DynamoDB::Table",
        "AWS::SQS::Queue",
        "AWS::S3::Bucket",
        "AWS::Lambda::Function",
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGatewayV2::Api",
    ):
        for resource in every_stage.resources(resource_type).values():
            given = resource["Properties"]["Tags"]
            tags = given if isinstance(given, dict) else {tag["Key"]: tag["Value"] for tag in given}
            assert tags == {"project": "comanda", "stage": every_stage.settings.stage}
