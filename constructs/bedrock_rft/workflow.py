"""The run of a recipe, from dataset to decision, as a state machine."""

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from bedrock_rft.candidate_deployment import CandidateDeployment
from bedrock_rft.closing_rule import close_on_status_event
from bedrock_rft.customization_role import CustomizationRoleBase
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
from bedrock_rft.release_handlers_base import ReleaseHandlersBase
from bedrock_rft.release_key import ReleaseKeyBase
from bedrock_rft.reward_function import RewardFunctionBase
from bedrock_rft.state_machine import encrypted_state_machine
from bedrock_rft.step import Step
from bedrock_rft.sweeper import RftSweeper
from bedrock_rft.topic import RftTopicBase, topic_of
from bedrock_rft.training_job import TrainingJob
from bedrock_rft.workflow_base import ImportedWorkflow, RftWorkflowBase
from rft_contract.outcomes import Outcome
from rft_contract.plan_facts import PlanFacts
from rft_contract.prices import UnitPrice
from rft_contract.settings import PlatformResources, PlatformSettings

_GOOD_ENDINGS = (Outcome.PASSED, Outcome.PROMOTED, Outcome.REJECTED)
"""Outcomes with which the workflow did its work; any other ends the execution as failed."""


class RftWorkflow(RftWorkflowBase):
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

    state_machine: sfn.StateMachine
    """One execution is one run."""

    releases: ReleaseHandlers
    """What may change what applications get."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: PlatformSettings,
        datasets: DatasetBucketBase,
        key: RftKeyBase,
        rewards: Sequence[RewardFunctionBase],
        customization_role: CustomizationRoleBase,
        topic: RftTopicBase | sns.ITopic,
        release_key: ReleaseKeyBase | None = None,
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
            ValueError: When two rewards share a name, a unit has two prices, polling could use up the execution's
                history, or a plain SNS topic is known to encrypt with another key.
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
            topic_arn=topic_of(topic).topic_arn,
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
        self.state_machine_name = self.state_machine.state_machine_name
        self.stack_name = Stack.of(self).stack_name
        for handler in (*self.handlers.all, self.releases.promote_start, self.releases.promote_poll):
            handler.grant_invoke_versions(self.state_machine.role)
        for rollouts in (self._probe, self._evaluation):
            rollouts.acknowledge_wildcards(self.state_machine)
        self.dead_letters = dead_letters(self, retention=Duration.days(14), removal_policy=removal_policy)
        close_on_status_event(
            self,
            state_machine=self.state_machine,
            close=self.handlers.close.function,
            dead_letters=self.dead_letters,
        )
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

    @classmethod
    def from_state_machine_arn(
        cls,
        scope: Construct,
        construct_id: str,
        state_machine_arn: str,
        *,
        stack_name: str,
        releases: ReleaseHandlersBase | None = None,
    ) -> RftWorkflowBase:
        """Use the workflow of another stack of the same account and Region, which that stack's alarms watch.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            state_machine_arn: ARN of its state machine, which is the output `StateMachineArn` of this app's stack.
            stack_name: The stack that owns it, whose outputs commands read.
            releases: What `ReleaseHandlers.from_function_names` returns, for whoever rolls back or verifies. Default: -
                not known.

        Raises:
            ValueError: When the ARN is not one of a state machine.
        """
        return ImportedWorkflow(scope, construct_id, state_machine_arn, stack_name=stack_name, releases=releases)

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
