"""What `rft verify-aws` concludes from what it saw, and how it keeps and tells it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from rft_cli import environment as environments
from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_cli.main import main
from rft_cli.verification import observer, trial_data
from rft_cli.verification import trial as trials
from rft_cli.verification.account_looks import batch_machine, judge_quotas, observe_high_effort
from rft_cli.verification.assumption import Assumption, assumptions
from rft_cli.verification.assumption_table import HEAD, NOT_YET, rows
from rft_cli.verification.deployment_looks import judge_metrics
from rft_cli.verification.grader_events import EventSeen, SampleSeen, observe_events, observe_validation
from rft_cli.verification.job_looks import judge_output, observe_role, observe_stopped
from rft_cli.verification.observation import Verdict, holds, unseen
from rft_cli.verification.pace import TrialPace
from rft_cli.verification.permission import ALLOWED, DENIED, Tried, attempt, observe_tags
from rft_cli.verification.removals import Removals
from rft_cli.verification.result import read_verification, save, verification_of
from rft_cli.verification.scaffold import Scaffold
from rft_cli.verification.trial import Trial, chosen, model_here
from rft_cli.verification.trial_job import Started, start
from rft_local.bedrock.__main__ import _parser as endpoint_options
from rft_local.emulator.undocumented import Undocumented
from rft_runtime.base_models import BASE_MODELS
from rft_runtime.job import Job
from tests.unit.cli_fakes import OUTPUTS, Pages
from tests.unit.fakes.service_models import aws_error, check_request

ALIAS = "arn:aws:lambda:us-east-1:123456789012:function:f:run-verify"
DEPLOYMENT = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abcdefghijkl"
NOVA = BASE_MODELS[0]


def sample(row: int | None = 0, **changes: Any) -> SampleSeen:
    plain = {"split": "train", "nested": ("metadata", "same"), "reference": ("metadata", "string"), "role": "assistant"}
    return SampleSeen(row=row, **{**plain, **changes})


def event(*samples: SampleSeen, **changes: Any) -> EventSeen:
    return EventSeen(**{"arn": ALIAS, "version": "2", "bytes": 100, "samples": samples, **changes})


def observed(*events: EventSeen, refusal: str = "") -> dict[str, Verdict]:
    found = observe_events(events, asked=ALIAS, version="2", rows=100, group=2, refusal=refusal)
    return {one.assumption: one.verdict for one in found}


def test_events_as_the_platform_takes_them_to_be() -> None:
    assert set(observed(event(sample(), sample(), sample(1), sample(1))).values()) == {Verdict.HOLDS}


@pytest.mark.parametrize(
    ("false", "found"),
    [
        ({"grader-qualifier"}, event(sample(), sample(), version="$LATEST")),
        ({"grader-qualifier"}, event(sample(), sample(), arn=ALIAS.rsplit(":", 1)[0])),
        ({"metadata-nested"}, event(sample(), sample(nested=("metadata", "another str")))),
        ({"metadata-nested"}, event(sample(nested=("top level", "same")), sample())),
        ({"reference-place"}, event(sample(), sample(reference=("top level", "string")))),
        ({"reference-form"}, event(sample(), sample(reference=("metadata", "text in a mapping")))),
        ({"assistant-role"}, event(sample(), sample(role="nova_assistant"))),
        ({"group-delivery"}, event(sample(0), sample(1))),
        ({"group-delivery", "batched-events"}, event(sample())),
    ],
)
def test_events_that_are_otherwise(false: set[str], found: EventSeen) -> None:
    verdicts = observed(found)
    assert {name for name, verdict in verdicts.items() if verdict is Verdict.FALSE} == false


def test_without_an_event_nothing_is_settled_but_a_refusal_is() -> None:
    assert set(observed().values()) == {Verdict.UNSEEN}
    assert observed(refusal="no qualifier")["grader-qualifier"] is Verdict.FALSE


def test_rows_that_did_not_arrive_settle_no_group() -> None:
    verdicts = observed(event(sample(None), sample(None)))
    assert verdicts["group-delivery"] is Verdict.UNSEEN


@pytest.mark.parametrize(
    ("splits", "refusal", "wanted"),
    [
        (["train", "validation"], "", Verdict.HOLDS),
        (["train"], "", Verdict.FALSE),
        (["train", "validation"], "not supported", Verdict.FALSE),
        ([None], "", Verdict.UNSEEN),
        ([], "", Verdict.UNSEEN),
    ],
)
def test_validation_data(splits: list[str | None], refusal: str, wanted: Verdict) -> None:
    events = [event(sample(split=split)) for split in splits]
    assert observe_validation(events, refusal).verdict is wanted


@pytest.mark.parametrize(
    ("other", "own", "wanted"),
    [
        (DENIED, ALLOWED, Verdict.HOLDS),
        (DENIED, "ValidationException", Verdict.HOLDS),
        (DENIED, DENIED, Verdict.FALSE),
        (ALLOWED, ALLOWED, Verdict.FALSE),
        ("ThrottlingException", ALLOWED, Verdict.UNSEEN),
    ],
)
def test_conditions_on_tags(other: str, own: str, wanted: Verdict) -> None:
    assert observe_tags("tags-stop", [Tried("Stop", other, own)]).verdict is wanted
    assert observe_tags("tags-stop", []).verdict is Verdict.UNSEEN


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied", "ConflictException", None])
def test_an_attempt_names_how_a_call_ends(code: str | None) -> None:
    def call() -> None:
        if code:
            raise aws_error(code)

    named = {"AccessDeniedException": DENIED, "AccessDenied": DENIED, None: ALLOWED}
    assert attempt(call) == named.get(code, code)


@pytest.mark.parametrize(
    ("status", "models", "wanted"),
    [
        ("Stopped", [], Verdict.HOLDS),
        ("Stopped", ["arn"], Verdict.FALSE),
        ("Failed", [], Verdict.UNSEEN),
        ("Completed", ["arn"], Verdict.UNSEEN),
    ],
)
def test_what_a_stopped_job_leaves(status: str, models: list[str], wanted: Verdict) -> None:
    job = Job(arn="a", status=status, created=datetime(2026, 1, 1, tzinfo=UTC))
    assert observe_stopped(job, models).verdict is wanted


def test_output_files_are_looked_for_below_the_jobs_own_folder() -> None:
    files = [
        "model-customization-job-x/training_artifacts/step_wise_training_metrics.csv",
        "model-customization-job-x/validation_artifacts/post_fine_tuning_validation/validation_metrics.csv",
    ]
    assert judge_output(files, ["step_number,reward"], validated=True).verdict is Verdict.HOLDS
    assert judge_output(files[:1], [], validated=True).verdict is Verdict.FALSE
    assert judge_output(files[:1], [], validated=False).verdict is Verdict.HOLDS
    assert judge_output([], [], validated=False).verdict is Verdict.FALSE


def test_metrics_name_the_deployment_by_its_arn() -> None:
    assert judge_metrics([DEPLOYMENT, "other"], DEPLOYMENT).verdict is Verdict.HOLDS
    assert judge_metrics(["abcdefghijkl"], DEPLOYMENT).verdict is Verdict.FALSE
    assert judge_metrics(["other"], DEPLOYMENT).verdict is Verdict.UNSEEN


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["Sum of on demand custom model deployment tokens per minute"], Verdict.HOLDS),
        (["Custom model deployments per account"], Verdict.HOLDS),
        (["Deployed models: custom model deployment count"], Verdict.FALSE),
        ([], Verdict.UNSEEN),
    ],
)
def test_a_quota_of_deployments_is_known_by_its_name(names: list[str], wanted: Verdict) -> None:
    assert judge_quotas(names).verdict is wanted


@dataclass
class FakeRuntime:
    refuses_limit: bool
    refuses_all: bool = False

    def converse(self, **asked: Any) -> dict[str, Any]:
        assert asked["additionalModelRequestFields"]["reasoningConfig"]["maxReasoningEffort"] == "high"
        if self.refuses_all or (self.refuses_limit and "inferenceConfig" in asked):
            raise aws_error("ValidationException")
        return {}


@pytest.mark.parametrize(
    ("runtime", "wanted"),
    [
        (FakeRuntime(True), Verdict.HOLDS),
        (FakeRuntime(False), Verdict.FALSE),
        (FakeRuntime(True, refuses_all=True), Verdict.UNSEEN),
    ],
)
def test_high_effort_with_and_without_a_limit(runtime: FakeRuntime, wanted: Verdict) -> None:
    environment: Any = SimpleNamespace(aws=SimpleNamespace(bedrock_runtime=runtime))
    assert observe_high_effort(environment).verdict is wanted


def test_the_observer_writes_down_places_and_forms_and_no_text() -> None:
    secret = "the text of a completion"
    fields = {"row": 3, "split": "train", "nested": observer.NESTED, "reference_answer": "an answer"}
    turns = [{"role": "user", "content": secret}, {"role": "assistant", "content": secret}]
    below = observer.seen({"id": "1", "messages": turns, "metadata": fields})
    above = observer.seen({"id": "1", "messages": turns, **fields})
    assert msgspec.convert(below, SampleSeen) == sample(3)
    assert above["nested"] == ["top level", "same"] and above["reference"] == ["top level", "string"]
    assert secret not in json.dumps([below, above]) and "an answer" not in json.dumps([below, above])
    wrapped = observer.seen({"id": "1", "messages": turns, "metadata": {"reference_answer": {"text": "x"}}})
    assert wrapped["reference"] == ["metadata", "text in a mapping"] and wrapped["nested"] == ["nowhere", "missing"]


def test_the_observers_scores_are_mixed() -> None:
    scores = {observer.score({"id": str(number)}) for number in range(20)}
    assert scores == {0.0, 1.0}


def test_the_observer_makes_every_system_call_of_the_runner_here() -> None:
    # a child of its own: the calls change the process for good
    words = "from rft_cli.verification.observer import sandbox; import json; print(json.dumps(sandbox()))"
    found = json.loads(subprocess.run([sys.executable, "-c", words], capture_output=True, check=True).stdout)
    assert found == dict.fromkeys(("non-dumpable", "subreaper", "memfd_create", "descriptors"), "ok")


def test_the_trials_data_are_the_smallest_legal_ones() -> None:
    assert trial_data.training_data().count(b"\n") == trial_data.ROWS == 100
    asked = trial_data.HYPERPARAMETERS
    assert (asked.batchSize, asked.trainingSamplePerPrompt, asked.epochCount) == (16, 2, 1)
    rows_ = [json.loads(line) for line in trial_data.training_data().decode().splitlines()]
    assert {type(row["reference_answer"]) for row in rows_} == {str, dict}


def test_every_assumption_that_a_trial_looks_at_can_be_chosen() -> None:
    everything = {one.id for one in assumptions() if one.looks}
    assert {one.id for one in chosen([], full=True)} == everything
    assert {one.id for one in chosen([], full=False)} == {one.id for one in assumptions() if one.looks and not one.full}
    assert [one.id for one in chosen(["sandbox-calls"], full=False)] == ["sandbox-calls"]


@pytest.mark.parametrize(
    ("name", "words"), [("nothing", "unknown"), ("temperature", "no trial"), ("output-files", "add --full")]
)
def test_what_cannot_be_looked_at_is_said(name: str, words: str) -> None:
    with pytest.raises(CliError, match=words):
        chosen([name], full=False)


def test_an_assumption_says_either_how_it_is_looked_at_or_why_not() -> None:
    plain: dict[str, Any] = {"id": "a", "statement": "s", "source": "none", "relied_on_by": ("m",), "if_false": "f"}
    Assumption(**plain, looks="so")
    with pytest.raises(ValueError, match="either"):
        Assumption(**plain)


def test_modules_that_rely_on_an_assumption_exist() -> None:
    root = Path(__file__).parents[2]
    for one in assumptions():
        for name in one.relied_on_by:
            room, _, rest = name.partition(".")
            places = [root / source / room / rest.replace(".", "/") for source in ("lambda", "constructs")]
            if room.startswith(("rft_", "bedrock_rft")):
                assert any(place.with_suffix(".py").exists() or place.is_dir() for place in places), name


def test_a_trial_trains_the_model_of_its_place() -> None:
    real = environment_in("us-east-1")
    assert model_here(real) is NOVA
    with pytest.raises(CliError, match="eu-west-1"):
        model_here(environment_in("eu-west-1"))


def environment_in(region: str) -> Environment:
    arn = OUTPUTS.state_machine_arn.replace("us-east-1", region)
    aws: Any = SimpleNamespace(endpoint=None)
    return Environment("dev", "--env dev", "dev-Rft", aws, replace(OUTPUTS, state_machine_arn=arn))


def test_results_are_kept_beside_those_of_other_trials_in_the_same_place(tmp_path: Path) -> None:
    path, here = tmp_path / "deep" / "aws.json", environment_in("us-east-1")
    first = verification_of(
        here, "m", [holds("a", True, "role arn:aws:iam::123456789012:role/r | x"), unseen("b", "?")], []
    )
    save(path, first)
    save(path, verification_of(here, "m", [holds("b", False, "seen")], ["role r: kept"]))
    found = read_verification(path)
    assert found is not None and found.left == ("role r: kept",)
    assert {name: one.observation.verdict for name, one in found.observations.items()} == {
        "a": Verdict.HOLDS,
        "b": Verdict.FALSE,
    }
    assert "123456789012" not in path.read_text() and "|" not in found.observations["a"].observation.evidence
    save(path, verification_of(environment_in("us-west-2"), "m", [holds("c", True, "")], []))
    found = read_verification(path)
    assert found is not None and set(found.observations) == {"c"}


def test_a_file_of_another_form_is_refused(tmp_path: Path) -> None:
    assert read_verification(tmp_path / "none.json") is None
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(CliError, match=r"bad\.json"):
        read_verification(tmp_path / "bad.json")


def test_the_table_tells_what_was_seen_and_what_nobody_looked_at() -> None:
    here = environment_in("us-east-1")
    seen = verification_of(here, "m", [holds("grader-qualifier", False, "2 without the alias")], [])
    told = {row[0].split("**")[1]: row for row in rows(seen, None)}
    assert all(len(row) == len(HEAD) for row in told.values()) and len(told) == len(assumptions())
    assert told["grader-qualifier"][4].startswith("does not hold, 20")
    assert "us-east-1, account" in told["grader-qualifier"][4]
    assert 'grader_qualifier="none"' in told["grader-qualifier"][3]
    assert told["metadata-nested"][4] == NOT_YET and told["metadata-nested"][5] == f"{NOT_YET}; `--set nested`"
    assert told["temperature"][4].startswith("not observed: ")


def test_everything_is_removed_and_what_is_not_is_named() -> None:
    done: list[str] = []

    def fail(code: str) -> Any:
        raise aws_error(code)

    with pytest.raises(KeyboardInterrupt), ExitStack() as stack:
        removals = Removals(stack)
        removals.add("first", lambda: done.append("first"))
        removals.add("gone", lambda: fail("ResourceNotFoundException"))
        removals.add("kept", lambda: fail("DeleteConflict"))
        removals.add("last", lambda: done.append("last"))
        raise KeyboardInterrupt
    assert done == ["last", "first"]
    assert len(removals.left) == 1 and removals.left[0].startswith("kept: ")


@dataclass
class Clock:
    waits: list[float] = field(default_factory=list)

    def pace(self, **changes: float) -> TrialPace:
        return TrialPace(pause=self.waits.append, **changes)


def test_a_trial_waits_as_long_as_it_says_and_no_longer() -> None:
    clock = Clock()
    assert clock.pace(look=10).until(lambda: 0, bool, 35) == 0
    assert clock.waits == [10, 10, 10, 10]
    clock = Clock()
    answers = iter([aws_error("ValidationException"), None])

    def call() -> str:
        if (error := next(answers)) is not None:
            raise error
        return "made"

    assert clock.pace(look=10, role=30).granted(call) == "made" and clock.waits == [10]


def test_a_role_that_stays_unknown_is_an_error_at_the_end() -> None:
    clock = Clock()

    def call() -> None:
        raise aws_error("ValidationException")

    with pytest.raises(Exception, match="ValidationException"):
        clock.pace(look=10, role=30).granted(call)
    assert sum(clock.waits) == 30


def test_the_batch_machine_hands_a_path_on() -> None:
    state = batch_machine()["States"]["Batch"]
    assert state["ItemBatcher"]["BatchInput"] == {"name.$": "$.name"}


@dataclass
class FakeBedrock:
    """Jobs that are refused for what somebody says; a model of a job may exist."""

    refuses: list[str] = field(default_factory=list)
    qualifier: bool = True
    validation: bool = True
    asked: list[dict[str, Any]] = field(default_factory=list)
    jobs: dict[str, str] = field(default_factory=dict)
    models: list[str] = field(default_factory=list)

    def create_model_customization_job(self, **request: Any) -> dict[str, str]:
        check_request("bedrock", "CreateModelCustomizationJob", request)
        self.asked.append(request)
        grader = request["customizationConfig"]["rftConfig"]["graderConfig"]["lambdaGrader"]["lambdaArn"]
        if self.refuses:
            raise aws_error(self.refuses.pop())
        if (not self.qualifier and grader == ALIAS) or (not self.validation and "validationDataConfig" in request):
            raise aws_error("ValidationException")
        self.jobs[request["jobName"]] = "InProgress"
        return {"jobArn": request["jobName"]}

    def get_model_customization_job(self, *, jobIdentifier: str) -> dict[str, Any]:
        if jobIdentifier not in self.jobs:
            raise aws_error("ResourceNotFoundException")
        status = self.jobs[jobIdentifier]
        return {"jobArn": jobIdentifier, "status": status, "creationTime": datetime(2026, 1, 1, tzinfo=UTC)}

    def stop_model_customization_job(self, *, jobIdentifier: str) -> None:
        self.jobs[jobIdentifier] = "Stopped"

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_custom_models"
        return Pages({"modelSummaries": [{"modelArn": f"arn/{name}", "modelName": name} for name in self.models]})

    def delete_custom_model(self, *, modelIdentifier: str) -> None:
        self.models.remove(modelIdentifier.removeprefix("arn/"))


def scaffold_on(bedrock: FakeBedrock) -> Scaffold:
    here = environment_in("us-east-1")
    aws: Any = SimpleNamespace(endpoint=None, bedrock=bedrock, s3=None)
    return Scaffold(
        name="t",
        environment=replace(here, aws=aws),
        prefix="verification/t/",
        function="f",
        version="2",
        spare_version="1",
        alias_arn=ALIAS,
        job_role="arn:aws:iam::123456789012:role/t-job",
        own="",
        other="",
    )


def started(bedrock: FakeBedrock, removals: Removals, *, validation: bool = True) -> Started:
    pace = Clock().pace(look=10, role=30)
    return start(scaffold_on(bedrock), "t-job", NOVA, validation=validation, pace=pace, removals=removals)


def test_a_job_is_asked_for_again_while_its_role_is_new() -> None:
    bedrock = FakeBedrock(refuses=["ValidationException", "AccessDeniedException"])
    with ExitStack() as stack:
        job = started(bedrock, Removals(stack))
        assert len(job.refusals) == 2 and not job.qualifier_refused and not job.validation_refused
        seen = observe_role(job, TrialPace())
        assert seen.verdict is Verdict.FALSE and "2 refusals, about 30 s" in seen.evidence
    assert bedrock.jobs == {"t-job": "Stopped"}


@pytest.mark.parametrize(
    ("bedrock", "refused"),
    [
        (FakeBedrock(), (False, False)),
        (FakeBedrock(qualifier=False), (True, False)),
        (FakeBedrock(validation=False), (False, True)),
        (FakeBedrock(qualifier=False, validation=False), (True, True)),
    ],
)
def test_what_is_refused_is_left_out_and_told(bedrock: FakeBedrock, refused: tuple[bool, bool]) -> None:
    with ExitStack() as stack:
        job = started(bedrock, Removals(stack))
    assert (bool(job.qualifier_refused), bool(job.validation_refused)) == refused


def test_a_job_that_is_refused_in_every_form_is_an_error_and_leaves_nothing() -> None:
    bedrock = FakeBedrock(refuses=["ValidationException"] * 20, models=["t-job", "another"])
    with pytest.raises(CliError, match="refuses the job"), ExitStack() as stack:
        started(bedrock, Removals(stack))
    assert bedrock.jobs == {} and bedrock.models == ["another"]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setattr(environments, "open_environment", lambda env, stack: environment_in("us-east-1"))
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def test_the_command_tells_what_it_will_do_and_does_nothing_unasked(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify-aws", "--env", "dev", "--full"]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "32 to 200 rollouts" in told and "128 tokens of prompt and 16 of completion" in told and "Say --yes" in told
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(("verdict", "code"), [(True, 0), (False, 1)])
def test_the_command_writes_its_result_and_fails_for_what_does_not_hold(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verdict: bool,
    code: int,
) -> None:
    def run(self: Trial) -> None:
        self.observations.append(holds("sandbox-calls", verdict, "seen"))

    monkeypatch.setattr(Trial, "run", run)
    assert main(["verify-aws", "--env", "dev", "--only", "sandbox-calls", "--yes", "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((here / "out" / "verify-aws-dev.json").read_text())
    assert told["observations"]["sandbox-calls"]["observation"]["verdict"] == ("holds" if verdict else "does not hold")


def test_what_was_seen_before_an_error_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def jobs(self: Trial, scaffold: Any, removals: Removals) -> Iterator[Any]:
        yield holds("group-delivery", True, "seen")
        raise aws_error("ThrottlingException")

    monkeypatch.setattr(Trial, "_jobs", jobs)
    monkeypatch.setattr(trials, "build", lambda *_: None)
    looks = chosen(["group-delivery", "stopped-model"], full=False)
    trial = Trial(environment_in("us-east-1"), looks, lambda _: None)
    trial.run()
    found = {one.assumption: one for one in trial.observations}
    assert found["group-delivery"].verdict is Verdict.HOLDS
    assert found["stopped-model"].verdict is Verdict.UNSEEN and "ThrottlingException" in found["stopped-model"].evidence


def test_every_switch_of_the_embedded_aws_exists_and_is_turned_both_ways() -> None:
    cases = json.loads((Path(__file__).parents[1] / "cases" / "verification.json").read_text(encoding="utf-8"))
    turned = {name for case in cases.values() for name in case["false"]}
    unseen_nowhere = {one.id for one in assumptions() if one.looks} - set.intersection(
        *(set(case["unseen"]) for case in cases.values())
    )
    assert turned == unseen_nowhere == {one.id for one in assumptions() if one.embedded}
    options = {option for action in endpoint_options()._actions for option in action.option_strings}
    emulators = set(Undocumented.options())
    assert not options & emulators
    assert {f"--{one.embedded}" for one in assumptions() if one.embedded} <= options | emulators
    used = {f"--{option}" for case in cases.values() for option in case["emulator"]}
    assert used == emulators
