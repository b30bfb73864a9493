"""One step of the workflow: a Lambda function and the state that calls it."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from bedrock_rft._assets import assemble, package_files
from bedrock_rft.constraints import VERSIONS
from bedrock_rft.handler_platform import HandlerPlatform
from bedrock_rft.nag import acknowledge_wildcards
from bedrock_rft.network import RftNetwork
from bedrock_rft.third_party import handlers_lock, third_party
from bedrock_rft.versioned_function import VersionedFunction
from rft_contract.settings import FunctionEnvironment

TRANSIENT = (
    "Transient",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeoutException",
)
"""Errors worth another attempt: Lambda's own, and what handlers raise when AWS stays throttled or unavailable."""

LOST = ("Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout", "States.Timeout")
"""A call whose process ended before its answer, for want of time or memory most often (Step Functions developer guide,
"Handling errors"). Handlers may be called again without harm, however far they came."""

_PACKAGES = ("rft_contract", "rft_rewards", "rft_dataset", "rft_runtime", "rft_handlers")


def handler_code(platform: HandlerPlatform) -> lambda_.Code:
    """Return the one asset that all workflow handlers share.

    Args:
        platform: Where they run.

    Raises:
        AssetError: When third-party packages are not cached and cannot be fetched.
    """
    files = {name: content for package in _PACKAGES for name, content in package_files(package).items()}
    return lambda_.Code.from_asset(str(assemble(files, onto=[third_party(handlers_lock(), platform)])))


class Handler(Construct):
    """A workflow handler: its function, with its own role and log group, and the tasks that invoke it.

    Tasks call the current version, not the function, so that a running execution keeps the code it began with.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        module: str,
        code: lambda_.Code,
        architecture: lambda_.Architecture,
        environment: FunctionEnvironment,
        timeout: Duration,
        memory_mib: int,
        role: iam.IRole | None = None,
        encryption_key: kms.IKey | None = None,
        network: RftNetwork | None = None,
        reserved_concurrency: int | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define a handler.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            module: The module of `rft_handlers` whose `handler` it runs.
            code: What `handler_code` returned.
            architecture: Machine that the code is for.
            environment: The function's variables.
            timeout: Longest call, at most 15 minutes.
            memory_mib: Memory, MiB.
            role: A role of yours that trusts Lambda, for this function alone; it gets the rights that it needs.
                Default: - a new one.
            encryption_key: Encrypts its logs. Default: - a key of AWS.
            network: Where it runs. Default: - outside of any VPC.
            reserved_concurrency: Calls at once, set aside for it. Default: - the account's pool.
            log_retention: How long its logs are kept. Default: one month.
            removal_policy: Of its log group. Default: RETAIN.
        """
        super().__init__(scope, construct_id)
        self._timeout = timeout
        self._function = VersionedFunction(
            self,
            "Function",
            description=f"Reinforcement fine-tuning workflow: {module}",
            code=code,
            handler=f"rft_handlers.{module}.handler",
            architecture=architecture,
            timeout=timeout,
            memory_mib=memory_mib,
            environment=environment.to_variables(),
            role=role,
            encryption_key=encryption_key,
            network=network,
            reserved_concurrency=reserved_concurrency,
            log_retention=log_retention,
            removal_policy=removal_policy,
        )
        self.function = self._function.function
        self.role = self._function.role
        self.log_group = self._function.log_group

    def task(
        self,
        scope: Construct,
        state: str,
        *,
        payload: Mapping[str, object],
        attempts: int = 6,
        attempts_when_lost: int = 2,
    ) -> tasks.LambdaInvoke:
        """Return a state that calls the handler, tries again after transient errors and lost calls, and has a timeout.

        The handler's result becomes the state's output.

        Args:
            scope: Where the state belongs.
            state: Name of the state.
            payload: The handler's event; values may be paths.
            attempts: How often it is called again after what is transient by name, with waits that grow to 2 minutes.
                Default: 6.
            attempts_when_lost: How often after a call that ran out of time or memory; one that always does costs its
                whole timeout each time. Default: 2, as Lambda repeats asynchronous calls.
        """
        task = tasks.LambdaInvoke(
            scope,
            state,
            lambda_function=self._function.version,
            payload=sfn.TaskInput.from_object(dict(payload)),
            payload_response_only=True,
            retry_on_service_exceptions=False,
            task_timeout=sfn.Timeout.duration(self._timeout.plus(Duration.seconds(30))),
        )
        for errors, most in ((TRANSIENT, attempts), (LOST, attempts_when_lost)):
            task.add_retry(
                errors=list(errors),
                interval=Duration.seconds(2),
                backoff_rate=2,
                max_attempts=most,
                max_delay=Duration.minutes(2),
                jitter_strategy=sfn.JitterType.FULL,
            )
        return task

    def grant_invoke_versions(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal call every version of the function."""
        arn = f"{self.function.function_arn}:*"
        grant = iam.Grant.add_to_principal(grantee=grantee, actions=["lambda:InvokeFunction"], resource_arns=[arn])
        acknowledge_wildcards(grantee, [arn], reason=VERSIONS)
        return grant
