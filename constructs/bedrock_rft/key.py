"""The environment's KMS key."""

import json
from collections.abc import Mapping, Sequence

from aws_cdk import Annotations, ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

_USE = ("kms:Decrypt", "kms:GenerateDataKey")


class RftKeyBase(Construct):
    """A key and who may use it for what."""

    key: kms.IKey

    def grant_use(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read and write what the key encrypts (objects, messages)."""
        return self._grant(grantee, _USE, {})

    def grant_decrypt(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read what the key encrypts, and write nothing."""
        return self._grant(grantee, ("kms:Decrypt",), {})

    def grant_dataset_access(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read and write encrypted objects, through S3 alone."""
        return self._grant_through("s3", grantee, _USE)

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read encrypted objects, through S3 alone."""
        return self._grant_through("s3", grantee, ("kms:Decrypt",))

    def grant_write(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal write encrypted objects in one piece each, and read none, through S3 alone."""
        return self._grant_through("s3", grantee, ("kms:GenerateDataKey",))

    def grant_customization(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal create a custom model that the key encrypts.

        Source: Bedrock user guide, "Encryption of model customization jobs and artifacts".
        """
        return self._grant_through("bedrock", grantee, (*_USE, "kms:DescribeKey", "kms:CreateGrant"))

    def grant_state_machine(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a state machine's role encrypt the machine's definition, history and logs.

        Source: Step Functions developer guide, "Data at rest encryption".
        """
        stack = Stack.of(self)
        machines = stack.format_arn(
            service="states", resource="stateMachine", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        history = self._grant(
            grantee, _USE, {"ArnLike": {"kms:EncryptionContext:aws:states:stateMachineArn": machines}}
        )
        logs = {"StringEquals": {"kms:EncryptionContext:SourceArn": _log_delivery(stack)}}
        return history.combine(self._grant(grantee, ("kms:GenerateDataKey",), logs))

    def grant_invoke_model(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal call a custom model that the key encrypts. Source: as for `grant_customization`."""
        return self._grant_through("bedrock", grantee, ("kms:Decrypt",))

    def grant_publish(self, grantee: iam.IGrantable, topic_arn: str) -> iam.Grant:
        """Let a principal publish to a topic that the key encrypts, and use the key for no other.

        Source: SNS developer guide, "Key management"; Amazon GameLift Servers FlexMatch guide, "Set up an SNS topic
        with server-side encryption", for the encryption context.

        Args:
            grantee: Who.
            topic_arn: The topic.
        """
        return self._grant(grantee, _USE, {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": topic_arn}})

    def grant_read_workflow(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read the definition of a state machine that the key encrypts, through Step Functions alone.

        Source: Step Functions API reference, `DescribeStateMachine`: callers need `kms:Decrypt`.
        """
        return self._grant_through("states", grantee, ("kms:Decrypt",))

    def _grant_through(self, service: str, grantee: iam.IGrantable, actions: Sequence[str]) -> iam.Grant:
        region = Stack.of(self).region
        return self._grant(grantee, actions, {"StringEquals": {"kms:ViaService": f"{service}.{region}.amazonaws.com"}})

    def _grant(
        self, grantee: iam.IGrantable, actions: Sequence[str], conditions: Mapping[str, Mapping[str, object]]
    ) -> iam.Grant:
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=list(actions), resource_arns=[self.key.key_arn], conditions=dict(conditions)
        )


class RftKey(RftKeyBase):
    """One key for everything an environment keeps: datasets, custom models, logs, messages.

    Rotation is on. Deleting the key means losing every custom model that it encrypts.

    | Principal | Actions | Condition | Why | Where |
    |---|---|---|---|---|
    | the account | `kms:*` | | policies of the account's principals decide | key policy |
    | `logs.<region>` | Encrypt, Decrypt, ReEncrypt*, GenerateDataKey*, DescribeKey | encryption context names a log group of this account and Region | encrypted log groups | key policy |
    | `delivery.logs` | Decrypt | encryption context names log delivery of this account and Region | logs of the encrypted state machine | key policy |
    | `cloudwatch` | Decrypt, GenerateDataKey | SourceAccount, SourceArn: alarms of this account and Region | alarms publish to the encrypted topic | key policy |
    | all but `administrators` | deny ScheduleKeyDeletion, DisableKey | principal ARN | only when `administrators` are given | key policy |
    | Bedrock's service role | Decrypt, GenerateDataKey, DescribeKey, CreateGrant | ViaService Bedrock | custom models | `grant_customization` |
    | who starts the job | the same | ViaService Bedrock | custom models | `grant_customization` |
    | callers of a custom model | Decrypt | ViaService Bedrock | inference | `grant_invoke_model` |
    | Bedrock's service role | Decrypt, GenerateDataKey | ViaService S3 | training data and results | `grant_dataset_access` |
    | the state machine | Decrypt, GenerateDataKey | encryption context names a state machine, or log delivery, of this account and Region | definition, history, logs | `grant_state_machine` |
    | who publishes | Decrypt, GenerateDataKey | encryption context names the topic | messages | `grant_publish` |
    | who plans runs | Decrypt | ViaService Step Functions | the state machine's definition | `grant_read_workflow` |
    | who verifies releases | Decrypt | ViaService S3 | evidence | `grant_read` |
    | who samples logs | GenerateDataKey | ViaService S3 | shards | `grant_write` |
    | handlers | Decrypt, GenerateDataKey | | objects and messages | `grant_use` |
    | the sweeper | Decrypt | | objects, which it only reads | `grant_decrypt` |

    EventBridge is not among them: no rule delivers to an encrypted target here, and its calls to KMS carry neither
    SourceAccount nor SourceArn (SNS developer guide, "Key management"), so such a statement could not be confined.
    """  # noqa: E501  # a table row cannot be broken

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        administrators: Sequence[str] = (),
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define the key.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            administrators: ARNs of the roles that may delete or disable the key, `*` allowed. Default: - no such
                denial: whoever IAM allows. Give the role with which CloudFormation deploys if it shall remove the key.
            removal_policy: What happens when the key leaves the stack. Default: RETAIN.
        """
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Resource",
            description="Datasets, custom models, logs and messages of reinforcement fine-tuning",
            enable_key_rotation=True,
            removal_policy=removal_policy,
        )
        for statement in _service_statements(Stack.of(self)):
            self.key.add_to_resource_policy(statement)
        if administrators:
            self.key.add_to_resource_policy(deletion_denied(administrators))

    @classmethod
    def from_key(cls, scope: Construct, construct_id: str, key: kms.IKey) -> RftKeyBase:
        """Use a key of this app: its policy gets the statements for AWS services, and nothing else of it changes.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            key: A symmetric key of this account and Region.

        Raises:
            ValueError: When its policy cannot be changed from here, or it is an alias.
        """
        refuse_alias(key)
        for statement in _service_statements(Stack.of(scope)):
            if not key.add_to_resource_policy(statement).statement_added:
                raise ValueError(f"key: got {key.node.path}, whose policy is kept elsewhere: use RftKey.from_key_arn")
        return _KeyOfYours(scope, construct_id, key)

    @classmethod
    def from_key_arn(
        cls,
        scope: Construct,
        construct_id: str,
        key_arn: str,
        *,
        key_policy_managed_elsewhere: bool = False,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> RftKeyBase:
        """Use a key that another stack owns; its policy cannot be changed from here.

        Unless you say that somebody else keeps that policy, synth prints the statements that it needs: as a warning
        where data may go, as an error where data are retained.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            key_arn: ARN of the key.
            key_policy_managed_elsewhere: The statements are already there. Default: False.
            removal_policy: Of the data that the key encrypts. Default: RETAIN.
        """
        imported = _KeyOfYours(scope, construct_id, key_arn)
        if not key_policy_managed_elsewhere:
            statements = [statement.to_statement_json() for statement in _service_statements(Stack.of(imported))]
            message = (
                f"add these statements to the policy of {key_arn} and then set key_policy_managed_elsewhere=True: "
                f"{json.dumps(Stack.of(imported).resolve(statements))}"
            )
            if removal_policy is RemovalPolicy.RETAIN:
                Annotations.of(imported).add_error(message)
            else:
                Annotations.of(imported).add_warning_v2("bedrock-rft:key-policy", message)
        return imported


class _KeyOfYours(RftKeyBase):
    def __init__(self, scope: Construct, construct_id: str, key: kms.IKey | str) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key.from_key_arn(self, "Resource", key) if isinstance(key, str) else key


def _service_statements(stack: Stack) -> list[iam.PolicyStatement]:
    """Return the key policy's statements for AWS services, beside the account's own.

    Args:
        stack: Names the account and the Region.
    """
    colon = ArnFormat.COLON_RESOURCE_NAME
    log_groups = stack.format_arn(service="logs", resource="log-group", resource_name="*", arn_format=colon)
    alarms = stack.format_arn(service="cloudwatch", resource="alarm", resource_name="*", arn_format=colon)
    return [
        iam.PolicyStatement(
            sid="LogGroups",
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
            actions=["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
            resources=["*"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
        ),
        iam.PolicyStatement(
            sid="Alarms",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=list(_USE),
            resources=["*"],
            conditions={
                "StringEquals": {"aws:SourceAccount": stack.account},
                "ArnLike": {"aws:SourceArn": alarms},
            },
        ),
        iam.PolicyStatement(
            sid="LogDelivery",
            principals=[iam.ServicePrincipal("delivery.logs.amazonaws.com")],
            actions=["kms:Decrypt"],
            resources=["*"],
            conditions={"StringEquals": {"kms:EncryptionContext:SourceArn": _log_delivery(stack)}},
        ),
    ]


def _log_delivery(stack: Stack) -> str:
    """Return what log delivery writes into its encryption context."""
    return stack.format_arn(service="logs", resource="*", arn_format=ArnFormat.NO_RESOURCE_NAME)


def refuse_alias(key: kms.IKey) -> None:
    """Refuse an alias in the place of a key: rights on its ARN are none on the key.

    Source: KMS developer guide, "Specifying KMS keys in IAM policy statements".

    Args:
        key: What was given.

    Raises:
        ValueError: When it is an alias.
    """
    if hasattr(key, "alias_name"):
        raise ValueError(f"key: got the alias {key.node.path}, wanted the key itself: policies name keys by their ARN")


def deletion_denied(administrators: Sequence[str]) -> iam.PolicyStatement:
    """Return the key policy's statement that keeps everybody else from deleting or disabling a key.

    Args:
        administrators: ARNs of roles, `*` allowed.
    """
    return iam.PolicyStatement(
        sid="DeletionIsForAdministrators",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["kms:ScheduleKeyDeletion", "kms:DisableKey"],
        resources=["*"],
        conditions={"ArnNotLike": {"aws:PrincipalArn": list(administrators)}},
    )
