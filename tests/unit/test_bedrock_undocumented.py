"""The endpoint behaves as it is told to where AWS does not say how."""

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rft_local.bedrock.endpoint_settings import GraderSettings, Nested
from rft_local.bedrock.undocumented import (
    Artifacts,
    Deploying,
    HighEffort,
    JobEvents,
    Qualifier,
    StoppedModel,
    Undocumented,
    ValidationData,
    unqualified,
)
from tests.unit.bedrock_bench import GRADER, Bench, bench

NOVA = "us.amazon.nova-2-lite-v1:0"


def refused(bed: Bench, **changes: Any) -> str:
    with pytest.raises(ClientError, match="ValidationException") as raised:
        bed.create(**changes)
    return str(raised.value.response["Error"]["Message"])


def test_every_choice_is_an_option_whose_default_is_what_the_platform_relies_on() -> None:
    parser = argparse.ArgumentParser()
    Undocumented.add_options(parser)
    assert Undocumented.from_options(parser.parse_args([])) == Undocumented()
    words = "--qualifier dropped --validation ignored --artifacts absent --deploying refused --stopped-model kept"
    asked = parser.parse_args([*words.split(), "--job-events", "lost", "--high-effort", "limited"])
    assert Undocumented.from_options(asked) == Undocumented(
        qualifier=Qualifier.DROPPED,
        validation=ValidationData.IGNORED,
        artifacts=Artifacts.ABSENT,
        deploying=Deploying.REFUSED,
        stopped_model=StoppedModel.KEPT,
        job_events=JobEvents.LOST,
        high_effort=HighEffort.LIMITED,
    )


@pytest.mark.parametrize(
    ("qualifier", "called"), [(Qualifier.HONOURED, GRADER), (Qualifier.DROPPED, GRADER.rsplit(":", 1)[0])]
)
def test_the_qualifier_is_called_or_left_out(qualifier: Qualifier, called: str) -> None:
    assert Undocumented(qualifier=qualifier).called(GRADER) == called
    assert unqualified(unqualified(GRADER)) == GRADER.rsplit(":", 1)[0]


def test_a_qualifier_or_validation_data_are_refused(tmp_path: Path) -> None:
    chosen = Undocumented(qualifier=Qualifier.REFUSED, validation=ValidationData.REFUSED)
    with bench(tmp_path, undocumented=chosen) as bed:
        assert "qualified" in refused(bed)
        plain = {"rftConfig": {"graderConfig": {"lambdaGrader": {"lambdaArn": GRADER.rsplit(":", 1)[0]}}}}
        assert "validation" in refused(bed, customizationConfig=plain)
        bed.engine.go.set()
        job = bed.ended(bed.create(customizationConfig=plain, validationDataConfig=None))
        assert job["status"] == "Completed"


def test_validation_data_are_ignored_and_files_and_events_are_missing(tmp_path: Path) -> None:
    chosen = Undocumented(validation=ValidationData.IGNORED, artifacts=Artifacts.ABSENT, job_events=JobEvents.LOST)
    with bench(tmp_path, undocumented=chosen) as bed:
        bed.trained()
        assert [len(task.validation) for task in bed.engine.tasks] == [0]
        assert not [key for key in bed.emulator.objects if key.endswith(".csv")]
        assert bed.emulator.events == []


@pytest.mark.parametrize(("choice", "models"), [(StoppedModel.NONE, 0), (StoppedModel.KEPT, 1)])
def test_a_stopped_job_leaves_a_model_or_none(tmp_path: Path, choice: StoppedModel, models: int) -> None:
    with bench(tmp_path, undocumented=Undocumented(stopped_model=choice)) as bed:
        job = bed.create()
        bed.first_step_done(job)
        bed.control.stop_model_customization_job(jobIdentifier=job)
        bed.engine.go.set()
        ended = bed.ended(job)
        found = bed.control.list_custom_models()["modelSummaries"]
    assert ended["status"] == "Stopped" and len(found) == models
    assert ended.get("outputModelArn") == (found[0]["modelArn"] if found else None)


def test_models_cannot_be_deployed(tmp_path: Path) -> None:
    with bench(tmp_path, undocumented=Undocumented(deploying=Deploying.REFUSED)) as bed:
        model = bed.trained()
        with pytest.raises(ClientError, match="not supported"):
            bed.control.create_custom_model_deployment(modelDeploymentName="d", modelArn=model)


@pytest.mark.parametrize(
    ("choice", "effort", "config", "taken"),
    [
        (HighEffort.BARE, "high", {}, True),
        (HighEffort.BARE, "high", {"maxTokens": 8}, False),
        (HighEffort.BARE, "high", {"temperature": 0.5}, False),
        (HighEffort.BARE, "low", {"maxTokens": 8}, True),
        (HighEffort.BARE, None, {"maxTokens": 8}, True),
        (HighEffort.LIMITED, "high", {"maxTokens": 8}, True),
    ],
)
def test_high_effort_goes_without_limit_and_sampling_or_with_them(
    tmp_path: Path, choice: HighEffort, effort: str | None, config: Any, taken: bool
) -> None:
    turn: Any = {"role": "user", "content": [{"text": "one two"}]}
    fields: Any = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}} if effort else {}
    with bench(tmp_path, undocumented=Undocumented(high_effort=choice)) as bed:
        refusal = pytest.raises(ClientError, match="not supported at maxReasoningEffort high")
        with nullcontext() if taken else refusal:
            bed.runtime.converse(
                modelId=NOVA, messages=[turn], inferenceConfig=config, additionalModelRequestFields=fields
            )


@pytest.mark.parametrize(
    ("nested", "mark"), [(Nested.KEPT, {"row": 0}), (Nested.TEXT, '{"row": 0}'), (Nested.DROPPED, None)]
)
def test_nested_fields_arrive_as_they_are_as_text_or_not_at_all(tmp_path: Path, nested: Nested, mark: object) -> None:
    with bench(tmp_path, grader=GraderSettings(nested=nested)) as bed:
        bed.trained()
        seen = bed.emulator.graded[0][0]["metadata"]
    assert seen.get("rft") == mark and seen["reference_answer"] == "billing"
