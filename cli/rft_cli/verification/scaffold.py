"""What a trial makes for itself in an account, and removes again."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from rft_cli.environment import Aws, Environment
from rft_cli.verification.pace import TrialPace
from rft_cli.verification.removals import Removals

TAG = "rft:verification"
"""On everything that a trial makes in Bedrock; its value is the trial's name."""

FOLDER = "verification/"


@dataclass(frozen=True, kw_only=True)
class Scaffold:
    """The trial's own resources.

    Args:
        name: The trial's, part of every name.
        environment: Where.
        prefix: Of its objects in the data bucket.
        function: Name of the observing function.
        version: Its version that the alias points to.
        spare_version: An older one, which nothing needs.
        alias_arn: Its ARN with that alias.
        job_role: ARN of the role that is passed to Bedrock.
        own: ARN of a role whose condition names the trial's tag.
        other: ARN of one whose condition names another.
    """

    name: str
    environment: Environment
    prefix: str
    function: str
    version: str
    spare_version: str
    alias_arn: str
    job_role: str
    own: str
    other: str

    def address(self, name: str) -> str:
        """Return the `s3://` address of one of its objects."""
        return self.environment.bucket.address(f"{self.prefix}{name}")

    def written(self, folder: str) -> list[bytes]:
        """Return what the observing function wrote into a folder, in no order."""
        bucket = self.environment.bucket
        return [bucket.read(key) for key in bucket.keys(f"{self.prefix}{folder}/")]

    def count(self, folder: str) -> int:
        """Return how many records the observing function has written into a folder."""
        return sum(1 for _ in self.environment.bucket.keys(f"{self.prefix}{folder}/"))

    def acting_as(self, role: str) -> Aws:
        """Return clients with a role's rights."""
        from boto3.session import Session

        aws = self.environment.aws
        keys = aws.sts.assume_role(RoleArn=role, RoleSessionName=self.name)["Credentials"]
        session = Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            region_name=aws.session.region_name,
        )
        return Aws(session, aws.endpoint)


def build(environment: Environment, name: str, pace: TrialPace, removals: Removals) -> Scaffold:
    """Make the resources of a trial.

    Args:
        environment: Where.
        name: The trial's.
        pace: How long to wait for new roles.
        removals: Told of each resource.
    """
    prefix = f"{FOLDER}{name}/"
    arns = _Arns(environment)
    objects = f"arn:{arns.partition}:s3:::{environment.outputs.bucket}/{prefix}*"
    bucket = f"arn:{arns.partition}:s3:::{environment.outputs.bucket}"
    key = {"Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": environment.outputs.key_arn}
    function = arns.function(name)
    removals.add(f"objects below {prefix}", lambda: _erase(environment, prefix))
    writes = {"Action": "s3:PutObject", "Resource": objects}
    writer = make_role(environment, f"{name}-writer", service_trust("lambda"), [writes, key], removals)
    trust = service_trust("bedrock")
    trust["Condition"] = {
        "StringEquals": {"aws:SourceAccount": arns.account},
        "ArnLike": {"aws:SourceArn": arns.bedrock("model-customization-job/*")},
    }
    job_role = make_role(
        environment,
        f"{name}-job",
        trust,
        [
            {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": objects},
            {"Action": "s3:ListBucket", "Resource": bucket},
            {"Action": "lambda:InvokeFunction", "Resource": [function, f"{function}:*"]},
            key,
        ],
        removals,
    )
    own = _tester(environment, name, "own", name, [f"{function}:1"], removals)
    other = _tester(environment, name, "other", "another", [], removals)
    spare, version = _function(environment, name, writer, prefix, pace, removals)
    return Scaffold(
        name=name,
        environment=environment,
        prefix=prefix,
        function=name,
        version=version,
        spare_version=spare,
        alias_arn=f"{function}:{_ALIAS}",
        job_role=job_role,
        own=own,
        other=other,
    )


_ALIAS = "run-verify"


class _Arns:
    def __init__(self, environment: Environment) -> None:
        parts = environment.outputs.state_machine_arn.split(":")
        self.partition, self.region, self.account = parts[1], parts[3], parts[4]

    def function(self, name: str) -> str:
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{name}"

    def bedrock(self, resource: str) -> str:
        return f"arn:{self.partition}:bedrock:{self.region}:{self.account}:{resource}"

    def root(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:root"


def service_trust(name: str) -> dict[str, Any]:
    """Return the statement that lets an AWS service assume a role."""
    return {"Effect": "Allow", "Principal": {"Service": f"{name}.amazonaws.com"}, "Action": "sts:AssumeRole"}


def _tester(environment: Environment, name: str, which: str, tag: str, deletable: list[str], removals: Removals) -> str:
    """Make a role that may do to Bedrock's resources what the platform's roles may, where their tag has a value."""
    arns = _Arns(environment)
    statements: list[dict[str, Any]] = [
        {
            "Action": [
                "bedrock:StopModelCustomizationJob",
                "bedrock:DeleteCustomModel",
                "bedrock:UpdateCustomModelDeployment",
                "bedrock:DeleteCustomModelDeployment",
                "bedrock:InvokeModel",
            ],
            "Resource": arns.bedrock("*"),
            "Condition": {"StringEquals": {f"aws:ResourceTag/{TAG}": tag}},
        }
    ]
    if deletable:
        statements.append({"Action": ["lambda:DeleteFunction", "lambda:InvokeFunction"], "Resource": deletable})
    trust = {"Effect": "Allow", "Principal": {"AWS": arns.root()}, "Action": "sts:AssumeRole"}
    return make_role(environment, f"{name}-{which}", trust, statements, removals)


def make_role(
    environment: Environment,
    name: str,
    trust: Mapping[str, Any],
    statements: list[dict[str, Any]],
    removals: Removals,
) -> str:
    """Make a role with one inline policy; return its ARN.

    Args:
        environment: Where.
        name: The role's name.
        trust: The statement of who may assume it.
        statements: What it may do: actions, resource and condition of each.
        removals: Told of it.
    """
    iam = environment.aws.iam
    removals.add(f"role {name}", lambda: iam.delete_role(RoleName=name))
    removals.add(f"policy of {name}", lambda: iam.delete_role_policy(RoleName=name, PolicyName=name))
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust), Tags=[{"Key": TAG, "Value": name}])
    allowed = [{"Effect": "Allow", **statement} for statement in statements]
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=_document(*allowed))
    return made["Role"]["Arn"]


def _document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _function(
    environment: Environment, name: str, role: str, prefix: str, pace: TrialPace, removals: Removals
) -> tuple[str, str]:
    """Deploy the observing function; return a version that nothing needs and the one that its alias points to."""
    functions = environment.aws.functions
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        module = zipfile.ZipInfo("observer.py")
        module.external_attr = 0o644 << 16  # Lambda runs it as another user than it unpacks it
        package.writestr(module, files(__package__).joinpath("observer.py").read_bytes())
    removals.add(f"function {name}", lambda: functions.delete_function(FunctionName=name))
    pace.granted(
        lambda: functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="observer.handler",
            Role=role,
            Code={"ZipFile": archive.getvalue()},
            Timeout=60,
            MemorySize=256,
            Environment={"Variables": {"BUCKET": environment.outputs.bucket, "PREFIX": prefix}},
            Tags={TAG: name},
        )
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    spare = functions.publish_version(FunctionName=name)["Version"]
    # an unchanged function gets no second version
    functions.update_function_configuration(FunctionName=name, Description="observes")
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.create_alias(FunctionName=name, Name=_ALIAS, FunctionVersion=version)
    return spare, version


def _erase(environment: Environment, prefix: str) -> None:
    """Delete every version of the trial's objects."""
    s3, bucket = environment.aws.s3, environment.outputs.bucket
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
