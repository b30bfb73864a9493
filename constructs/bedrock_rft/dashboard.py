"""What people look at while a run trains."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from bedrock_rft.reward_function import RewardFunctionBase
from bedrock_rft.workflow_base import RftWorkflowBase
from rft_contract.metrics import NAMESPACE, Dimension, MetricName

_WIDE = 24
_HALF = 12


class RftDashboard(Construct):
    """A CloudWatch dashboard: the curves of current runs, the rewards, their functions, the workflow.

    Curves come from the reward functions themselves, since Bedrock publishes none for its jobs. A run's name is not
    known at deploy time, so its curves are found by search.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        dashboard_name: str,
        rewards: Sequence[RewardFunctionBase],
        workflow: RftWorkflowBase | sfn.IStateMachine,
    ) -> None:
        """Define the dashboard.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            dashboard_name: The name under which people find it, unique in the account.
            rewards: Reward functions to show.
            workflow: Workflow to show, or a state machine of yours that trains.
        """
        super().__init__(scope, construct_id)
        self.dashboard = cloudwatch.Dashboard(self, "Resource", dashboard_name=dashboard_name)
        self.dashboard.add_widgets(
            _of_runs("Reward in training", MetricName.REWARD),
            _of_runs("Reward on validation data", MetricName.VALIDATION_REWARD),
        )
        self.dashboard.add_widgets(
            _of_runs("Share of right answers", MetricName.SUCCESS),
            _of_runs("Length of completions, characters", MetricName.COMPLETION_CHARACTERS),
        )
        self.dashboard.add_widgets(
            _graph("Reward by reward function", [reward.metric_reward() for reward in rewards]),
            _graph("Not gradable, %", [reward.metric_invalid_share() for reward in rewards]),
        )
        self.dashboard.add_widgets(
            _graph("Reward function duration p95, ms", [r.function.metric_duration(statistic="p95") for r in rewards]),
            _graph(
                "Reward function errors and throttles",
                [metric for r in rewards for metric in (r.function.metric_errors(), r.function.metric_throttles())],
            ),
        )
        machine = workflow.state_machine if isinstance(workflow, RftWorkflowBase) else workflow
        self.dashboard.add_widgets(
            _graph(
                "Runs",
                [
                    machine.metric_started(),
                    machine.metric_succeeded(),
                    machine.metric_failed(),
                    machine.metric_aborted(),
                ],
                width=_WIDE,
            )
        )


def _of_runs(title: str, name: MetricName) -> cloudwatch.GraphWidget:
    """Return a graph with one curve for each run that emitted the metric lately."""
    search = f"SEARCH('{{{NAMESPACE},{Dimension.RUN}}} MetricName=\"{name}\"', 'Average')"
    expression = cloudwatch.MathExpression(expression=search, using_metrics={}, label="", period=Duration.minutes(1))
    return _graph(title, [expression])


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric], *, width: int = _HALF) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=width, height=6)
