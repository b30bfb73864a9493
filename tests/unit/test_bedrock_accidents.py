"""Accidents that are ordered from the Bedrock endpoint: how jobs, deployments and updates end then, over HTTP."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rft_local.bedrock.accidents import ACCIDENTS
from tests.unit.bedrock_bench import Bench, bench

METRICS = "training_artifacts/step_wise_training_metrics.csv"


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as served:
        served.engine.go.set()
        yield served


def order(bed: Bench, **accident: str) -> None:
    url = bed.control.meta.endpoint_url + ACCIDENTS
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(accident).encode(), method="POST")) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_a_job_ends_as_ordered_and_the_next_one_goes_well(bed: Bench, status: str) -> None:
    order(bed, resource="job", name="unlucky", ends=status, message="no capacity")
    job = bed.ended(bed.create("unlucky"))
    assert (job["status"], job["failureMessage"]) == (status, "no capacity")
    assert "outputModelArn" not in job
    assert bed.ended(bed.create("lucky"))["status"] == "Completed"


def test_a_stuck_job_holds_up_no_other_and_can_be_stopped(bed: Bench) -> None:
    order(bed, resource="job", name="stuck", ends="InProgress")
    stuck = bed.create("stuck")
    assert bed.ended(bed.create("other"))["status"] == "Completed"
    assert bed.control.get_model_customization_job(jobIdentifier=stuck)["status"] == "InProgress"
    bed.control.stop_model_customization_job(jobIdentifier=stuck)
    assert bed.ended(stuck)["status"] == "Stopped"


def test_a_job_loses_its_metrics(bed: Bench) -> None:
    order(bed, resource="job", name="silent", ends="Completed")
    job = bed.ended(bed.create("silent"))
    assert job["status"] == "Completed"
    assert not [key for key in bed.emulator.objects if key.endswith(METRICS)]


def deployed(bed: Bench, name: str, model: str) -> Any:
    made = bed.control.create_custom_model_deployment(modelDeploymentName=name, modelArn=model)
    return bed.control.get_custom_model_deployment(customModelDeploymentIdentifier=made["customModelDeploymentArn"])


def test_a_deployment_and_an_update_fail(bed: Bench) -> None:
    first, second = bed.trained("first"), bed.trained("second")
    order(bed, resource="deployment", name="weak", ends="Failed", message="no room")
    order(bed, resource="update", name="strong", ends="UpdateFailed", message="no room either")
    weak, strong = deployed(bed, "weak", first), deployed(bed, "strong", first)
    assert (weak["status"], weak["failureMessage"], strong["status"]) == ("Failed", "no room", "Active")
    for updated, status, serves in (("failed", "UpdateFailed", first), ("mended", "UpdateCompleted", second)):
        bed.control.update_custom_model_deployment(customModelDeploymentIdentifier="strong", modelArn=second)
        found = bed.control.get_custom_model_deployment(customModelDeploymentIdentifier="strong")
        assert (found["updateDetails"]["updateStatus"], found["modelArn"]) == (status, serves), updated


@pytest.mark.parametrize(
    ("accident", "says"),
    [
        ({"resource": "job", "name": "a", "ends": "Active"}, "wanted Failed, Stopped, InProgress, Completed"),
        ({"resource": "model", "name": "a", "ends": "Failed"}, "resource"),
        ({"resource": "job", "name": "a", "ends": "Failed", "when": "now"}, "when"),
    ],
)
def test_what_is_no_accident_is_refused(bed: Bench, accident: dict[str, str], says: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        order(bed, **accident)
    assert refused.value.code == 400
    assert says in refused.value.read().decode()
