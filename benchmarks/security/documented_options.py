"""Rights that only what a configuration turns on brings, and the AWS page that says why they are needed."""

from collections.abc import Sequence

from benchmarks.security.fact import AWS, BEDROCK, EVENTS, LAMBDA, S3, Fact

_JOB, _COPIES, _FLOW_LOGS = "Training/CustomizationRole", "Data/Datasets/Replication", "Network/Vpc/FlowLogsRole"
_INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)

OF_OPTIONS: Sequence[Fact] = (
    Fact(
        (
            "ec2:CreateNetworkInterface",
            "ec2:CreateNetworkInterfacePermission",
            "ec2:CreateTags",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteNetworkInterfacePermission",
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ),
        "with a network, Bedrock makes, tags and removes the interfaces of a job with the job's role",
        f"{BEDROCK}/custom-model-job-access-security.html",
        about=_JOB,
    ),
    Fact(
        _INTERFACES,
        "with a network, Lambda makes and removes a function's interfaces with the role of the function",
        f"{LAMBDA}/configuration-vpc.html",
    ),
    Fact(
        ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
        "flow logs are written with a role that may make streams, list them and write to them",
        f"{AWS}/vpc/latest/userguide/flow-logs-iam-role.html",
        about=_FLOW_LOGS,
    ),
    Fact(
        (
            "s3:GetObjectVersionAcl",
            "s3:GetObjectVersionForReplication",
            "s3:GetObjectVersionTagging",
            "s3:GetReplicationConfiguration",
            "s3:ListBucket",
            "s3:ReplicateObject",
            "s3:ReplicateTags",
        ),
        "S3 reads what it copies, and writes the copies, with the role of the replication",
        f"{S3}/userguide/setting-repl-config-perm-overview.html",
        about=_COPIES,
    ),
    Fact(
        ("s3:ObjectOwnerOverrideToBucketOwner",),
        "copies in another account belong to it only where the role may hand them over",
        f"{S3}/userguide/replication-change-owner.html",
        about=_COPIES,
    ),
    Fact(
        ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"),
        "to copy encrypted objects, the role decrypts with the key of the source and encrypts with that of the copies",
        f"{S3}/userguide/replication-config-for-kms-objects.html",
        about=_COPIES,
    ),
    Fact(
        ("events:InvokeApiDestination",),
        "a rule calls an API destination with a role that may invoke it",
        f"{EVENTS}/eb-create-rule-api-destination-target.html",
        about="Pipelines/Notice",
    ),
    Fact(
        ("kms:Decrypt",),
        "who reads an object that a key encrypts must be allowed to decrypt with that key",
        f"{S3}/userguide/UsingKMSEncryption.html",
        about="Data/LogSampler/SampleLogs",
    ),
    Fact(
        ("kms:Decrypt",),
        "who writes an encrypted object in parts must be allowed to decrypt with its key",
        f"{S3}/userguide/mpuoverview.html",
        about="Data/LogSampler/StateMachine",
        under=".*kms:ViaService.*",
    ),
)
"""What services do with a role where a network, copies, notices or logs of production are configured."""

DENIED_INSIDE: Sequence[Fact] = (
    Fact(
        (*_INTERFACES, "*"),
        "only requests from inside a function carry the function's ARN: what its role may do for Lambda, its code may "
        "not",
        f"{LAMBDA}/permissions-source-function-arn.html",
        effect="Deny",
    ),
)
"""What the code of a function is denied although Lambda needs it."""
