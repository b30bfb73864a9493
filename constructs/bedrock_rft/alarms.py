"""What people are told without asking."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from bedrock_rft.dataset_checks import DatasetChecks
from bedrock_rft.promotion_notice import PromotionNotice
from bedrock_rft.reward_function import RewardFunctionBase
from bedrock_rft.topic import RftTopicBase, topic_of
from bedrock_rft.workflow import RftWorkflow


class RftAlarms(Construct):
    """Alarms on an environment, published to its topic.

    | Alarm | When |
    |---|---|
    | `<reward>-Invalid` | more than `invalid_percent` of a reward's rollouts could not be graded, 3 minutes of 5 |
    | `<reward>-Errors` | a reward function raised, which costs Bedrock a whole event |
    | `RunsFailed`, `RunsTimedOut` | a run failed, or its execution timed out |
    | `NotClosed` | the event that closes a run was not delivered, or Close failed on it |
    | `NotSwept` | the look for what runs left behind failed, or did not take place |
    | `NotSettled` | a change of what is live is half done, and can be neither finished nor taken back |
    | `NotChecked` | a dataset arrived and could not be checked; only with `dataset_checks` |
    | `NotTold` | GitHub did not take the notice of a promotion; only with `promotion_notice` |

    Their dimensions exist at deploy time. They tell and stop nothing: which run to stop, its workflow alone knows.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        rewards: Sequence[RewardFunctionBase],
        workflow: RftWorkflow,
        topic: RftTopicBase | sns.ITopic,
        dataset_checks: DatasetChecks | None = None,
        promotion_notice: PromotionNotice | None = None,
        invalid_percent: float = 5,
        more_topics: Sequence[sns.ITopic] = (),
    ) -> None:
        """Define the alarms.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            rewards: Reward functions to watch.
            workflow: Workflow to watch.
            topic: Where alarms go; the policy of one of yours, and that of its key, must let CloudWatch publish
                (`RftTopic.from_topic` sees to it).
            dataset_checks: Checks of arriving datasets to watch. Default: - none.
            promotion_notice: What tells GitHub of promotions, to watch. Default: - none.
            invalid_percent: Share of rollouts without a grade that is tolerated, 0 to 100. Default: 5.
            more_topics: Topics of others where alarms go too, 4 at most; their policies, and those of their keys, must
                let CloudWatch publish. Default: none.

        Raises:
            ValueError: When the share lies outside its bounds, or there are too many topics.
        """
        super().__init__(scope, construct_id)
        if not 0 <= invalid_percent < 100:
            raise ValueError(f"invalid_percent: got {invalid_percent:g}, wanted 0 to below 100")
        if len(more_topics) > 4:
            raise ValueError(f"more_topics: got {len(more_topics)}, wanted at most 4: an alarm has 5 actions")
        self._actions = [actions.SnsAction(one) for one in (topic_of(topic), *more_topics)]
        five_minutes = Duration.minutes(5)
        for reward in rewards:
            self._alarm(
                f"{reward.reward_name}-Invalid",
                reward.metric_invalid_share(),
                threshold=invalid_percent,
                description=f"more than {invalid_percent:g} % of rollouts could not be graded by {reward.reward_name}",
                evaluation_periods=5,
                datapoints=3,
            )
            self._alarm(
                f"{reward.reward_name}-Errors",
                reward.function.metric_errors(period=five_minutes),
                threshold=0,
                description=f"the reward function of {reward.reward_name} raised",
            )
        machine = workflow.state_machine
        # Not one alarm on the sum: where only one of the two metrics has data, a sum has none.
        self._alarm(
            "RunsFailed",
            machine.metric_failed(period=five_minutes),
            threshold=0,
            description="a run failed; its report says why",
        )
        self._alarm(
            "RunsTimedOut",
            machine.metric_timed_out(period=five_minutes),
            threshold=0,
            description="a run's execution timed out; its report says how far it came",
        )
        self._alarm(
            "NotClosed",
            workflow.dead_letters.metric_approximate_number_of_messages_visible(period=five_minutes),
            threshold=0,
            description="a run was not closed: close the one named in the dead letter by hand",
        )
        self._alarm(
            "NotSwept",
            workflow.sweeper.metric_not_swept(period=five_minutes),
            threshold=0,
            description="what runs left behind could not all be ended; the log of the function that sweeps says why",
        )
        self._alarm(
            "NotSettled",
            workflow.releases.metric_not_settled(),
            threshold=0,
            description="a change of what is live is half done; the log of the function that settles says why",
        )
        if dataset_checks is not None:
            self._alarm(
                "NotChecked",
                dataset_checks.metric_not_checked(period=five_minutes),
                threshold=0,
                description="a dataset was not checked: the dead letter names it, the function's log says why",
            )
        if promotion_notice is not None:
            self._alarm(
                "NotTold",
                promotion_notice.metric_not_told(period=five_minutes),
                threshold=0,
                description="GitHub did not take the notice of a promotion: start the workflow by hand",
            )

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float,
        description: str,
        evaluation_periods: int = 1,
        datapoints: int = 1,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=description,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            datapoints_to_alarm=datapoints,
            evaluation_periods=evaluation_periods,
            metric=metric,
            threshold=threshold,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(*self._actions)
