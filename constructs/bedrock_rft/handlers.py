"""The workflow's Lambda functions and exactly what each may do."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from bedrock_rft.customization_role import CustomizationRole
from bedrock_rft.dataset_bucket import DatasetBucket
from bedrock_rft.handler import Handler, handler_code
from bedrock_rft.handler_platform import HandlerPlatform
from bedrock_rft.key import RftKeyBase
from bedrock_rft.live_deployments import deny_live
from bedrock_rft.nag import acknowledge, acknowledge_wildcards
from bedrock_rft.reward_function import RewardFunctionBase
from rft_contract.layout import CERTIFICATES, DATASETS, OPEN_RUNS, RELEASES, RUNS
from rft_contract.recipe_sections import GUARD
from rft_contract.settings import FunctionEnvironment

_OF_RUNS = "each run looks at the reward through its own alias run-<id>, born at run time"
_METRICS = "cloudwatch:GetMetricData has no resource level, says the Service Authorization Reference"
_PREFLIGHT = "lists of jobs, models and quotas, and account settings, have no resource level; nothing is changed"
_BORN_LATER = "Bedrock chooses the ids of jobs, models and deployments at run time; recipes choose the base model"


class WorkflowHandlers(Construct):
    """Thirteen functions from one asset, each with its own role.

    Every handler reads and writes the records of runs. Those that make or delete deployments are denied the live ones.
    Beyond that:

    | Handler | Objects | Calls |
    |---|---|---|
    | plan | reads datasets and what is live | alias of each reward; looks at what runs need (preflight) |
    | validate | reads datasets, writes findings | looks at the rewards' code |
    | freeze | reads datasets, writes frozen data and the shard manifest | |
    | certify | reads frozen data, reads and writes certificates | rewards, whose code it looks at |
    | probe_start | reads training data, writes the probe's sample, data and shard manifest | |
    | probe_decide | reads training data and graded completions, writes the result and the job's training data | |
    | train_start | | creates customization jobs, passes their role |
    | train_poll | | looks at jobs and stops them; reads metrics |
    | deploy_start, deploy_poll | | creates deployments, looks at them |
    | rollout | reads held-out and probe data, writes graded completions | models, rewards |
    | decide | reads graded completions, writes the decision and the held-out set's uses | |
    | close | reads runs, writes reports | stops jobs, deletes deployments and aliases, publishes |
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_name: str,
        datasets: DatasetBucket,
        key: RftKeyBase,
        rewards: Sequence[RewardFunctionBase],
        customization_role: CustomizationRole,
        topic: sns.ITopic,
        platform: HandlerPlatform = HandlerPlatform.ARM64,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define the functions.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            environment_name: The environment's name.
            datasets: Where runs lie.
            key: Encrypts data, custom models and logs.
            rewards: The reward functions that runs may use.
            customization_role: What train_start passes to Bedrock.
            topic: Where close says how a run ended.
            platform: Where the functions run. Default: ARM64.
            log_retention: How long logs are kept. Default: one month.
            removal_policy: Of the log groups. Default: RETAIN.
        """
        super().__init__(scope, construct_id)
        self._datasets = datasets
        self._key = key
        code = handler_code(platform)

        def handler(module: str, *, seconds: int, memory_mib: int) -> Handler:
            made = Handler(
                self,
                "".join(word.capitalize() for word in module.split("_")),
                module=module,
                code=code,
                architecture=platform.architecture,
                environment=FunctionEnvironment(bucket=datasets.bucket.bucket_name, environment=environment_name),
                timeout=Duration.seconds(seconds),
                memory_mib=memory_mib,
                encryption_key=key.key,
                log_retention=log_retention,
                removal_policy=removal_policy,
            )
            datasets.grant_get_and_put(made.role, f"{RUNS}*/run.json")
            datasets.grant_list(made.role)
            key.grant_use(made.role)
            return made

        self.plan = handler("plan", seconds=120, memory_mib=512)
        # 1,769 MiB bring one whole processor (Lambda developer guide, "Configure memory"), which sets Validate's pace.
        self.validate = handler("validate", seconds=900, memory_mib=1769)
        self.freeze = handler("freeze", seconds=900, memory_mib=1024)
        self.certify = handler("certify", seconds=900, memory_mib=2048)
        self.probe_start = handler("probe_start", seconds=300, memory_mib=1024)
        # 20,000 prompts are a thousand objects to read, and 13 s of resampling on a whole processor.
        self.probe_decide = handler("probe_decide", seconds=600, memory_mib=1769)
        self.train_start = handler("train_start", seconds=60, memory_mib=512)
        self.train_poll = handler("train_poll", seconds=60, memory_mib=512)
        self.deploy_start = handler("deploy_start", seconds=60, memory_mib=512)
        self.deploy_poll = handler("deploy_poll", seconds=60, memory_mib=512)
        self.rollout = handler("rollout", seconds=900, memory_mib=1024)
        self.decide = handler("decide", seconds=300, memory_mib=1024)
        self.close = handler("close", seconds=300, memory_mib=1024)

        self._grant_objects()
        self._grant_training(customization_role)
        self._grant_deployment()
        self._grant_inference()
        self._grant_preflight(customization_role)
        for reward in rewards:
            reward.grant_create_run_alias(self.plan.role)
            reward.grant_look_at_concurrency(self.plan.role)
            for caller in (self.certify, self.rollout):
                reward.grant_invoke_runs(caller.role)
            self._grant_look_at_code(reward)
            reward.grant_delete_run_alias(self.close.role)
        # `topic.grant_publish` would add a wildcard on the key's actions; every handler may use the key already.
        iam.Grant.add_to_principal(grantee=self.close.role, actions=["sns:Publish"], resource_arns=[topic.topic_arn])

    @property
    def all(self) -> tuple[Handler, ...]:
        """Every handler, in the order of the workflow."""
        return (
            self.plan,
            self.validate,
            self.freeze,
            self.certify,
            self.probe_start,
            self.probe_decide,
            self.train_start,
            self.train_poll,
            self.deploy_start,
            self.deploy_poll,
            self.rollout,
            self.decide,
            self.close,
        )

    def _grant_objects(self) -> None:
        bucket = self._datasets
        for handler in (self.plan, self.validate, self.freeze):
            bucket.grant_get(handler.role, f"{DATASETS}*")
        bucket.grant_get(self.plan.role, f"{RELEASES}*/current.json")
        for handler in (self.plan, self.close):
            bucket.grant_put_and_delete(handler.role, f"{OPEN_RUNS}*")
        bucket.grant_put(self.validate.role, f"{RUNS}*/findings.json")
        bucket.grant_get_and_put(self.freeze.role, f"{RUNS}*/data/*")
        bucket.grant_put(self.freeze.role, f"{RUNS}*/evaluation/shards.jsonl")
        bucket.grant_get(self.certify.role, f"{RUNS}*/data/*")
        bucket.grant_get_and_put(self.certify.role, f"{CERTIFICATES}*")
        bucket.grant_get(self.probe_start.role, f"{RUNS}*/data/train.jsonl")
        bucket.grant_get_and_put(self.probe_start.role, f"{RUNS}*/data/probe.jsonl")
        bucket.grant_put(self.probe_start.role, f"{RUNS}*/probe/sample.json", f"{RUNS}*/probe/shards.jsonl")
        bucket.grant_get(
            self.probe_decide.role,
            f"{RUNS}*/data/train.jsonl",
            f"{RUNS}*/evaluation/graded/probe/*",
            f"{RUNS}*/probe/sample.json",
            f"{RUNS}*/probe/shards.jsonl",
        )
        bucket.grant_get_and_put(self.probe_decide.role, f"{RUNS}*/data/train.probed.jsonl")
        bucket.grant_put(self.probe_decide.role, f"{RUNS}*/probe.json")
        graded = [f"{RUNS}*/data/{name}.jsonl" for name in ("held_out", f"{GUARD}*", "probe")]
        bucket.grant_get(self.rollout.role, *graded)
        bucket.grant_put(self.rollout.role, f"{RUNS}*/evaluation/graded/*")
        bucket.grant_get(self.decide.role, f"{RUNS}*/evaluation/*")
        bucket.grant_put(self.decide.role, f"{RUNS}*/decision.json")
        bucket.grant_get_and_put(self.decide.role, f"{DATASETS}*/uses.json")
        bucket.grant_get(self.close.role, f"{RUNS}*")
        bucket.grant_put(self.close.role, f"{RUNS}*/report.json", f"{RUNS}*/report.md")

    def _grant_look_at_code(self, reward: RewardFunctionBase) -> None:
        arns = [reward.function.function_arn, reward.run_aliases_arn]
        for handler in (self.validate, self.certify):
            iam.Grant.add_to_principal(grantee=handler.role, actions=["lambda:GetFunction"], resource_arns=arns)
            acknowledge_wildcards(handler.role, arns, reason=_OF_RUNS)

    def _grant_training(self, customization_role: CustomizationRole) -> None:
        jobs, models = self._arn("model-customization-job"), self._arn("custom-model")
        bases = self._arn("foundation-model", account="")
        self._grant(self.train_start, ("CreateModelCustomizationJob",), bases, models, jobs)
        self._grant(self.train_start, ("TagResource",), models, jobs)
        self._grant(self.train_start, ("GetModelCustomizationJob", "ListTagsForResource"), jobs)
        customization_role.grant_pass(self.train_start.role)
        self._key.grant_customization(self.train_start.role)
        for handler in (self.train_poll, self.close):
            self._grant(handler, ("GetModelCustomizationJob", "StopModelCustomizationJob"), jobs)
        iam.Grant.add_to_principal(
            grantee=self.train_poll.role, actions=["cloudwatch:GetMetricData"], resource_arns=["*"]
        )
        acknowledge(self.train_poll.role, "AwsSolutions-IAM5[Resource::*]", reason=_METRICS)

    def _grant_preflight(self, customization_role: CustomizationRole) -> None:
        """Let Plan look, and nothing else: at models, jobs, quotas, the role that is passed to Bedrock, and the key."""
        plan = self.plan.role
        self._grant(self.plan, ("GetFoundationModel",), self._arn("foundation-model", account=""))
        self._grant(self.plan, ("GetInferenceProfile",), self._arn("inference-profile"))
        iam.Grant.add_to_principal(
            grantee=plan,
            actions=[
                "bedrock:ListModelCustomizationJobs",
                "bedrock:ListCustomModels",
                "servicequotas:ListServiceQuotas",
                "lambda:GetAccountSettings",
            ],
            resource_arns=["*"],
        )
        acknowledge(plan, "AwsSolutions-IAM5[Resource::*]", reason=_PREFLIGHT)
        iam.Grant.add_to_principal(
            grantee=plan,
            actions=["iam:GetRole", "iam:SimulatePrincipalPolicy"],
            resource_arns=[customization_role.role.role_arn],
        )
        iam.Grant.add_to_principal(grantee=plan, actions=["kms:DescribeKey"], resource_arns=[self._key.key.key_arn])

    def _grant_deployment(self) -> None:
        deployments = self._arn("custom-model-deployment")
        self._grant(self.deploy_start, ("CreateCustomModelDeployment",), self._arn("custom-model"), deployments)
        self._grant(self.deploy_start, ("TagResource", "GetCustomModelDeployment"), deployments)
        self._grant(self.deploy_poll, ("GetCustomModelDeployment",), deployments)
        self._grant(self.close, ("GetCustomModelDeployment", "DeleteCustomModelDeployment"), deployments)
        for handler in (self.deploy_start, self.close):
            deny_live(handler.role)

    def _grant_inference(self) -> None:
        # A geographic inference profile sends a request to any of its Regions, and needs the model allowed in each.
        bases = self._arn("foundation-model", account="", region="*")
        profiles, deployments = self._arn("inference-profile"), self._arn("custom-model-deployment")
        self._grant(self.rollout, ("InvokeModel",), bases, profiles, deployments)
        self._key.grant_invoke_model(self.rollout.role)

    def _arn(self, resource: str, *, account: str | None = None, region: str | None = None) -> str:
        """Return the pattern of every Bedrock resource of a kind."""
        return Stack.of(self).format_arn(
            service="bedrock",
            resource=resource,
            resource_name="*",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
            account=account,
            region=region,
        )

    def _grant(self, handler: Handler, actions: Sequence[str], *arns: str) -> None:
        names = [f"bedrock:{action}" for action in actions]
        iam.Grant.add_to_principal(grantee=handler.role, actions=names, resource_arns=list(arns))
        acknowledge_wildcards(handler.role, arns, reason=_BORN_LATER)
