"""Requests and responses against botocore's models of the service."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import given
from hypothesis import strategies as st

from rft_contract.json_value import JsonObject
from rft_local.bedrock.constraint import compiled, violations
from rft_local.bedrock.service_error import ServiceError
from rft_local.bedrock.service_model import HttpRequest, ServiceModel
from tests.unit.bedrock_bench import GRADER, Bench, bench, request

CASES = json.loads((Path(__file__).parents[1] / "cases" / "bedrock_illegal_requests.json").read_text())
JOB_ARN = "arn:aws:bedrock:us-east-1:000000000000:model-customization-job/local.smollm2-135m-instruct-v1:0/abcdefghijkl"
SERVED = [
    "CreateModelCustomizationJob",
    "GetModelCustomizationJob",
    "StopModelCustomizationJob",
    "ListModelCustomizationJobs",
    "GetCustomModel",
    "ListCustomModels",
    "DeleteCustomModel",
    "CreateCustomModelDeployment",
    "GetCustomModelDeployment",
    "UpdateCustomModelDeployment",
    "ListCustomModelDeployments",
    "DeleteCustomModelDeployment",
    "ListFoundationModels",
    "GetFoundationModel",
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
]

model = ServiceModel()


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("state")) as served:
        yield served


def sent(method: str, target: str, body: object = None, headers: Mapping[str, str] | None = None) -> HttpRequest:
    return HttpRequest(method, target, headers or {}, b"" if body is None else json.dumps(body).encode())


def members(method: str, target: str, body: object = None) -> JsonObject:
    asked = sent(method, target, body)
    return model.members(model.route(asked), asked)


def refusal(bed: Bench, asked: dict[str, Any]) -> str:
    """Send a job as raw HTTP, because botocore cannot write some of the illegal ones; returns the service's message."""
    response = bed.endpoint.answer(sent("POST", "/model-customization-jobs", asked))
    assert (response.status, response.headers["x-amzn-errortype"]) == (400, "ValidationException")
    return str(json.loads(response.body)["message"])


@pytest.mark.parametrize("case", CASES["job"], ids=lambda case: f"{case['member']}: {case['constraint']}"[:70])
def test_an_illegal_job_is_refused_by_member(bed: Bench, case: dict[str, Any]) -> None:
    message = refusal(bed, request("illegal", **case["set"]))
    assert f"at '{case['member']}' failed to satisfy constraint: Member must" in message
    assert case["constraint"] in message and message.startswith("1 validation error detected: Value ")


@pytest.mark.parametrize("case", CASES["hyperparameters"], ids=lambda case: str(case["set"]))
def test_an_illegal_hyperparameter_is_refused(bed: Bench, case: dict[str, Any]) -> None:
    grader = {"lambdaGrader": {"lambdaArn": GRADER}}
    rft = {"graderConfig": grader, "hyperParameters": case["set"]}
    message = refusal(bed, request("illegal", customizationConfig={"rftConfig": rft}))
    name = next(iter(case["set"]))
    assert f"'customizationConfig.rftConfig.hyperParameters.{name}'" in message and case["constraint"] in message


def test_every_violation_is_named(bed: Bench) -> None:
    message = refusal(bed, request("under_score", customModelName="dotted.name"))
    assert message.startswith("2 validation errors detected: ") and message.count("; Value ") == 1


def test_unknown_members_are_ignored_as_the_service_ignores_them() -> None:
    assert members("POST", "/listTagsForResource", {"resourceARN": JOB_ARN, "more": 1}) == {"resourceARN": JOB_ARN}


@pytest.mark.parametrize("body", ["[]", "{", '"text"'])
def test_a_body_that_is_no_object_is_refused(body: str) -> None:
    asked = HttpRequest("POST", "/tagResource", {}, body.encode())
    with pytest.raises(ServiceError, match="the request body is"):
        model.members(model.route(asked), asked)


@pytest.mark.parametrize(
    ("target", "word"),
    [("maxResults=0", "maxResults"), ("maxResults=many", "of type integer"), ("statusEquals=Done", "enum value set")],
)
def test_queries_are_checked_too(target: str, word: str) -> None:
    with pytest.raises(ServiceError, match=word):
        members("GET", f"/model-customization-jobs?{target}")


def test_a_time_in_a_query_is_read() -> None:
    found = members("GET", "/model-customization-jobs?creationTimeAfter=2026-01-01T00%3A00%3A00Z")
    assert found == {"creationTimeAfter": 1767225600.0}


@pytest.mark.parametrize("written", [JOB_ARN, JOB_ARN.replace(":", "%3A").replace("/", "%2F")])
def test_an_arn_is_read_whether_a_proxy_decoded_it_or_not(written: str) -> None:
    assert members("GET", f"/model-customization-jobs/{written}") == {"jobIdentifier": JOB_ARN}
    assert members("POST", f"/model-customization-jobs/{written}/stop") == {"jobIdentifier": JOB_ARN}


def test_an_unknown_path_is_no_operation() -> None:
    with pytest.raises(ServiceError) as raised:
        model.route(sent("GET", "/models"))
    assert raised.value.code == "UnknownOperationException" and model.error(raised.value).status == 404


def test_an_operation_that_is_not_served_says_so(bed: Bench) -> None:
    with pytest.raises(ClientError) as raised:
        bed.control.list_guardrails()
    assert raised.value.response["Error"]["Code"] == "NotImplementedException"
    assert "ListGuardrails" in raised.value.response["Error"]["Message"]


def test_conflicts_are_http_400_in_this_service() -> None:
    response = model.error(ServiceError("ConflictException", "taken"))
    assert response.status == 400 and response.headers["x-amzn-errortype"] == "ConflictException"


@pytest.mark.parametrize(
    ("output", "word"),
    [({}, "jobArn"), ({"jobArn": "not an arn"}, "pattern"), ({"jobArn": JOB_ARN, "extra": 1}, "extra")],
)
def test_a_response_that_breaks_the_model_never_leaves(output: JsonObject, word: str) -> None:
    operation = model.route(sent("POST", "/model-customization-jobs")).operation
    with pytest.raises(ValueError, match=word):
        model.response(operation, output)


def shapes(shape: Shape | None, seen: set[str]) -> Iterator[Shape]:
    if shape is None or shape.name in seen:
        return
    seen.add(shape.name)
    yield shape
    parts: list[Shape] = []
    if isinstance(shape, StructureShape):
        parts = list(shape.members.values())
    elif isinstance(shape, ListShape):
        parts = [shape.member]
    elif isinstance(shape, MapShape):
        parts = [shape.key, shape.value]
    for part in parts:
        yield from shapes(part, seen)


def test_every_pattern_of_the_served_operations_can_be_used() -> None:
    session, seen = botocore.session.get_session(), set[str]()
    control, runtime = session.get_service_model("bedrock"), session.get_service_model("bedrock-runtime")
    operations = [control.operation_model(name) for name in SERVED]
    operations += [runtime.operation_model(name) for name in ("Converse", "InvokeModel")]
    used = [operation.input_shape for operation in operations] + [operation.output_shape for operation in operations]
    patterns = [shape.metadata["pattern"] for top in used for shape in shapes(top, seen) if "pattern" in shape.metadata]
    assert len(patterns) > 40
    for pattern in patterns:
        compiled(pattern)


@given(st.text("aZ0-+._ \n", max_size=12))
def test_the_pattern_of_job_names_means_what_it_meant(name: str) -> None:
    pattern = r"[a-zA-Z0-9](-*[a-zA-Z0-9\+\-\.])*"
    assert bool(compiled(pattern).fullmatch(name)) == bool(re.fullmatch(pattern, name, re.ASCII))


@given(st.text("abc-_\n", max_size=8))
def test_a_dollar_ends_the_text_and_not_a_line(text: str) -> None:
    assert bool(compiled("^[a-c]+$").fullmatch(text)) == (bool(text) and set(text) <= set("abc"))


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner), max_leaves=5))
def test_any_json_is_judged_without_an_error(value: Any) -> None:
    shape = model.route(sent("POST", "/model-customization-jobs")).operation.input_shape
    assert shape is not None
    found = list(violations({"jobName": value, "jobTags": value, "customizationConfig": value}, shape))
    assert all("failed to satisfy constraint: Member must" in sentence for sentence in found)
