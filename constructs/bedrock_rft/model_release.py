"""What an application needs of a model line."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from bedrock_rft.constraints import BEDROCK_IDS
from bedrock_rft.live_deployments import deployments_arn
from bedrock_rft.nag import acknowledge_wildcards
from bedrock_rft.tag_conditions import belongs_to
from rft_contract.naming import check_environment, check_line, release_parameter
from rft_contract.tags import LIVE_ROLE


class ModelRelease(Construct):
    """The live release of a model line, as an application in the same account and Region uses it.

    The line's deployment keeps its ARN from release to release. It is born at the line's first promotion, which is why
    applications read it at run time, from SSM parameters that no template declares:

    ```python
    release = ModelRelease.from_line(self, "Routing", environment_name="prod", line="ticket-routing")
    release.grant_read_parameters(function)
    release.grant_invoke(function)
    function.add_environment("MODEL_PARAMETER", release.deployment_parameter)
    ```

    The function reads that parameter and gives its value to Converse or InvokeModel as `modelId`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_name: str,
        line: str,
        encryption_key: kms.IKey | None = None,
    ) -> None:
        """Name a line. Same as `from_line`.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            environment_name: The environment that promotes.
            line: The model line, as recipes name it.
            encryption_key: The environment's key, which encrypts its custom models. Default: - `grant_invoke` says
                nothing about it.

        Raises:
            ValueError: When a name cannot be one.
        """
        super().__init__(scope, construct_id)
        self.environment_name = check_environment(environment_name)
        self.line = check_line(line)
        self._key = encryption_key

    @classmethod
    def from_line(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        environment_name: str,
        line: str,
        encryption_key: kms.IKey | None = None,
    ) -> "ModelRelease":
        """Use the line of an environment that another stack or app deploys.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            environment_name: The environment that promotes.
            line: The model line, as recipes name it.
            encryption_key: The environment's key, which encrypts its custom models. Default: - `grant_invoke` says
                nothing about it.

        Raises:
            ValueError: When a name cannot be one.
        """
        return cls(scope, construct_id, environment_name=environment_name, line=line, encryption_key=encryption_key)

    @property
    def model_parameter(self) -> str:
        """Name of the SSM parameter with the ARN of the live custom model."""
        return release_parameter(self.environment_name, self.line, "model")

    @property
    def deployment_parameter(self) -> str:
        """Name of the SSM parameter with the ARN of the line's deployment: what to give Converse as `modelId`."""
        return release_parameter(self.environment_name, self.line, "deployment")

    @property
    def release_parameter(self) -> str:
        """Name of the SSM parameter with the number of the live release."""
        return release_parameter(self.environment_name, self.line, "release")

    def grant_read_parameters(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read the line's three parameters."""
        names = (self.model_parameter, self.deployment_parameter, self.release_parameter)
        stack = Stack.of(self)
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["ssm:GetParameter", "ssm:GetParameters"],
            resource_arns=[
                stack.format_arn(
                    service="ssm",
                    resource="parameter",
                    resource_name=name.removeprefix("/"),
                    arn_format=ArnFormat.SLASH_RESOURCE_NAME,
                )
                for name in names
            ],
        )

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal call the line's live deployment, whole or streamed, and no other.

        Converse and ConverseStream need the same two actions (Bedrock user guide, "Converse API").
        """
        deployments = deployments_arn(self)
        grant = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
            resource_arns=[deployments],
            conditions=dict(belongs_to(self.environment_name, role=LIVE_ROLE, line=self.line)),
        )
        acknowledge_wildcards(grantee.grant_principal, [deployments], reason=BEDROCK_IDS)
        if self._key is None:
            return grant
        through = f"bedrock.{Stack.of(self).region}.amazonaws.com"
        return grant.combine(
            iam.Grant.add_to_principal(
                grantee=grantee,
                actions=["kms:Decrypt"],
                resource_arns=[self._key.key_arn],
                conditions={"StringEquals": {"kms:ViaService": through}},
            )
        )
