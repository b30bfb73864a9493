"""Statements in the policies of resources that no call shows to be needed, and the AWS page that says why they are."""

from collections.abc import Sequence

from benchmarks.security.fact import AWS, EVENTS, IAM, LAMBDA, S3, STATES, Fact

_OF_SENDERS = r"(S3::Bucket|SNS::Topic|SQS::Queue)Policy"

OF_RESOURCES: Sequence[Fact] = (
    Fact(
        ("*",),
        "the policy of an endpoint lets requests through and grants nothing; without one it lets every request through",
        f"{AWS}/vpc/latest/privatelink/vpc-endpoints-access.html",
        about=r"AWS::EC2::VPCEndpoint \*",
    ),
    Fact(
        ("sts:AssumeRoleWithWebIdentity",),
        "a role for GitHub's jobs trusts GitHub's identity provider, for one audience and one subject",
        f"{IAM}/id_roles_create_for-idp_oidc.html",
        about="AWS::IAM::Role Pipelines.*",
    ),
    Fact(
        ("sts:AssumeRole",),
        "a role admits another account's principals as its trust policy says, here those of one pattern",
        f"{IAM}/reference_policies_condition-keys.html",
        about="AWS::IAM::Role arn:aws:iam::444444444444:root",
    ),
    Fact(
        ("sts:AssumeRole",),
        "Lambda takes the role of a function to run it",
        f"{LAMBDA}/lambda-intro-execution-role.html",
        about="AWS::IAM::Role lambda.amazonaws.com",
    ),
    Fact(
        ("sts:AssumeRole",),
        "Step Functions takes the role of a state machine to run it, for machines of one account and Region",
        f"{STATES}/procedure-create-iam-role.html",
        about="AWS::IAM::Role states.amazonaws.com",
    ),
    Fact(
        ("sts:AssumeRole",),
        "EventBridge takes the role of a rule's target to call an API destination",
        f"{EVENTS}/eb-create-rule-api-destination-target.html",
        about="AWS::IAM::Role events.amazonaws.com",
    ),
    Fact(
        ("sts:AssumeRole",),
        "S3 takes the role of a replication to copy",
        f"{S3}/userguide/setting-repl-config-perm-overview.html",
        about="AWS::IAM::Role s3.amazonaws.com",
    ),
    Fact(
        ("sts:AssumeRole",),
        "the service of flow logs takes a role to write them",
        f"{AWS}/vpc/latest/userguide/flow-logs-iam-role.html",
        about="AWS::IAM::Role vpc-flow-logs.amazonaws.com",
    ),
    Fact(
        ("kms:*",),
        "without this statement no IAM policy of the account counts for the key, and the key can become unmanageable",
        f"{AWS}/kms/latest/developerguide/key-policy-default.html",
        about="AWS::KMS::Key arn:aws:iam::.*:root",
    ),
    Fact(
        ("kms:Decrypt", "kms:GenerateDataKey"),
        "an alarm publishes to an encrypted topic only if the key's policy lets CloudWatch use the key",
        f"{AWS}/sns/latest/dg/sns-key-management.html",
        about="AWS::KMS::Key cloudwatch.amazonaws.com",
    ),
    Fact(
        ("kms:Decrypt",),
        "the logs of an encrypted state machine are delivered only if the key's policy lets log delivery decrypt",
        f"{STATES}/encryption-at-rest.html",
        about="AWS::KMS::Key delivery.logs.amazonaws.com",
    ),
    Fact(
        ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"),
        "CloudWatch Logs uses the key of a log group itself; the page names these actions by these patterns",
        f"{AWS}/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
        about=r"AWS::KMS::Key logs\..*",
    ),
    Fact(
        ("lambda:InvokeFunction",),
        "a rule calls a function only if the function's own policy admits EventBridge",
        f"{EVENTS}/eb-use-resource-based.html",
        about="AWS::Lambda::Permission events.amazonaws.com",
    ),
    Fact(
        ("sqs:SendMessage",),
        "a rule sends what it could not deliver only to a queue whose policy admits EventBridge",
        f"{EVENTS}/eb-rule-dlq.html",
        about="AWS::SQS::QueuePolicy events.amazonaws.com",
    ),
    Fact(
        ("sns:Publish",),
        "a service publishes to a topic only if the topic's policy admits it",
        f"{AWS}/sns/latest/dg/sns-access-policy-use-cases.html",
        about="AWS::SNS::TopicPolicy cloudwatch.amazonaws.com",
    ),
    Fact(
        ("s3:PutObject",),
        "S3 delivers access logs only to a bucket whose policy admits its logging service",
        f"{S3}/userguide/enable-server-access-logging.html",
        about="AWS::S3::BucketPolicy logging.s3.amazonaws.com",
    ),
    Fact(
        ("s3:*", "sns:Publish", "sqs:*"),
        "whether a request came over TLS is a condition key; requests without it are denied to everybody",
        f"{IAM}/reference_policies_condition-keys.html",
        about=rf"AWS::{_OF_SENDERS} \*",
        effect="Deny",
        under=".*aws:SecureTransport.*",
    ),
    Fact(
        (
            "kms:DisableKey",
            "kms:ScheduleKeyDeletion",
            "kms:Sign",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:PutObject",
            "s3:PutObjectTagging",
            "s3:PutObjectVersionTagging",
            "s3:ReplicateDelete",
            "s3:ReplicateObject",
        ),
        "a denial outweighs whatever allows it: only the named roles delete keys, sign releases, or write releases and "
        "the uses of held-out data",
        f"{IAM}/reference_policies_evaluation-logic.html",
        about=r"AWS::(KMS::Key|S3::BucketPolicy) \*",
        effect="Deny",
        under=".*aws:PrincipalArn.*",
    ),
)
"""Of an environment."""

OF_PIPELINES_RESOURCES: Sequence[Fact] = (
    Fact(
        ("kms:Decrypt", "kms:DescribeKey", "s3:GetBucket*", "s3:GetObject*", "s3:List*"),
        "in each account, the role of the bootstrap reads templates from the pipeline's bucket",
        f"{AWS}/cdk/v2/guide/cdk-pipeline.html",
        about=r"AWS::(KMS::Key|S3::BucketPolicy) arn:aws:iam::\d+:role/cdk-.*",
    ),
    Fact(
        ("sts:AssumeRole",),
        "the pipeline takes the role of each of its actions",
        f"{AWS}/codepipeline/latest/APIReference/API_ActionDeclaration.html",
        about="AWS::IAM::Role arn:aws:iam::.*:role/PipelineRole.*",
    ),
    Fact(
        ("sts:AssumeRole",),
        "CodePipeline takes the pipeline's role",
        f"{AWS}/codepipeline/latest/userguide/how-to-custom-role.html",
        about="AWS::IAM::Role codepipeline.amazonaws.com",
    ),
    Fact(
        ("sts:AssumeRole",),
        "CodeBuild takes the role of a project to build",
        f"{AWS}/codebuild/latest/userguide/setting-up-service-role.html",
        about="AWS::IAM::Role codebuild.amazonaws.com",
    ),
)
"""Of `PipelineStack`, beside those that an environment has too."""
