"""Rights of the roles of `PipelineStack`, nearly all of which CDK Pipelines grants, and the AWS page that says why."""

from collections.abc import Sequence

from benchmarks.security.fact import AUTHORIZATION, AWS, Fact

_CODE_BUILD = f"{AWS}/codebuild/latest/userguide"
_CODE_PIPELINE = f"{AWS}/codepipeline/latest"
_CDK = f"{AWS}/cdk/v2/guide/cdk-pipeline.html"

OF_PIPELINE: Sequence[Fact] = (
    Fact(
        ("sts:AssumeRole",),
        "the pipeline takes the role of each of its actions",
        f"{_CODE_PIPELINE}/APIReference/API_ActionDeclaration.html",
        about="Pipeline",
    ),
    Fact(
        ("sts:AssumeRole",),
        "a build that starts runs or verifies releases takes the one role that an environment has for it",
        f"{AWS}/STS/latest/APIReference/API_AssumeRole.html",
        about="Pipeline/.*/(Run|Verify)-.*",
    ),
    Fact(
        ("cloudformation:DescribeStacks", "s3:ListBucket", "sts:AssumeRole"),
        "the pipeline deploys itself, and publishes files, through the roles of the bootstrap",
        _CDK,
        about="UpdatePipeline/SelfMutation|Assets/FileRole",
    ),
    Fact(
        ("codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"),
        "the pipeline's actions start builds, ask for them and stop them",
        f"{AUTHORIZATION}/list_awscodebuild.html",
        about="CodeBuildActionRole|Assets/FileRole",
    ),
    Fact(
        (
            "codebuild:BatchPutCodeCoverages",
            "codebuild:BatchPutTestCases",
            "codebuild:CreateReport",
            "codebuild:CreateReportGroup",
            "codebuild:UpdateReport",
        ),
        "what a build's role needs to report tests; the CDK grants it to every project, and no build here uses it",
        f"{_CODE_BUILD}/test-permissions.html",
    ),
    Fact(
        ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
        "a build writes its log with its role",
        f"{_CODE_BUILD}/setting-up-service-role.html",
    ),
    Fact(
        ("codestar-connections:UseConnection",),
        "the source is read through the connection, and builds clone it",
        f"{AWS}/dtconsole/latest/userguide/security_iam_id-based-policy-examples-connections.html",
    ),
    Fact(
        (
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
            "s3:Abort*",
            "s3:DeleteObject*",
            "s3:GetBucket*",
            "s3:GetObject*",
            "s3:List*",
            "s3:PutObject",
            "s3:PutObjectAcl",
            "s3:PutObjectLegalHold",
            "s3:PutObjectRetention",
            "s3:PutObjectTagging",
            "s3:PutObjectVersionAcl",
            "s3:PutObjectVersionTagging",
        ),
        "actions hand artifacts on through one bucket and its key; the CDK's grants on both name actions by pattern",
        f"{_CODE_PIPELINE}/userguide/how-to-custom-role.html",
    ),
)
"""What CodePipeline, CodeBuild and CDK Pipelines do with these roles."""
