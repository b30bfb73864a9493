"""`rft verify-aws` against the embedded AWS, in which every assumption that has a switch is switched both ways."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from rft_cli.environment import Aws, Environment
from rft_cli.verification import trial_data
from rft_cli.verification.assumption import assumptions
from rft_cli.verification.observation import Verdict
from rft_cli.verification.pace import TrialPace
from rft_cli.verification.trial import Trial, chosen
from rft_cli.verification.trial_job import is_over
from rft_contract.outputs import StackOutputs
from rft_contract.settings import PlatformResources, PlatformSettings
from rft_local.bedrock.endpoint import Endpoint
from rft_local.bedrock.endpoint_settings import Delivery, EndpointSettings, FieldPlace, GraderSettings, Nested
from rft_local.bedrock.engine import Completion, Decoding, Message, Rollout, TrainingHooks, TrainingStep, TrainingTask
from rft_local.bedrock.server import Server
from rft_local.bedrock.undocumented import Undocumented
from rft_local.emulator.environment import ACCOUNT, REGION
from rft_runtime.job import Job, find_job, start_job
from rft_runtime.run_record import RunRecord
from tests.embedded import conftest
from tests.unit.fakes.recipe import recipe_json

pytestmark = pytest.mark.embedded

ROOT = Path(__file__).parents[1]
CASES = json.loads((ROOT / "cases" / "verification.json").read_text(encoding="utf-8"))
PACE = TrialPace(look=0.1, role=0.5, job=30.0, deployment=10.0, metrics=0.5)
KINDS = {"nested": Nested, "delivery": Delivery, "fields": FieldPlace}


class BriefEngine:
    """A model that needs no time, and takes two steps of two prompts; a job can be stopped between them."""

    name = "no model"

    def load(self) -> None:
        """Nothing to load."""

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Words count as tokens."""
        return sum(len(message["content"].split()) for message in messages)

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        *,
        adapter: Path | None,
        samples: int,
        decoding: Decoding,
        seed: int,
    ) -> Sequence[Sequence[Completion]]:
        """Say four."""
        return [[Completion("4", 1, "end_turn")] * samples for _ in prompts]

    def train(self, task: TrainingTask, hooks: TrainingHooks) -> None:
        """Have two prompts rewarded, and the validation set; then wait a while for somebody to stop it."""
        hooks.planned(2, [])
        count = task.hyperparameters.trainingSamplePerPrompt
        for step in range(2):
            rows = [*task.rows[2 * step : 2 * step + 2], *task.validation[:1]]
            hooks.reward([Rollout(row, "4", group) for group, row in enumerate(rows) for _ in range(count)])
            hooks.stepped(
                TrainingStep(
                    step=step,
                    steps=2,
                    epoch=0,
                    reward=0.5,
                    validation_reward=0.5 if task.validation else None,
                    episode_length=1.0,
                    policy_entropy=0.7,
                    gradient_norm=1.0,
                    mixed_groups=1.0,
                    seconds=0.0,
                )
            )
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                if hooks.should_stop():
                    raise RuntimeError("stopped")
                time.sleep(0.05)
        task.adapter.write_text("weights")


def read(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as their own types."""
    return {name: KINDS[name](value) if name in KINDS else value for name, value in settings.items()}


@dataclass
class Account:
    """An embedded AWS whose Bedrock can be replaced by another one."""

    server: Server
    emulator: conftest.Emulator
    environment: Environment
    state: Path

    def behave(self, name: str, grader: dict[str, Any], undocumented: dict[str, str]) -> Endpoint:
        """Put a Bedrock in place that behaves in a certain way."""
        endpoint = Endpoint(
            EndpointSettings(
                emulator_url=self.emulator.url,
                state=self.state / name.replace(" ", "-"),
                deployment_seconds=0,
                batch_seconds=0,
                grader=GraderSettings(**read(grader)),
                undocumented=Undocumented.of(undocumented),
            ),
            BriefEngine(),
        )
        endpoint.start()
        self.server.endpoint = endpoint
        return endpoint


@contextmanager
def account_in(state: Path, options: Sequence[str] = ()) -> Iterator[Account]:
    """Run an embedded AWS whose emulator has some options."""
    unused = EndpointSettings(emulator_url="http://127.0.0.1:1", state=state / "unused")
    server = Server(0, Endpoint(unused, BriefEngine()))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    with ExitStack() as stack:
        stack.callback(server.server_close)
        stack.callback(server.shutdown)
        emulator = stack.enter_context(contextmanager(conftest.run)(server.url, state, options))
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        aws = Aws(session, emulator.url)
        aws.s3.create_bucket(Bucket="data")
        aws.s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:local"
        outputs = StackOutputs(
            bucket="data",
            key_arn=aws.kms.create_key()["KeyMetadata"]["Arn"],
            release_key_arn="arn:aws:kms:us-east-1:000000000000:key/none",
            state_machine_arn=arn,
            close_function="",
            sweep_function="",
            rollback_function="",
            dashboard="",
            topic_arn="",
            rewards={},
            keep_releases=1,
            rejected_model_days=1.0,
        )
        yield Account(server, emulator, Environment("local", "--env local", "local-Rft", aws, outputs), state)


@pytest.mark.parametrize("name", CASES)
def test_a_trial_sees_how_this_aws_behaves_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    with account_in(tmp_path, [f"--{option}={value}" for option, value in case["emulator"].items()]) as account:
        endpoint = account.behave(name, case["grader"], case["undocumented"])
        trial = Trial(account.environment, chosen([], full=True), lambda _: None, PACE)
        trial.run()
        endpoint.stop()
        left = remains(account.environment.aws, trial.name)
    wanted = {one.id: Verdict.HOLDS for one in assumptions() if one.looks}
    wanted |= dict.fromkeys(case["false"], Verdict.FALSE) | dict.fromkeys(case["unseen"], Verdict.UNSEEN)
    assert {one.assumption: one.verdict for one in trial.observations} == wanted, trial.observations
    assert trial.left == []
    assert left == []


def remains(aws: Aws, name: str) -> list[str]:
    """What is left of a trial, by name."""
    events = aws.session.client("events", endpoint_url=aws.endpoint, config=aws.config)
    found = [
        *(role["RoleName"] for role in aws.iam.list_roles()["Roles"]),
        *(function["FunctionName"] for function in aws.functions.list_functions()["Functions"]),
        *(rule["Name"] for rule in events.list_rules()["Rules"]),
        *(machine["name"] for machine in aws.states.list_state_machines()["stateMachines"]),
        *(model["modelName"] for model in aws.bedrock.list_custom_models()["modelSummaries"]),
        *(
            deployment["customModelDeploymentName"]
            for deployment in aws.bedrock.list_custom_model_deployments()["modelDeploymentSummaries"]
        ),
        *(version["Key"] for version in aws.s3.list_object_versions(Bucket="data").get("Versions", [])),
    ]
    return [one for one in found if name in one]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account_in(tmp_path_factory.mktemp("verification")) as account:
        yield account


DATASETS = {split: f"s3://data/datasets/{split}.jsonl" for split in ("train", "validation", "held_out")}
GRADER = """
def handler(event, context):
    return [{"id": sample["id"], "aggregate_reward_score": 1.0} for sample in event]
"""


@pytest.mark.parametrize(
    ("behaviour", "switch"),
    [
        ({"qualifier": "refused"}, {"grader_qualifier": "none"}),
        ({"qualifier": "dropped"}, {"grader_qualifier": "none"}),
        ({"validation": "refused"}, {"validation_data": False}),
    ],
    ids=["qualifier refused", "qualifier dropped", "validation refused"],
)
def test_the_platforms_switch_lets_its_job_train(
    account: Account, behaviour: dict[str, str], switch: dict[str, Any]
) -> None:
    case = "-".join(behaviour.values()) + "-" + "-".join(behaviour)
    endpoint = account.behave(case, {}, behaviour)
    function = account.emulator.function(f"grader-{case}", GRADER)
    functions = account.environment.aws.functions
    version = functions.publish_version(FunctionName=function)["Version"]
    bedrock = account.environment.aws.bedrock
    ends = []
    for run, settings in (("plain", {}), ("switched", switch)):
        functions.create_alias(FunctionName=function, Name=f"run-{run}", FunctionVersion=version)
        record = run_record(account, run, f"{case}-{run}", function, PlatformSettings(environment="local", **settings))
        try:
            job = start_job(bedrock, record, REGION)
        except ClientError as error:
            ends.append(error.response["Error"]["Code"])
            continue
        ends.append(PACE.until(partial(shown, bedrock, job.arn), is_over, 20).status)
    endpoint.stop()
    assert ends in (["ValidationException", "Completed"], ["Failed", "Completed"])


def shown(bedrock: Any, arn: str) -> Job:
    """A job that is there."""
    job = find_job(bedrock, arn)
    assert job is not None
    return job


def run_record(account: Account, run: str, role: str, function: str, settings: PlatformSettings) -> RunRecord:
    """A run whose data lie where Freeze puts them, with a role as `CustomizationRole` makes it for these settings."""
    outputs = account.environment.outputs
    callable_ = [f"{function}:run-*", *([function] if settings.grader_qualifier == "none" else [])]
    arn = account.emulator.role(
        role,
        "bedrock.amazonaws.com",
        [
            {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::data/runs/*"},
            {"Action": "kms:*", "Resource": outputs.key_arn},
            {"Action": "lambda:InvokeFunction", "Resource": callable_},
        ],
    )
    record = RunRecord(
        run_id=run,
        environment="local",
        started=datetime.now(UTC),
        recipe=recipe_json(base_model="local.smollm2-135m-instruct-v1:0", datasets=DATASETS),
        settings=settings.to_json(),
        resources=PlatformResources(
            bucket="data", key_arn=outputs.key_arn, customization_role_arn=arn, topic_arn="", rewards={}
        ).to_json(),
        reward_arn=f"{function}:run-{run}",
    )
    bucket = account.environment.bucket
    bucket.write(record.keys.data(record.trains_on), trial_data.training_data())
    bucket.write(record.keys.data("validation"), trial_data.validation_data())
    return record
