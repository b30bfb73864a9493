"""What AWS, or the design, leaves no choice about: every reason for which this library accepts a finding.

Names that are born at run time (the first group) are why policies hold wildcards: a statement names the part of an ARN
that is known when the stack is deployed. No action is ever a wildcard.
"""

from bedrock_rft.nag import Constraint

_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg"
_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"
_AUTHORIZATION = "https://docs.aws.amazon.com/service-authorization/latest/reference"

# Names born at run time

OBJECTS = Constraint(
    "objects are born at run time below a prefix that names the run; S3 grants address them by that prefix",
    f"{_S3}/security_iam_service-with-iam.html",
)
RUN_ALIASES = Constraint(
    "each run calls its own alias run-<id> of this one function; the aliases are born at run time",
    f"{_LAMBDA}/configuration-aliases.html",
)
VERSIONS = Constraint(
    "what began before a deployment still calls the versions that it began with, and versions are numbered by Lambda",
    f"{_LAMBDA}/configuration-versions.html",
)
BEDROCK_IDS = Constraint(
    "Bedrock chooses the ids of jobs, models and deployments at run time; recipes choose the base model",
    f"{_AUTHORIZATION}/list_bedrock.html",
)
EXECUTIONS = Constraint(
    "runs, and the children of a Distributed Map, are executions of this one state machine, named at run time",
    "https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-distributed-map.html",
)
MODEL_LINES = Constraint(
    "recipes choose the names of model lines, so only the part before them is known at deploy time",
    f"{_IAM}/reference_policies_elements_resource.html",
)
STACK_NAMES = Constraint(
    "CloudFormation chooses a stack's id and names its functions, alarms and log groups after the stack; promotions "
    "and functions add alarms and log streams at run time",
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html",
)

# Actions without resources

NO_RESOURCE_LEVEL = Constraint(
    "actions of X-Ray and of log delivery, and those that list jobs, models, quotas or metric data, have no resource "
    "level",
    f"{_AUTHORIZATION}/reference_policies_actions-resources-contextkeys.html",
)
INTERFACES = Constraint(
    "Lambda needs these actions for interfaces that have no name yet; a Deny keeps the function's own code from them",
    f"{_LAMBDA}/configuration-vpc.html",
    ("CKV_AWS_111",),
)
JOB_INTERFACES = Constraint(
    "Bedrock makes and names the interfaces of a job at run time; its subnets and Bedrock's own tags confine this",
    "https://docs.aws.amazon.com/bedrock/latest/userguide/custom-model-job-access-security.html",
)

# Queues

DEAD_LETTERS = Constraint(
    "this queue is itself a dead-letter queue, and an alarm watches it",
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
    ("AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy"),
)
QUEUE_KEY = Constraint(
    "SQS encrypts it with its own key; EventBridge and Lambda would need this environment's key without a condition "
    "that confines them",
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html",
    ("CKV_AWS_27",),
)
SCHEDULED_AGAIN = Constraint(
    "the schedule comes again after 15 minutes and does what a lost event would have done",
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html",
    ("Serverless-EventBusDLQ",),
)

# Functions and roles

INLINE_POLICY = Constraint(
    "the policy belongs to this one role and goes with it; a managed policy could be attached to another by mistake",
    f"{_IAM}/access_policies_managed-vs-inline.html",
    ("HIPAA.Security-IAMNoInlinePolicy", "NIST.800.53.R5-IAMNoInlinePolicy", "PCI.DSS.321-IAMNoInlinePolicy"),
)
CALLER_WAITS = Constraint(
    "a dead-letter queue takes asynchronous calls alone: here the caller waits for the answer, or the function has an "
    "on-failure destination, which replaces the queue",
    f"{_LAMBDA}/invocation-async-retain-records.html",
    ("Serverless-LambdaDLQ", "HIPAA.Security-LambdaDLQ", "NIST.800.53.R5-LambdaDLQ", "CKV_AWS_116"),
)
NO_SECRETS = Constraint(
    "its variables are names of resources and no secrets, and Lambda encrypts them with a key of AWS",
    f"{_LAMBDA}/configuration-envvars-encryption.html",
    ("CKV_AWS_173",),
)
NO_TRACES = Constraint(
    "untrusted programs run in it, so that it reaches no service, and X-Ray is one",
    f"{_LAMBDA}/services-xray.html",
    ("Serverless-LambdaTracing",),
)
DEPENDENCY_TWICE = Constraint(
    "the CDK names the role beside its policy in DependsOn, although a reference implies it: nothing changes by it",
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html",
    ("W3005",),
)

# What the environment's configuration decides

NO_NETWORK = Constraint(
    "the environment has no network of its own: `network` in its configuration puts the function into a VPC",
    f"{_LAMBDA}/configuration-vpc.html",
    (
        "HIPAA.Security-LambdaInsideVPC",
        "NIST.800.53.R5-LambdaInsideVPC",
        "PCI.DSS.321-LambdaInsideVPC",
        "CKV_AWS_117",
    ),
)
COMMON_POOL = Constraint(
    "setting concurrency aside takes it from the account's pool, which may be as small as 10: the environment's "
    "configuration decides",
    f"{_LAMBDA}/configuration-concurrency.html",
    ("HIPAA.Security-LambdaConcurrency", "NIST.800.53.R5-LambdaConcurrency", "CKV_AWS_115"),
)
NO_REPLICA = Constraint(
    "a copy of every object in a second bucket doubles its cost: the environment's configuration decides",
    f"{_S3}/replication.html",
    (
        "HIPAA.Security-S3BucketReplicationEnabled",
        "NIST.800.53.R5-S3BucketReplicationEnabled",
        "PCI.DSS.321-S3BucketReplicationEnabled",
    ),
)

# Buckets

LOGS_OF_ACCESS = Constraint(
    "S3 delivers access logs only to a bucket whose default encryption is SSE-S3, and a bucket that logged into itself "
    "would never come to rest",
    f"{_S3}/enable-server-access-logging.html",
    (
        "HIPAA.Security-S3DefaultEncryptionKMS",
        "NIST.800.53.R5-S3DefaultEncryptionKMS",
        "PCI.DSS.321-S3DefaultEncryptionKMS",
        "CKV_AWS_18",
    ),
)

# Networks

DEFAULT_GROUP = Constraint(
    "nothing is in the VPC's default security group, and CloudFormation cannot change one without a custom resource",
    "https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
    (
        "HIPAA.Security-VPCDefaultSecurityGroupClosed",
        "NIST.800.53.R5-VPCDefaultSecurityGroupClosed",
        "PCI.DSS.321-VPCDefaultSecurityGroupClosed",
    ),
)
NO_FLOWS = Constraint(
    "no route, gateway, endpoint or name server: a flow log would have nothing to record",
    "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html",
    (
        "AwsSolutions-VPC7",
        "HIPAA.Security-VPCFlowLogsEnabled",
        "NIST.800.53.R5-VPCFlowLogsEnabled",
        "PCI.DSS.321-VPCFlowLogsEnabled",
    ),
)
