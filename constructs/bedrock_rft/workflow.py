"""The run of a recipe, from dataset to decision, as a state machine."""

from collections.abc import Sequence
from typing import Protocol

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from bedrock_rft.candidate_deployment import CandidateDeployment
from bedrock_rft.customization_role import CustomizationRole
from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.dead_letters import dead_letters, keep_failures
from bedrock_rft.evaluation import Evaluation
from bedrock_rft.handler_platform import HandlerPlatform
from bedrock_rft.handlers import WorkflowHandlers
from bedrock_rft.key import RftKeyBase
from bedrock_rft.network import RftNetwork
from bedrock_rft.polling import check_event_budget
from bedrock_rft.probe import Probe
from bedrock_rft.promotion import Promotion
from bedrock_rft.release_handlers import ReleaseHandlers
from bedrock_rft.release_key import ReleaseKey
from bedrock_rft.reward_function import RewardFunctionBase
from bedrock_rft.state_machine import encrypted_state_machine
from bedrock_rft.sweeper import RftSweeper
from bedrock_rft.training_job import TrainingJob
from rft_contract.outcomes import Outcome
from rft_contract.plan_facts import PlanFacts
from rft_contract.prices import UnitPrice
from rft_contract.settings import PlatformResources, PlatformSettings

_GOOD_ENDINGS = (Outcome.PASSED, Outcome.PROMOTED, Outcome.REJECTED)
"""Outcomes with which the workflow did its work; any other ends the execution as failed."""


class Step(Protocol):
    """A part of the workflow: something that others follow and whose errors go to Close."""

    @property
    def start_state(self) -> sfn.State:
        """The first state."""

    @property
    def end_states(self) -> list[sfn.INextable]:
        """Where the next step follows."""

    def add_catch(self, handler: sfn.IChainable, *, errors: Sequence[str], result_path: str) -> object:
        """Go to a state when the step fails."""


class RftWorkflow(Construct):
    """Plan, Validate, Freeze, Certify, Probe, Train, Deploy, Evaluate, Decide, Promote, Close: the workflow's states.

    The construct also holds their functions, and the rule that closes a run whose execution died.

    * Input: `{"run_id": str, "recipe": {...}}`; the execution's name is the run id.
    * Output: `{"run_id", "outcome", "reason"}`.
    * Errors: an execution fails with the run's outcome as its error and the reason as its cause, unless the outcome is
      PASSED, PROMOTED or REJECTED. `CloseFailed`: the run ended, but closing it did not.

    Steps hand `{"run_id"}` on; everything else is in the run's record in the data bucket. Any error goes to Close. When
    an execution ends without reaching Close (stopped, timed out), the rule on its status event closes the run; an event
    that cannot be delivered, or that Close fails on three times, waits in `dead_letters`. Such events are delivered at
    best effort, so `sweeper` looks every 15 minutes for runs that are not closed and for what they left.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: PlatformSettings,
        datasets: DatasetBucketBase,
        key: RftKeyBase,
        rewards: Sequence[RewardFunctionBase],
        customization_role: CustomizationRole,
        topic: sns.ITopic,
        release_key: ReleaseKey | None = None,
        platform: HandlerPlatform = HandlerPlatform.ARM64,
        network: RftNetwork | None = None,
        reserved_concurrency: int | None = None,
        prices: Sequence[UnitPrice] = (),
        max_concurrency: int = 20,
        hours_beside_training: float = 12,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define the workflow.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            settings: Decisions about the environment; Plan writes them into the run's record.
            datasets: Where runs lie.
            key: Encrypts data, custom models, history and logs.
            rewards: The reward functions that recipes may name, each name once.
            customization_role: Passed to Bedrock.
            topic: Where Close says how a run ended.
            release_key: Signs releases. Default: - a new one.
            platform: Where handlers run. Default: ARM64.
            network: Where handlers run. Default: - outside of any VPC.
            reserved_concurrency: Runs at once for which calls are set aside: as many for each function, for rollout
                `max_concurrency` times as many. Default: - the account's pool.
            prices: What units cost, in one currency, for the estimate and money limits of runs. Default: none.
            max_concurrency: Shards that are probed or evaluated at once. Default: 20.
            hours_beside_training: What a run may take beside its training job; then it times out. Default: 12.
            log_retention: How long logs are kept. Default: one month.
            removal_policy: Of log groups and dead letters. Default: RETAIN.

        Raises:
            ValueError: When two rewards share a name, a unit has two prices, or polling could use up the execution's
                history.
        """
        super().__init__(scope, construct_id)
        names = [reward.reward_name for reward in rewards]
        if len(set(names)) != len(names):
            raise ValueError(f"rewards: got the names {', '.join(names)}, wanted each name once")
        hours = settings.deadline_hours + hours_beside_training
        check_event_budget(settings, hours)
        self.handlers = WorkflowHandlers(
            self,
            "Handlers",
            environment_name=settings.environment,
            datasets=datasets,
            key=key,
            rewards=rewards,
            customization_role=customization_role,
            topic=topic,
            platform=platform,
            network=network,
            reserved_concurrency=reserved_concurrency,
            rollout_concurrency=reserved_concurrency and reserved_concurrency * max_concurrency,
            log_retention=log_retention,
            removal_policy=removal_policy,
        )
        self.releases = ReleaseHandlers(
            self,
            "Releases",
            environment_name=settings.environment,
            datasets=datasets,
            key=key,
            release_key=release_key,
            platform=platform,
            network=network,
            reserved_concurrency=reserved_concurrency,
            log_retention=log_retention,
            removal_policy=removal_policy,
        )
        resources = PlatformResources(
            bucket=datasets.bucket.bucket_name,
            key_arn=key.key.key_arn,
            customization_role_arn=customization_role.role.role_arn,
            topic_arn=topic.topic_arn,
            rewards={reward.reward_name: reward.function.function_name for reward in rewards},
            reward_facts={reward.reward_name: reward.facts for reward in rewards},
            release_key_arn=self.releases.release_key.key.key_arn,
            job_network=network.job_network if network else None,
        )
        self.releases.release_key.grant_describe(self.handlers.plan.role)
        facts = PlanFacts(
            settings=settings,
            resources=resources,
            prices=tuple(prices),
            hours_beside_training=hours_beside_training,
        )
        self._probe = Probe(
            self,
            "Probe",
            start=self.handlers.probe_start,
            rollout=self.handlers.rollout,
            decide=self.handlers.probe_decide,
            datasets=datasets,
            max_concurrency=max_concurrency,
        )
        self._evaluation = Evaluation(
            self, "Evaluation", rollout=self.handlers.rollout, datasets=datasets, max_concurrency=max_concurrency
        )
        self.state_machine, self.log_group = encrypted_state_machine(
            self,
            comment="Reinforcement fine-tuning: one execution a run",
            definition=self._definition(facts),
            timeout=Duration.seconds(int(hours * 3600)),
            key=key,
            log_retention=log_retention,
            removal_policy=removal_policy,
        )
        for handler in (*self.handlers.all, self.releases.promote_start, self.releases.promote_poll):
            handler.grant_invoke_versions(self.state_machine.role)
        for rollouts in (self._probe, self._evaluation):
            rollouts.acknowledge_wildcards(self.state_machine)
        self.dead_letters = dead_letters(self, retention=Duration.days(14), removal_policy=removal_policy)
        self._close_on_status_event()
        self.sweeper = RftSweeper(
            self,
            "Sweeper",
            settings=settings,
            datasets=datasets,
            key=key,
            rewards=rewards,
            close=self.handlers.close.function,
            state_machine=self.state_machine,
            platform=platform,
            network=network,
            reserved_concurrency=reserved_concurrency,
            log_retention=log_retention,
            removal_policy=removal_policy,
        )
        # The rule's dead letters are events that Lambda never took; this keeps those that the function failed on.
        keep_failures(self.handlers.close.function, self.dead_letters, retry_attempts=2)

    def grant_start(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal start runs."""
        return self.state_machine.grant_start_execution(grantee)

    def grant_rollback(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal put an earlier release of a line back into service; it needs no right on Bedrock for that."""
        return self.releases.grant_rollback(grantee)

    def metric_started(self) -> cloudwatch.Metric:
        """Return how many runs started."""
        return self.state_machine.metric_started()

    def metric_failed(self) -> cloudwatch.Metric:
        """Return how many runs failed."""
        return self.state_machine.metric_failed()

    def _definition(self, facts: PlanFacts) -> sfn.IChainable:
        """Chain the steps; a further step takes its place in this list and nowhere else."""
        handlers = self.handlers
        run = {"run_id": sfn.JsonPath.string_at("$.run_id")}
        plan = {
            **run,
            "recipe": sfn.JsonPath.object_at("$.recipe"),
            "execution": sfn.JsonPath.string_at("$$.Execution.Id"),
            **facts.to_json(),
        }
        steps: list[Step] = [
            handlers.plan.task(self, "Plan", payload=plan),
            handlers.validate.task(self, "Validate", payload=run),
            handlers.freeze.task(self, "Freeze", payload=run),
            handlers.certify.task(self, "Certify", payload=run),
            self._probe,
            TrainingJob(self, "Train", start=handlers.train_start, poll=handlers.train_poll, settings=facts.settings),
            CandidateDeployment(self, "Deploy", start=handlers.deploy_start, poll=handlers.deploy_poll),
            self._evaluation,
            handlers.decide.task(self, "Decide", payload=run),
        ]
        promotion = Promotion(self, "Promote", start=self.releases.promote_start, poll=self.releases.promote_poll)
        close, close_after_error = self._endings()
        for step in (*steps, promotion):
            step.add_catch(close_after_error, errors=[sfn.Errors.ALL], result_path="$.error")
        wanted = sfn.Condition.boolean_equals("$.promote", True)
        decided = sfn.Choice(self, "IsToBePromoted").when(wanted, promotion.start_state).otherwise(close)
        for end in promotion.end_states:
            end.next(close)
        for step, following in zip(steps, [*[step.start_state for step in steps[1:]], decided], strict=True):
            for end in step.end_states:
                end.next(following)
        return steps[0].start_state

    def _endings(self) -> tuple[sfn.State, sfn.State]:
        """Return the states that close a run after its last step, and after an error."""
        ended = sfn.Succeed(self, "Ended")
        failed = sfn.Fail(self, "RunFailed", error_path="$.outcome", cause_path="$.reason")
        lost = sfn.Fail(self, "CloseFailed", error="CloseFailed", cause="the run ended, but closing it did not succeed")
        good = [sfn.Condition.string_equals("$.outcome", outcome.value) for outcome in _GOOD_ENDINGS]
        how = sfn.Choice(self, "HowItEnded").when(sfn.Condition.or_(*good), ended).otherwise(failed)
        execution = {
            "run_id": sfn.JsonPath.string_at("$$.Execution.Name"),
            "execution": sfn.JsonPath.string_at("$$.Execution.Id"),
        }
        decided = {"outcome": sfn.JsonPath.string_at("$.outcome"), "reason": sfn.JsonPath.string_at("$.reason")}
        error = {"error": sfn.JsonPath.object_at("$.error")}
        # What a closing that died would have said of the outcome, only its repetition can say.
        close, close_after_error = (
            self.handlers.close.task(self, state, payload={**execution, **ending}, attempts_when_lost=6)
            for state, ending in (("Close", decided), ("CloseAfterError", error))
        )
        for task in (close, close_after_error):
            task.add_catch(lost, errors=[sfn.Errors.ALL])
            task.next(how)
        return close, close_after_error

    def _close_on_status_event(self) -> None:
        """Close the run of an execution that ended, however it ended; a run that is closed already stays as it is."""
        rule = events.Rule(
            self,
            "ExecutionEnded",
            description="Closes the run of an execution that ended",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [self.state_machine.state_machine_arn],
                    "status": ["ABORTED", "TIMED_OUT", "FAILED", "SUCCEEDED"],
                },
            ),
        )
        rule.add_target(
            targets.LambdaFunction(
                self.handlers.close.function,
                dead_letter_queue=self.dead_letters,
                event=events.RuleTargetInput.from_object(
                    {
                        "run_id": events.EventField.from_path("$.detail.name"),
                        "execution": events.EventField.from_path("$.detail.executionArn"),
                        "execution_status": events.EventField.from_path("$.detail.status"),
                    }
                ),
                max_event_age=Duration.hours(2),
                retry_attempts=10,
            )
        )
