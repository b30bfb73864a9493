"""A trial: all that can be observed of an AWS, in order, with everything that it makes removed again."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack

from botocore.exceptions import BotoCoreError, ClientError

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_cli.verification import account_looks, deployment_looks, job_looks, trial_data, trial_job
from rft_cli.verification.assumption import Assumption, assumptions
from rft_cli.verification.grader_events import observe_events, observe_validation
from rft_cli.verification.observation import Observation, unseen
from rft_cli.verification.pace import EMBEDDED, TrialPace
from rft_cli.verification.removals import Removals
from rft_cli.verification.scaffold import Scaffold, build
from rft_contract.statuses import JobStatus
from rft_runtime.base_models import BASE_MODELS, BaseModel
from rft_runtime.failures import explain

_ALONE = frozenset({"deployment-quota", "high-effort", "batch-input-paths"})
"""What needs no observing function."""

_WITHOUT_JOB = _ALONE | {"sandbox-calls", "delete-version"}
Tell = Callable[[str], None]


def chosen(only: Sequence[str], *, full: bool) -> list[Assumption]:
    """Return the assumptions that a trial looks at.

    Args:
        only: Their ids; none: all.
        full: Whether a job is trained to its end.

    Raises:
        CliError: When an id is unknown, or cannot be observed this way.
    """
    known = {one.id: one for one in assumptions()}
    for name in only:
        if name not in known:
            raise CliError(f"--only {name}: unknown; there are {', '.join(known)}")
        if known[name].unseen:
            raise CliError(f"--only {name}: no trial observes it: {known[name].unseen}")
        if known[name].full and not full:
            raise CliError(f"--only {name}: only a job that trains to its end shows it: add --full")
    wanted = only or list(known)
    return [known[name] for name in wanted if known[name].looks and (full or not known[name].full)]


def model_here(environment: Environment) -> BaseModel:
    """Return the base model that a trial trains in an environment.

    Raises:
        CliError: When none can be customized in its Region.
    """
    region = environment.outputs.state_machine_arn.split(":")[3]
    for model in BASE_MODELS:
        if model.embedded_only == environment.is_local and (not model.regions or region in model.regions):
            return model
    raise CliError(f"environment {environment.name}: no base model can be customized in {region}")


class Trial:
    """One trial in one environment.

    Args:
        environment: Where.
        looks: What to look at.
        tell: Told of each part.
        pace: How long to wait. None: as it suits the environment.
    """

    def __init__(
        self, environment: Environment, looks: Iterable[Assumption], tell: Tell, pace: TrialPace | None = None
    ) -> None:
        self.environment = environment
        self.looks = {one.id for one in looks}
        self.full = any(one.full for one in assumptions() if one.id in self.looks)
        self.model = model_here(environment)
        self.name = f"rft-verify-{secrets.token_hex(3)}"
        self.observations: list[Observation] = []
        self.left: list[str] = []
        self.tell = tell
        self._pace = pace or (EMBEDDED if environment.is_local else TrialPace())

    @property
    def has_jobs(self) -> bool:
        """Whether customization jobs are part of it."""
        return not self.looks <= _WITHOUT_JOB

    def run(self) -> None:
        """Look at everything; `observations` and `left` hold what came of it, also when it is interrupted."""
        with ExitStack() as stack:
            removals = Removals(stack)
            self.left = removals.left
            try:
                self._run(removals)
            finally:
                self.tell("removing what the trial made")

    def _run(self, removals: Removals) -> None:
        environment = self.environment
        self._look(("deployment-quota",), "quotas", lambda: [account_looks.observe_deployment_quota(environment)])
        self._look(("high-effort",), "the base model", lambda: [account_looks.observe_high_effort(environment)])
        self._look(
            ("batch-input-paths",),
            "a Distributed Map",
            lambda: [account_looks.observe_batch_input(environment, self.name, self._pace, removals)],
        )
        if self.looks <= _ALONE:
            return
        self.tell("the observing function and its roles")
        scaffold = build(environment, self.name, self._pace, removals)
        self._look(("sandbox-calls",), "system calls", lambda: [account_looks.observe_sandbox(scaffold)])
        self._look(
            ("delete-version",), "a version", lambda: [account_looks.observe_version_deletion(scaffold, self._pace)]
        )
        self._look(self.looks - _WITHOUT_JOB, "customization jobs", lambda: self._jobs(scaffold, removals))

    def _jobs(self, scaffold: Scaffold, removals: Removals) -> Iterator[Observation]:
        bucket = scaffold.environment.bucket
        bucket.write(f"{scaffold.prefix}train.jsonl", trial_data.training_data())
        bucket.write(f"{scaffold.prefix}validation.jsonl", trial_data.validation_data())
        job_looks.listen(scaffold, removals)
        yield from self._stopped_job(scaffold, removals)
        self.tell("events about the job")
        yield job_looks.observe_job_events(scaffold, self._pace)
        if self.full:
            yield from self._full_job(scaffold, removals)

    def _stopped_job(self, scaffold: Scaffold, removals: Removals) -> Iterator[Observation]:
        """Start a job and stop it once its reward function was called."""
        self.tell("a job, until its reward function is called")
        started = trial_job.start(
            scaffold, f"{self.name}-stop", self.model, validation=False, pace=self._pace, removals=removals
        )
        yield job_looks.observe_role(started, self._pace)
        trial_job.wait(scaffold, started, first_event=True, pace=self._pace, tell=self.tell)
        self.tell("stopping the job")
        yield from job_looks.stop(scaffold, started, self._pace, self.tell)
        yield from observe_events(
            trial_job.events(scaffold),
            asked=scaffold.alias_arn,
            version=scaffold.version,
            rows=trial_data.ROWS,
            group=trial_data.HYPERPARAMETERS.trainingSamplePerPrompt,
            refusal=started.qualifier_refused,
        )

    def _full_job(self, scaffold: Scaffold, removals: Removals) -> Iterator[Observation]:
        """Train a job to its end, deploy its model and use it."""
        self.tell("a job with a validation set, to its end")
        started = trial_job.start(
            scaffold, f"{self.name}-full", self.model, validation=True, pace=self._pace, removals=removals
        )
        job = trial_job.wait(scaffold, started, first_event=False, pace=self._pace, tell=self.tell)
        yield observe_validation(trial_job.events(scaffold), started.validation_refused)
        if job.status != JobStatus.COMPLETED or job.model_arn is None:
            raise CliError(f"the job is {job.status}: {job.failure or 'no message'}")
        yield job_looks.observe_output(scaffold, started)
        self.tell("a deployment")
        served, deployment = deployment_looks.observe_deployment(scaffold, job.model_arn, self._pace, removals)
        yield served
        if deployment is not None:
            self.tell("metrics of the deployment")
            yield deployment_looks.observe_metrics(scaffold.environment, deployment, self._pace)
        self.tell("tags of the model and its deployment")
        yield deployment_looks.try_tags(scaffold, job.model_arn, deployment, self._pace)

    def _look(self, names: Iterable[str], what: str, observe: Callable[[], Iterable[Observation]]) -> None:
        """Observe some assumptions, where they are wanted; an AWS that refuses a part of it settles only that part."""
        wanted = self.looks & set(names)
        if not wanted:
            return
        self.tell(what)
        why = "the trial did not come so far"
        try:
            for found in observe():
                if found.assumption in wanted:
                    wanted.remove(found.assumption)
                    self.observations.append(found)
        except CliError as error:
            why = str(error)
        except (ClientError, BotoCoreError) as error:
            why = explain(error)
        self.observations += [unseen(name, why) for name in sorted(wanted)]
