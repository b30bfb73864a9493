"""What Bedrock needs of the passed role, tried out before anything is trained.

The messages about S3 are the documented ones (user guide, "Troubleshooting model customization issues"); the others are
ours. PassRole, trust, dataset and output are checked while the job is created, so that they are the caller's error,
and again when it starts, because a policy can change while a job waits. Grader and key are checked when it starts:
nothing says when Bedrock finds out, and a job that fails is the later, more careful assumption.
"""

from botocore.exceptions import BotoCoreError, ClientError

from rft_local.bedrock.emulator_client import SERVICE_PRINCIPAL, AccessRefused, EmulatorClient, RoleSession
from rft_local.bedrock.endpoint_settings import ACCOUNT, REGION
from rft_local.bedrock.requests import CreateJob
from rft_local.bedrock.s3_uri import S3Uri
from rft_local.bedrock.service_error import denied

_KEY_ACTIONS = ("kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt", "kms:CreateGrant")
_PROBE = ".write_access_check_file.tmp"


class RoleUnfit(Exception):
    """The role lacks something; the message says what."""


class RoleCheck:
    """Tries out a passed role.

    Args:
        emulator: The rest of AWS.
    """

    def __init__(self, emulator: EmulatorClient) -> None:
        self._emulator = emulator

    def pass_role(self, caller: str, role_arn: str) -> None:
        """Check that the caller may pass the role to Bedrock.

        Args:
            caller: ARN of the caller; empty when the request did not come through the emulator, which evaluates IAM.
            role_arn: The role.

        Raises:
            ServiceError: AccessDeniedException, in IAM's usual words.
        """
        if not caller:
            return
        context = {"iam:PassedToService": SERVICE_PRINCIPAL}
        decision = self._emulator.decide(caller, "iam:PassRole", role_arn, context)
        if not decision.allowed:
            raise denied(
                f"User: {caller} is not authorized to perform: iam:PassRole on resource: {role_arn} "
                f"with iam:PassedToService {SERVICE_PRINCIPAL}: {decision.reason}"
            )

    def session(self, role_arn: str, job_arn: str) -> RoleSession:
        """Assume the role for a job.

        Raises:
            RoleUnfit: When its trust policy does not let Bedrock assume it for this job.
        """
        try:
            return self._emulator.session(role_arn, job_arn)
        except AccessRefused as refusal:
            raise RoleUnfit(f"Amazon Bedrock could not assume the role {role_arn}: {refusal}") from None

    def storage(self, session: RoleSession, request: CreateJob) -> None:
        """Check that the role can read every dataset and write the output.

        Raises:
            RoleUnfit: With the service's documented message.
        """
        training = request.training_data_config.s3_uri
        for uri in (*((training,) if training else ()), *request.validation_uris):
            check_readable(session, S3Uri.parse(uri))
        probe = S3Uri.parse(request.output_data_config.s3_uri).below(_PROBE)
        try:
            session.s3.put_object(Bucket=probe.bucket, Key=probe.key, Body=b"")
        except (ClientError, BotoCoreError) as error:
            raise RoleUnfit(
                "Amazon S3 perms missing (PutObject): Could not validate PutObject permissions to access S3 bucket: "
                f"{probe.bucket} at key {probe.key} ({error})"
            ) from None
        self._emulator.delete_object(probe.bucket, probe.key)

    def grader(self, session: RoleSession, lambda_arn: str) -> None:
        """Check that the role may invoke the reward function, without running it.

        Raises:
            RoleUnfit: When it may not, or there is no such function.
        """
        try:
            session.functions.invoke(FunctionName=lambda_arn, InvocationType="DryRun")
        except (ClientError, BotoCoreError) as error:
            raise RoleUnfit(f"Could not validate InvokeFunction permissions for {lambda_arn}: {error}") from None

    def key(self, role_arn: str, key: str) -> None:
        """Check that the role may use the key of the custom model through Bedrock.

        Raises:
            RoleUnfit: Naming the first action that is missing.
        """
        for action in _KEY_ACTIONS:
            context = {"kms:ViaService": f"bedrock.{REGION}.amazonaws.com"}
            decision = self._emulator.decide(role_arn, action, key_arn(key), context)
            if not decision.allowed:
                raise RoleUnfit(f"The role {role_arn} lacks {action} on {key}: {decision.reason}")


def check_readable(session: RoleSession, uri: S3Uri) -> None:
    """Check that the role can read an object.

    Raises:
        RoleUnfit: With the service's documented message.
    """
    try:
        session.s3.get_object(Bucket=uri.bucket, Key=uri.key, Range="bytes=0-0")["Body"].close()
    except (ClientError, BotoCoreError) as error:
        raise RoleUnfit(
            f"Could not validate GetObject permissions to access Amazon S3 bucket: {uri.bucket} at key {uri.key} "
            f"({error})"
        ) from None


def key_arn(key: str) -> str:
    """Return the ARN that a key id, alias or ARN stands for in this account."""
    if key.startswith("arn:"):
        return key
    return f"arn:aws:kms:{REGION}:{ACCOUNT}:{key if key.startswith('alias/') else f'key/{key}'}"
