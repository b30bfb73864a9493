"""What must go before a stack can be deleted, and what the stack cannot delete."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from rft_cli.cli_error import CliError
from rft_cli.environment import Aws, Environment
from rft_contract.layout import RELEASES_DENIAL, USES_DENIAL

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ObjectIdentifierTypeDef

_BATCH = 1000


@dataclass(frozen=True)
class Leftovers:
    """What runs made in Bedrock, which no stack owns.

    Args:
        models: ARNs of custom models.
        deployments: ARNs of custom model deployments.
    """

    models: tuple[str, ...]
    deployments: tuple[str, ...]


def deletable_buckets(aws: Aws, stack: str) -> list[str]:
    """Return the stack's buckets that go with it; those that the template retains are left out."""
    body = aws.cloudformation.get_template(StackName=stack)["TemplateBody"]
    # boto3 hands JSON templates over as mappings and others as text
    template = json.loads(body) if isinstance(body, str) else body
    resources = template["Resources"]
    pages = aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return [
        resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::S3::Bucket"
        and resources.get(resource["LogicalResourceId"], {}).get("DeletionPolicy") == "Delete"
        and "PhysicalResourceId" in resource
    ]


def empty_bucket(s3: "S3Client", bucket: str) -> int:
    """Delete every version of every object, also of those that the bucket's policy reserves.

    Returns:
        How many.

    Raises:
        CliError: When one could not be deleted.
    """
    _lift_denial(s3, bucket)
    count = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects: list[ObjectIdentifierTypeDef] = [
            {"Key": item["Key"], "VersionId": item["VersionId"]} for item in found
        ]
        for first in range(0, len(objects), _BATCH):
            batch = objects[first : first + _BATCH]
            refused = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True}).get("Errors", [])
            if refused:
                error = refused[0]
                raise CliError(
                    f"bucket {bucket}: could not delete {len(refused)} objects, such as {error.get('Key')}: "
                    f"{error.get('Code')}: {error.get('Message')}"
                )
        count += len(objects)
    return count


def _lift_denial(s3: "S3Client", bucket: str) -> None:
    """Take out of a bucket's policy what keeps everybody from deleting releases and uses of held-out sets.

    Only who may write the policy can do that, and CloudTrail tells of it.
    """
    try:
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        return
    denials = (RELEASES_DENIAL, USES_DENIAL)
    kept = [statement for statement in policy["Statement"] if statement.get("Sid") not in denials]
    if len(kept) < len(policy["Statement"]):
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({**policy, "Statement": kept}))


def leftovers(environment: Environment) -> Leftovers:
    """List the custom models and deployments whose names begin with the environment's name."""
    bedrock, prefix = environment.aws.bedrock, f"{environment.name}-"
    models = [
        model["modelArn"]
        for page in bedrock.get_paginator("list_custom_models").paginate()
        for model in page["modelSummaries"]
        if model["modelName"].startswith(prefix)
    ]
    deployments = [
        deployment["customModelDeploymentArn"]
        for page in bedrock.get_paginator("list_custom_model_deployments").paginate()
        for deployment in page["modelDeploymentSummaries"]
        if deployment["customModelDeploymentName"].startswith(prefix)
    ]
    return Leftovers(tuple(models), tuple(deployments))
