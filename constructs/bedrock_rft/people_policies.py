"""What people may do in an environment: four managed policies."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from bedrock_rft.constraints import BEDROCK_IDS, EXECUTIONS, NO_RESOURCE_LEVEL, OBJECTS, STACK_NAMES
from bedrock_rft.dashboard import RftDashboard
from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.invocation_log_sampler_base import InvocationLogSamplerBase
from bedrock_rft.key import RftKeyBase
from bedrock_rft.live_deployments import deployments_arn
from bedrock_rft.nag import Constraint, acknowledge_wildcards
from bedrock_rft.reward_function import LIVE, RewardFunctionBase
from bedrock_rft.run_grants import RunGrants, grant_read_outputs
from bedrock_rft.workflow import RftWorkflow
from rft_contract.layout import CERTIFICATES, LOG_SAMPLES, RUNS

_RECORD = f"{RUNS}*/run.json"
_REPORTS = (f"{RUNS}*/report.json", f"{RUNS}*/report.md")
_PROGRESS = (f"{RUNS}*/job/*", f"{RUNS}*/shards.jsonl")
_DECISION = f"{RUNS}*/decision.json"

_MOST_REWARDS = 12
"""Each takes up to 240 of a policy's characters (IAM user guide, "IAM and AWS STS quotas")."""


class PeoplePolicies(Construct):
    """Managed policies `<stack>-Author`, `-Operator`, `-Approver` and `-Auditor`; nobody has them until you say so.

    | Policy | May | Reads of people's text |
    |---|---|---|
    | Author | bring datasets, certify and grade rewards, sample logs, start runs | everything the environment keeps |
    | Operator | start and stop runs, see how they do, roll a line back | datasets, examples in reports |
    | Approver | read reports and evidence, verify it, roll a line back | examples in reports |
    | Auditor | read configuration, evidence, logs of functions and of access; changes nothing | none |

    No policy deploys, writes releases, deletes anything, or touches what is live but by a rollback, which puts back
    what was released before. `rft empty`, `teardown` and whatever has `--delete` are for administrators.

    Attach them by name: in IAM Identity Center as customer managed policies of a permission set, else to a role. Names
    are fixed, so that the permission set knows them before the stack is there.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        workflow: RftWorkflow,
        datasets: DatasetBucketBase,
        key: RftKeyBase,
        rewards: Sequence[RewardFunctionBase],
        dashboard: RftDashboard,
        log_sampler: InvocationLogSamplerBase | None = None,
        authors_start_runs: bool = True,
        name_prefix: str | None = None,
    ) -> None:
        """Define the policies.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            workflow: Runs, releases, and the functions that end and roll back.
            datasets: Where everything lies.
            key: Encrypts it.
            rewards: The environment's reward functions.
            dashboard: What `rft report` draws.
            log_sampler: What samples production's logs. Default: - none.
            authors_start_runs: Whether authors start runs and keep certificates. Where not, authors bring datasets, and
                pipelines and operators start what was agreed on: with `promote: true` a run changes what is live.
                Default: True.
            name_prefix: Put before the policies' names, with a dash. Default: - the stack's name.

        Raises:
            ValueError: When there are more reward functions than a policy can name.
        """
        super().__init__(scope, construct_id)
        if len(rewards) > _MOST_REWARDS:
            raise ValueError(
                f"rewards: got {len(rewards)}, wanted at most {_MOST_REWARDS}, since IAM takes 6,144 characters a "
                "policy; leave these policies out and write your own"
            )
        self._workflow, self._datasets, self._key, self._dashboard = workflow, datasets, key, dashboard
        self._rewards = tuple(rewards)
        self._runs = RunGrants(workflow=workflow, datasets=datasets, key=key, rewards=rewards)
        prefix = name_prefix or Stack.of(self).stack_name

        def policy(name: str) -> iam.ManagedPolicy:
            # No description: it cannot be changed without replacing the policy, which a fixed name forbids.
            return iam.ManagedPolicy(self, name, managed_policy_name=f"{prefix}-{name}")

        self.author = policy("Author")
        self.operator = policy("Operator")
        self.approver = policy("Approver")
        self.auditor = policy("Auditor")
        for one in self.all:
            self._see_runs(one)
        for one in (self.author, self.operator, self.approver):
            self._read_reports(one)
        self._write_and_try(self.author, log_sampler, starts=authors_start_runs)
        self._operate(self.operator)
        workflow.grant_rollback(self.approver)
        self._audit(self.auditor)

    @property
    def all(self) -> tuple[iam.ManagedPolicy, ...]:
        """Every policy."""
        return (self.author, self.operator, self.approver, self.auditor)

    def _see_runs(self, policy: iam.ManagedPolicy) -> None:
        """Let everybody see which runs and releases there are, and verify these: nothing of that is people's text."""
        machine = self._workflow.state_machine
        grant_read_outputs(policy, self, self._workflow.stack_name)
        _grant(policy, ["states:ListExecutions"], [machine.state_machine_arn])
        _grant(policy, ["lambda:GetFunctionConfiguration"], [one.function.function_arn for one in self._rewards])
        self._datasets.grant_list(policy)
        self._datasets.grant_get(policy, _RECORD)
        self._workflow.grant_read_evidence(policy)

    def _read_reports(self, policy: iam.ManagedPolicy) -> None:
        """Let a person read reports, which quote examples, with the dashboard that is drawn beside them."""
        self._datasets.grant_get(policy, *_REPORTS)
        _grant(policy, ["cloudwatch:GetDashboard"], [self._dashboard.dashboard.dashboard_arn])
        _grant(policy, ["cloudwatch:GetMetricData"], ["*"], NO_RESOURCE_LEVEL)

    def _write_and_try(
        self, policy: iam.ManagedPolicy, log_sampler: InvocationLogSamplerBase | None, *, starts: bool
    ) -> None:
        self._runs.grant_prepare(policy)
        self._datasets.grant_get(policy, f"{RUNS}*", f"{CERTIFICATES}*", f"{LOG_SAMPLES}*")
        functions = [one.function.function_arn for one in self._rewards]
        _grant(policy, ["lambda:GetFunction"], functions)
        if starts:
            lives = [f"{arn}:{LIVE}" for arn in functions]
            _grant(policy, ["lambda:GetFunction", "lambda:InvokeFunction"], lives)
            self._datasets.grant_put(policy, f"{CERTIFICATES}*")
            self._workflow.grant_start(policy)
        if log_sampler is not None:
            log_sampler.grant_start(policy)
            samples = self._executions(log_sampler.state_machine_name)
            _grant(policy, ["states:DescribeExecution"], [samples], EXECUTIONS)

    def _operate(self, policy: iam.ManagedPolicy) -> None:
        self._runs.grant_run(policy)
        executions = self._executions(self._workflow.state_machine.state_machine_name)
        _grant(policy, ["states:StopExecution"], [executions], EXECUTIONS)
        _grant(policy, ["lambda:InvokeFunction"], [self._workflow.handlers.close.function.function_arn])
        self._workflow.grant_rollback(policy)
        self._datasets.grant_get(policy, *_PROGRESS)
        self._watch(policy)

    def _audit(self, policy: iam.ManagedPolicy) -> None:
        access_logs = self._datasets.access_logs
        buckets = [self._datasets.bucket, *([access_logs] if access_logs else [])]
        settings = (
            "GetBucketLogging GetBucketPolicy GetBucketPublicAccessBlock GetBucketVersioning "
            "GetEncryptionConfiguration GetLifecycleConfiguration"
        )
        _grant(policy, [f"s3:{name}" for name in settings.split()], [bucket.bucket_arn for bucket in buckets])
        if access_logs is not None:
            _grant(policy, ["s3:ListBucket"], [access_logs.bucket_arn])
            _grant(policy, ["s3:GetObject"], [access_logs.arn_for_objects("*")], OBJECTS)
        keys = [self._key.key.key_arn, self._workflow.releases.release_key.key.key_arn]
        _grant(policy, ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus"], keys)
        functions = self._named("lambda", "function")
        configuration = ["lambda:GetFunctionConfiguration", "lambda:GetPolicy"]
        _grant(policy, configuration, [functions], STACK_NAMES)
        self._datasets.grant_get(policy, _DECISION)
        self._watch(policy)

    def _watch(self, policy: iam.ManagedPolicy) -> None:
        """Let a person read logs, see alarms, and list what Bedrock keeps for the environment."""
        groups = self._named("logs", "log-group")
        reading = ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"]
        _grant(policy, reading, [f"{groups}:*"], STACK_NAMES)
        _grant(policy, ["cloudwatch:DescribeAlarms"], [self._named("cloudwatch", "alarm")], STACK_NAMES)
        listings = ["bedrock:ListCustomModelDeployments", "bedrock:ListCustomModels"]
        _grant(policy, listings, ["*"], NO_RESOURCE_LEVEL)
        models = Stack.of(self).format_arn(service="bedrock", resource="custom-model", resource_name="*")
        _grant(policy, ["bedrock:ListTagsForResource"], [models, deployments_arn(self)], BEDROCK_IDS)

    def _executions(self, machine: str) -> str:
        return Stack.of(self).format_arn(
            service="states",
            resource="execution",
            resource_name=f"{machine}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _named(self, service: str, resource: str) -> str:
        """Return the pattern of resources that CloudFormation named after the stack."""
        stack = Stack.of(self)
        return stack.format_arn(
            service=service,
            resource=resource,
            resource_name=f"{stack.stack_name}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )


def _grant(
    policy: iam.ManagedPolicy, actions: Sequence[str], resources: Sequence[str], reason: Constraint | None = None
) -> None:
    """Allow actions; a reason answers the wildcards in the resources' names."""
    iam.Grant.add_to_principal(grantee=policy, actions=list(actions), resource_arns=list(resources))
    if reason is not None:
        acknowledge_wildcards(policy, resources, reason=reason)
