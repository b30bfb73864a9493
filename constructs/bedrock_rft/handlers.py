"""The workflow's Lambda functions and exactly what each may do."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from bedrock_rft.constraints import BEDROCK_IDS, NO_RESOURCE_LEVEL, RUN_ALIASES
from bedrock_rft.customization_role import CustomizationRoleBase
from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.handler import Handler, handler_code
from bedrock_rft.handler_platform import HandlerPlatform
from bedrock_rft.key import RftKeyBase
from bedrock_rft.live_deployments import deny_live
from bedrock_rft.nag import acknowledge, acknowledge_wildcards
from bedrock_rft.network import RftNetwork
from bedrock_rft.reward_function import RewardFunctionBase
from bedrock_rft.tag_conditions import Conditions, belongs_to, creates_as
from bedrock_rft.topic import RftTopicBase, grant_publish
from rft_contract.layout import CERTIFICATES, DATASETS, HELD_OUT_USES, OPEN_RUNS, PLACES, RELEASES, RUNS
from rft_contract.recipe_sections import GUARD
from rft_contract.settings import FunctionEnvironment


class WorkflowHandlers(Construct):
    """Thirteen functions from one asset, each with its own role.

    Every handler reads and writes the records of runs. Those that make or delete deployments are denied the live ones.
    Beyond that:

    | Handler | Objects | Calls |
    |---|---|---|
    | plan | reads datasets and what is live, takes a place | aliases of rewards; looks at what runs need (preflight) |
    | validate | reads datasets, writes findings | looks at the rewards' code |
    | freeze | reads datasets, writes frozen data and the shard manifest | |
    | certify | reads frozen data, reads and writes certificates | rewards, whose code it looks at |
    | probe_start | reads training data, writes the probe's sample, data and shard manifest | |
    | probe_decide | reads training data and graded completions, writes the result and the job's training data | |
    | train_start | | creates customization jobs, passes their role; reads metrics |
    | train_poll | | looks at jobs and stops them; reads metrics |
    | deploy_start, deploy_poll | | creates deployments, looks at them |
    | rollout | reads held-out and probe data, writes graded completions | models, rewards |
    | decide | reads graded completions, writes the decision and the held-out set's uses | reads metrics |
    | close | reads runs, writes reports, gives the place back | stops jobs, deletes deployments, aliases; publishes |
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_name: str,
        datasets: DatasetBucketBase,
        key: RftKeyBase,
        rewards: Sequence[RewardFunctionBase],
        customization_role: CustomizationRoleBase,
        topic: RftTopicBase | sns.ITopic,
        platform: HandlerPlatform = HandlerPlatform.ARM64,
        network: RftNetwork | None = None,
        reserved_concurrency: int | None = None,
        rollout_concurrency: int | None = None,
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
            network: Where they run. Default: - outside of any VPC.
            reserved_concurrency: Calls at once, set aside for each function but rollout. Default: - the account's pool.
            rollout_concurrency: The same for rollout. Default: - the account's pool.
            log_retention: How long logs are kept. Default: one month.
            removal_policy: Of the log groups. Default: RETAIN.

        Raises:
            ValueError: When a plain SNS topic is known to encrypt with another key.
        """
        super().__init__(scope, construct_id)
        self._datasets = datasets
        self._key = key
        self._makes, self._ours = creates_as(environment_name), belongs_to(environment_name)
        code = handler_code(platform)

        def handler(
            module: str, *, seconds: int, memory_mib: int, calls_at_once: int | None = reserved_concurrency
        ) -> Handler:
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
                network=network,
                reserved_concurrency=calls_at_once,
                log_retention=log_retention,
                removal_policy=removal_policy,
            )
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
        self.rollout = handler("rollout", seconds=900, memory_mib=1024, calls_at_once=rollout_concurrency)
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
        grant_publish(topic, self.close.role, may_use=key)

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
        bucket, record = self._datasets, f"{RUNS}*/run.json"
        for handler in self.all:
            if handler is self.close:  # it reads every object of a run
                bucket.grant_put(handler.role, record)
            else:  # rollout writes only what went wrong in a shard, so no run that goes well shows it
                bucket.grant_get_and_put(handler.role, record)
        for handler in (self.plan, self.validate, self.freeze):
            bucket.grant_get(handler.role, f"{DATASETS}*")
        bucket.grant_get(self.plan.role, f"{RELEASES}*/current.json")
        for handler in (self.plan, self.close):  # who closes a run that Plan never came to makes its record
            bucket.grant_put_and_delete(handler.role, f"{OPEN_RUNS}*")
            bucket.grant_get_and_put(handler.role, PLACES)
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
        bucket.grant_put_tagged(self.rollout.role, f"{RUNS}*/evaluation/graded/*")
        bucket.grant_get(self.decide.role, f"{RUNS}*/data/held_out.jsonl", f"{RUNS}*/evaluation/*")
        bucket.grant_put(self.decide.role, f"{RUNS}*/decision.json")
        bucket.grant_get_and_put(self.decide.role, f"{DATASETS}*/{HELD_OUT_USES}")
        bucket.reserve_held_out_uses(self.decide.role)
        bucket.grant_get(self.close.role, f"{RUNS}*")
        bucket.grant_put(self.close.role, f"{RUNS}*/report.json", f"{RUNS}*/report.md")

    def _grant_look_at_code(self, reward: RewardFunctionBase) -> None:
        arns = [reward.function.function_arn, reward.run_aliases_arn]
        for handler in (self.validate, self.certify):
            iam.Grant.add_to_principal(grantee=handler.role, actions=["lambda:GetFunction"], resource_arns=arns)
            acknowledge_wildcards(handler.role, arns, reason=RUN_ALIASES)

    def _grant_training(self, customization_role: CustomizationRoleBase) -> None:
        jobs, models = self._arn("model-customization-job"), self._arn("custom-model")
        bases = self._arn("foundation-model", account="")
        self._grant(self.train_start, ("CreateModelCustomizationJob",), bases, models, jobs, only=self._makes)
        self._grant(self.train_start, ("TagResource",), models, jobs, only=self._makes)
        self._grant(self.train_start, ("GetModelCustomizationJob", "ListTagsForResource"), jobs)
        customization_role.grant_pass(self.train_start.role)
        self._key.grant_customization(self.train_start.role)
        for handler in (self.train_poll, self.close):
            self._grant(handler, ("GetModelCustomizationJob",), jobs)
            self._grant(handler, ("StopModelCustomizationJob",), jobs, only=self._ours)
        for handler in (self.train_start, self.train_poll, self.decide):
            iam.Grant.add_to_principal(grantee=handler.role, actions=["cloudwatch:GetMetricData"], resource_arns=["*"])
            acknowledge(handler.role, "AwsSolutions-IAM5[Resource::*]", reason=NO_RESOURCE_LEVEL)

    def _grant_preflight(self, customization_role: CustomizationRoleBase) -> None:
        """Let Plan look, and nothing else: at models, jobs, quotas, the role that is passed to Bedrock, and the key."""
        plan = self.plan.role
        self._grant(self.plan, ("GetFoundationModel",), self._arn("foundation-model", account=""))
        self._grant(self.plan, ("GetInferenceProfile",), self._arn("inference-profile"))
        iam.Grant.add_to_principal(
            grantee=plan,
            actions=[
                "bedrock:ListModelCustomizationJobs",
                "bedrock:ListCustomModels",
                "bedrock:ListCustomModelDeployments",
                "cloudwatch:GetMetricData",
                "servicequotas:ListServiceQuotas",
                "lambda:GetAccountSettings",
            ],
            resource_arns=["*"],
        )
        acknowledge(plan, "AwsSolutions-IAM5[Resource::*]", reason=NO_RESOURCE_LEVEL)
        iam.Grant.add_to_principal(
            grantee=plan,
            actions=["iam:GetRole", "iam:SimulatePrincipalPolicy"],
            resource_arns=[customization_role.role.role_arn],
        )
        iam.Grant.add_to_principal(grantee=plan, actions=["kms:DescribeKey"], resource_arns=[self._key.key.key_arn])

    def _grant_deployment(self) -> None:
        deployments = self._arn("custom-model-deployment")
        both = {"StringEquals": {**self._makes["StringEquals"], **self._ours["StringEquals"]}}
        self._grant(self.deploy_start, ("CreateCustomModelDeployment",), self._arn("custom-model"), only=both)
        self._grant(self.deploy_start, ("CreateCustomModelDeployment", "TagResource"), deployments, only=self._makes)
        for handler in (self.deploy_start, self.deploy_poll, self.close):
            self._grant(handler, ("GetCustomModelDeployment",), deployments)
        self._grant(self.close, ("DeleteCustomModelDeployment",), deployments, only=self._ours)
        for handler in (self.deploy_start, self.close):
            deny_live(handler.role)

    def _grant_inference(self) -> None:
        # A geographic inference profile sends a request to any of its Regions, and needs the model allowed in each.
        bases = self._arn("foundation-model", account="", region="*")
        profiles, deployments = self._arn("inference-profile"), self._arn("custom-model-deployment")
        self._grant(self.rollout, ("InvokeModel",), bases, profiles)
        self._grant(self.rollout, ("InvokeModel",), deployments, only=self._ours)
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

    def _grant(self, handler: Handler, actions: Sequence[str], *arns: str, only: Conditions | None = None) -> None:
        names = [f"bedrock:{action}" for action in actions]
        iam.Grant.add_to_principal(
            grantee=handler.role, actions=names, resource_arns=list(arns), conditions=dict(only or {})
        )
        acknowledge_wildcards(handler.role, arns, reason=BEDROCK_IDS)
