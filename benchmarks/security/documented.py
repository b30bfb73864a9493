"""Rights that no recorded call needs, and the AWS page that says why they are needed all the same."""

from collections.abc import Sequence

from benchmarks.security.documented_options import DENIED_INSIDE, OF_OPTIONS
from benchmarks.security.fact import AUTHORIZATION, AWS, BEDROCK, IAM, LAMBDA, S3, STATES, Fact

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
    *OF_OPTIONS,
    Fact(
        ("logs:CreateLogStream",),
        "Lambda creates a log stream with the role of the function before it writes to it",
        f"{LAMBDA}/lambda-intro-execution-role.html",
    ),
    Fact(
        ("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
        "Lambda and Step Functions send traces with the role",
        f"{LAMBDA}/services-xray.html",
    ),
    Fact(
        ("xray:GetSamplingRules", "xray:GetSamplingTargets"),
        "Step Functions asks X-Ray which executions to trace",
        f"{STATES}/concepts-xray-tracing.html",
        about=".*StateMachine",
    ),
    Fact(
        tuple(f"logs:{action}" for action in _DELIVERY),
        "Step Functions sets the delivery of its logs up with the role of the state machine",
        f"{STATES}/cw-logs.html",
        about=".*StateMachine",
    ),
    Fact(
        ("kms:Decrypt", "kms:GenerateDataKey"),
        "Step Functions encrypts definition, history and logs with the role of the state machine",
        f"{STATES}/encryption-at-rest.html",
        about=".*StateMachine",
        under=".*kms:EncryptionContext.*",
    ),
    Fact(
        ("states:DescribeExecution", "states:RedriveExecution", "states:StartExecution", "states:StopExecution"),
        "a Distributed Map starts, watches, stops and redrives its children with the role of the state machine",
        f"{STATES}/iam-policies-eg-distributed-map.html",
        about=".*StateMachine",
    ),
    Fact(
        ("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts"),
        "a Distributed Map writes its results in parts, and reads what it wrote",
        f"{STATES}/input-output-resultwriter.html",
        about=".*StateMachine",
    ),
    Fact(
        ("s3:GetObject", "s3:ListBucket"),
        "Bedrock lists the keys of a job's data and reads its output back",
        f"{BEDROCK}/custom-model-job-access-security.html",
        about="Training/CustomizationRole",
    ),
    Fact(
        ("kms:Decrypt",),
        "who asks for the definition of an encrypted state machine must be allowed to decrypt it",
        f"{AWS}/step-functions/latest/apireference/API_DescribeStateMachine.html",
        about="Pipelines(/Github/Run)?",
    ),
    Fact(
        ("sqs:SendMessage",),
        "Lambda sends what an asynchronous call failed on with the role of the function",
        f"{LAMBDA}/invocation-async-retain-records.html",
        about=f"Data/DatasetChecks/CheckUpload|{_HANDLERS}/Close|{_SWEEPER}",
    ),
    Fact(
        ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
        "who starts a job whose model a key encrypts, and who calls such a model, must be allowed to use the key",
        f"{BEDROCK}/encryption-custom-job.html",
        about=f"{_HANDLERS}/(TrainStart|Rollout)",
    ),
    Fact(
        ("bedrock:TagResource", "bedrock:CreateCustomModelDeployment"),
        "what is created with tags is authorized on the new resource, and its tags as TagResource",
        f"{AUTHORIZATION}/list_bedrock.html",
        about=f"{_HANDLERS}/(DeployStart|TrainStart)|{_RELEASES}/.*",
    ),
    Fact(
        ("lambda:GetFunction",),
        "a request with a qualifier is authorized on the qualified ARN where a policy names one",
        f"{LAMBDA}/lambda-api-permissions-ref.html",
        about=f"{_HANDLERS}/(Certify|Validate)",
    ),
)
"""What services do with a role, or ask of it, that the embedded AWS does not do."""

OF_SITUATIONS: Sequence[Fact] = (
    Fact(
        ("kms:Verify",),
        "who trusts no command of ours lets KMS itself verify the signature of a release",
        f"{AWS}/kms/latest/APIReference/API_Verify.html",
        about="Pipelines(/Github/Run)?",
    ),
    Fact(
        ("s3:ListBucket",),
        "without it a missing object is 403 and not 404, and whether one exists is what handlers ask",
        f"{S3}/API/API_GetObject.html",
        about=f"Data/DatasetChecks/CheckUpload|Pipelines(/Github/Run)?|{_HANDLERS}/.*|{_RELEASES}/.*",
    ),
    Fact(
        ("s3:GetObject",),
        "a second attempt meets the object that the first one wrote under its condition, and compares",
        f"{S3}/userguide/conditional-writes.html",
        about=f"{_HANDLERS}/(Freeze|ProbeStart|ProbeDecide)",
    ),
    Fact(
        ("s3:DeleteObject",),
        "a run id that another, closed run has: the mark of the new one is taken away again",
        f"{S3}/API/API_DeleteObject.html",
        about=f"{_HANDLERS}/Plan",
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
        f"{AUTHORIZATION}/list_servicequotas.html",
        about=f"{_HANDLERS}/Plan",
    ),
    Fact(
        ("s3:PutObjectTagging",),
        "an object that is written with tags needs this right too; the embedded AWS does not ask for it",
        f"{S3}/API/API_PutObject.html",
        about=f"{_HANDLERS}/Rollout",
    ),
    Fact(
        ("bedrock:InvokeModel",),
        "a judge is asked by its inference profile, which calls the model in one of the profile's Regions",
        f"{BEDROCK}/inference-profiles-prereq.html",
        about=r"Training/Rewards/\*",
    ),
    Fact(
        ("lambda:InvokeFunction",),
        "a reward that runs programs hands them to the function that is made for it, by its version",
        f"{AUTHORIZATION}/list_awslambda.html",
        about=r"Training/Rewards/\*",
    ),
    Fact(
        ("bedrock:InvokeModel",),
        "a model behind an inference profile is called by the profile's ARN; the stand-in has none",
        f"{BEDROCK}/inference-profiles-prereq.html",
        about=f"{_HANDLERS}/Rollout",
    ),
    Fact(
        ("s3:GetObject",),
        "recipes with guard sets: their prompts are asked like the held-out ones",
        f"{S3}/API/API_GetObject.html",
        about=f"{_HANDLERS}/Rollout",
    ),
    Fact(
        ("bedrock:StopModelCustomizationJob", "bedrock:GetModelCustomizationJob", "bedrock:ListTagsForResource"),
        "a job is looked up again after a lost answer, and stopped when its rewards are invalid or its run is over",
        f"{AUTHORIZATION}/list_bedrock.html",
        about=f"{_HANDLERS}/.*|{_SWEEPER}",
    ),
    Fact(
        ("bedrock:GetCustomModelDeployment",),
        "a deployment is looked up again after a lost answer",
        f"{AUTHORIZATION}/list_bedrock.html",
        about=f"{_HANDLERS}/DeployStart",
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
        f"{AUTHORIZATION}/list_bedrock.html",
        about=f"{_RELEASES}/.*",
    ),
)
"""What a role's own code asks for in situations that no recorded run was in."""

DENIALS: Sequence[Fact] = (
    *DENIED_INSIDE,
    Fact(
        (
            "bedrock:CreateCustomModelDeployment",
            "bedrock:DeleteCustomModelDeployment",
            "bedrock:TagResource",
            "bedrock:UntagResource",
            "bedrock:UpdateCustomModelDeployment",
        ),
        "a denial outweighs whatever another policy may allow one day",
        f"{IAM}/reference_policies_evaluation-logic.html",
        effect="Deny",
    ),
)
"""What is denied although nothing allows it."""

DOCUMENTED = (*OF_SERVICES, *OF_SITUATIONS, *DENIALS)
"""Of the roles of an environment."""
