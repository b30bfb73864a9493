"""Rights that no recorded call needs, and the AWS page that says why they are needed all the same."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.security.rights import Right


@dataclass(frozen=True)
class Fact:
    """What an AWS page says about some rights.

    Args:
        actions: Which actions.
        says: The fact, in our words.
        page: Address of the page.
        roles: Pattern of the labels of roles that it is about.
        effect: `Allow` or `Deny`.
    """

    actions: tuple[str, ...]
    says: str
    page: str
    roles: str = ".*"
    effect: str = "Allow"


_AWS = "https://docs.aws.amazon.com"
_AUTHORIZATION = f"{_AWS}/service-authorization/latest/reference"
_LAMBDA = f"{_AWS}/lambda/latest/dg"
_S3 = f"{_AWS}/AmazonS3/latest"
_BEDROCK = f"{_AWS}/bedrock/latest/userguide"
_STATES = f"{_AWS}/step-functions/latest/dg"
_HANDLERS, _RELEASES, _SWEEPER = (
    "Training/Workflow/Handlers",
    "Training/Workflow/Releases",
    "Training/Workflow/Sweeper/.*",
)

_DELIVERY = (
    "CreateLogDelivery",
    "DeleteLogDelivery",
    "DescribeLogGroups",
    "DescribeResourcePolicies",
    "GetLogDelivery",
    "ListLogDeliveries",
    "PutResourcePolicy",
    "UpdateLogDelivery",
)
_DEPLOYMENT = ("Create", "Get", "Update", "Delete")

OF_SERVICES: Sequence[Fact] = (
    Fact(
        ("logs:CreateLogStream",),
        "Lambda creates a log stream with the role of the function before it writes to it",
        f"{_LAMBDA}/lambda-intro-execution-role.html",
    ),
    Fact(
        ("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
        "Lambda and Step Functions send traces with the role",
        f"{_LAMBDA}/services-xray.html",
    ),
    Fact(
        ("xray:GetSamplingRules", "xray:GetSamplingTargets"),
        "Step Functions asks X-Ray which executions to trace",
        f"{_STATES}/concepts-xray-tracing.html",
        roles=".*StateMachine",
    ),
    Fact(
        tuple(f"logs:{action}" for action in _DELIVERY),
        "Step Functions sets the delivery of its logs up with the role of the state machine",
        f"{_STATES}/cw-logs.html",
        roles=".*StateMachine",
    ),
    Fact(
        ("kms:Decrypt", "kms:GenerateDataKey"),
        "Step Functions encrypts definition, history and logs with the role of the state machine",
        f"{_STATES}/encryption-at-rest.html",
        roles=".*StateMachine",
    ),
    Fact(
        ("states:DescribeExecution", "states:RedriveExecution", "states:StartExecution", "states:StopExecution"),
        "a Distributed Map starts, watches, stops and redrives its children with the role of the state machine",
        f"{_STATES}/iam-policies-eg-distributed-map.html",
        roles=".*StateMachine",
    ),
    Fact(
        ("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts"),
        "a Distributed Map writes its results in parts, and reads what it wrote",
        f"{_STATES}/input-output-resultwriter.html",
        roles=".*StateMachine",
    ),
    Fact(
        ("s3:GetObject", "s3:ListBucket"),
        "Bedrock lists the keys of a job's data and reads its output back",
        f"{_BEDROCK}/custom-model-job-access-security.html",
        roles="Training/CustomizationRole",
    ),
    Fact(
        ("sqs:SendMessage",),
        "Lambda sends what an asynchronous call failed on with the role of the function",
        f"{_LAMBDA}/invocation-async-retain-records.html",
    ),
    Fact(
        ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
        "who starts a job whose model a key encrypts, and who calls such a model, must be allowed to use the key",
        f"{_BEDROCK}/encryption-custom-job.html",
        roles=f"{_HANDLERS}/(TrainStart|Rollout)",
    ),
    Fact(
        ("bedrock:TagResource", "bedrock:CreateCustomModelDeployment"),
        "what is created with tags is authorized on the new resource, and its tags as TagResource",
        f"{_AUTHORIZATION}/list_bedrock.html",
    ),
    Fact(
        ("lambda:GetFunction",),
        "a request with a qualifier is authorized on the qualified ARN where a policy names one",
        f"{_LAMBDA}/lambda-api-permissions-ref.html",
    ),
)
"""What services do with a role, or ask of it, that the embedded AWS does not do."""

OF_SITUATIONS: Sequence[Fact] = (
    Fact(
        ("s3:ListBucket",),
        "without it a missing object is 403 and not 404, and whether one exists is what handlers ask",
        f"{_S3}/API/API_GetObject.html",
    ),
    Fact(
        ("s3:GetObject",),
        "a second attempt meets the object that the first one wrote under its condition, and compares",
        f"{_S3}/userguide/conditional-writes.html",
        roles=f"{_HANDLERS}/(Freeze|ProbeStart|ProbeDecide)",
    ),
    Fact(
        ("s3:DeleteObject",),
        "a run id that another, closed run has: the mark of the new one is taken away again",
        f"{_S3}/API/API_DeleteObject.html",
        roles=f"{_HANDLERS}/Plan",
    ),
    Fact(
        (
            "bedrock:GetInferenceProfile",
            "bedrock:ListCustomModelDeployments",
            "bedrock:ListCustomModels",
            "bedrock:ListModelCustomizationJobs",
            "cloudwatch:GetMetricData",
            "lambda:GetAccountSettings",
            "servicequotas:ListServiceQuotas",
        ),
        "preflight compares quotas with what is in use; runs on the stand-in have none",
        f"{_AUTHORIZATION}/list_servicequotas.html",
        roles=f"{_HANDLERS}/Plan",
    ),
    Fact(
        ("s3:PutObject",),
        "a run that is stopped before Plan wrote its record gets one from Close, with the mark that goes before it",
        f"{_S3}/userguide/conditional-writes.html",
        roles=f"{_HANDLERS}/Close",
    ),
    Fact(
        ("s3:PutObjectTagging",),
        "an object that is written with tags needs this right too; the embedded AWS does not ask for it",
        f"{_S3}/API/API_PutObject.html",
        roles=f"{_HANDLERS}/Rollout",
    ),
    Fact(
        ("bedrock:InvokeModel",),
        "a model behind an inference profile is called by the profile's ARN; the stand-in has none",
        f"{_BEDROCK}/inference-profiles-prereq.html",
        roles=f"{_HANDLERS}/Rollout",
    ),
    Fact(
        ("s3:GetObject",),
        "recipes with guard sets: their prompts are asked like the held-out ones",
        f"{_S3}/API/API_GetObject.html",
        roles=f"{_HANDLERS}/Rollout",
    ),
    Fact(
        ("bedrock:StopModelCustomizationJob", "bedrock:GetModelCustomizationJob", "bedrock:ListTagsForResource"),
        "a job is looked up again after a lost answer, and stopped when its rewards are invalid or its run is over",
        f"{_AUTHORIZATION}/list_bedrock.html",
        roles=f"{_HANDLERS}/.*|{_SWEEPER}",
    ),
    Fact(
        ("bedrock:GetCustomModelDeployment",),
        "a deployment is looked up again after a lost answer",
        f"{_AUTHORIZATION}/list_bedrock.html",
        roles=f"{_HANDLERS}/DeployStart",
    ),
    Fact(
        (
            *(f"bedrock:{verb}CustomModelDeployment" for verb in _DEPLOYMENT),
            "bedrock:ListTagsForResource",
            "cloudwatch:PutMetricAlarm",
            "events:PutEvents",
            "kms:GenerateDataKey",
            "kms:Sign",
            "kms:GetPublicKey",
            "kms:Verify",
            "s3:GetObject",
            "s3:PutObject",
            "ssm:PutParameter",
        ),
        "each of these functions finishes or takes back a change of what is live that another one left half done",
        f"{_AUTHORIZATION}/list_bedrock.html",
        roles=f"{_RELEASES}/.*",
    ),
)
"""What a role's own code asks for in situations that no recorded run was in."""

DENIALS: Sequence[Fact] = (
    Fact(
        (
            "bedrock:CreateCustomModelDeployment",
            "bedrock:DeleteCustomModelDeployment",
            "bedrock:TagResource",
            "bedrock:UntagResource",
            "bedrock:UpdateCustomModelDeployment",
        ),
        "a denial outweighs whatever another policy may allow one day",
        f"{_AWS}/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
        effect="Deny",
    ),
)
"""What is denied although nothing allows it."""

DOCUMENTED = (*OF_SERVICES, *OF_SITUATIONS, *DENIALS)


def fact_for(right: Right, role: str) -> Fact | None:
    """Return the fact about a right, or None.

    Args:
        right: The right.
        role: Label of its role.
    """
    for fact in DOCUMENTED:
        if right.effect == fact.effect and right.action in fact.actions and re.fullmatch(fact.roles, role):
            return fact
    return None
