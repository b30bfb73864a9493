"""What CloudFormation must be allowed to create, change, read and delete resources of each type.

Sources: the permissions of each type's handlers in the CloudFormation registry (`aws cloudformation describe-type`),
and for types whose schema names none, the API operations of their service. Actions that CloudFormation makes for
properties which no template here has are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rights:
    """Actions on resources.

    Args:
        actions: All of them; within a service prefix.
        on: ARN patterns, with `{partition}`, `{region}`, `{account}`, `{stack}` (also `{lower_stack}`, as buckets are
            named), `{logical_id}` of the resource, `{qualifier}` of the bootstrap, and `{token_secret}` of GitHub.
        through: Service that alone may get what is passed, or alone may use a key, such as `lambda`. Empty: anybody.
        bounds: Whether the action gives a role rights, so that a permissions boundary must be on it.
    """

    actions: tuple[str, ...]
    on: tuple[str, ...]
    through: str = ""
    bounds: bool = False


def _all(service: str, names: str) -> tuple[str, ...]:
    return tuple(f"{service}:{name}" for name in names.split())


_ROLES = ("arn:{partition}:iam::{account}:role/{stack}-*",)
_POLICIES = ("arn:{partition}:iam::{account}:policy/{stack}-*",)
_FUNCTIONS = ("arn:{partition}:lambda:{region}:{account}:function:{stack}-*",)
_KEYS = ("arn:{partition}:kms:{region}:{account}:key/*",)
_QUEUES = ("arn:{partition}:sqs:{region}:{account}:{stack}-*",)
_TOPICS = ("arn:{partition}:sns:{region}:{account}:{stack}-*",)
_BUCKETS = ("arn:{partition}:s3:::{lower_stack}-*",)
_NETWORK = ("arn:{partition}:ec2:{region}:{account}:*",)
_ANYTHING = ("*",)


def _network(names: str, describes: str) -> tuple[Rights, ...]:
    return (
        Rights(_all("ec2", f"{names} CreateTags DeleteTags"), _NETWORK),
        Rights(_all("ec2", " ".join(f"Describe{what}" for what in describes.split())), _ANYTHING),
    )


def _passing(service: str) -> Rights:
    return Rights(("iam:PassRole",), _ROLES, through=service)


ALWAYS = (
    Rights(
        ("ssm:GetParameters",),
        ("arn:{partition}:ssm:{region}:{account}:parameter/cdk-bootstrap/{qualifier}/version",),
    ),
)
"""What every template of the CDK needs: it asks which version of the bootstrap it meets."""

RIGHTS: Mapping[str, tuple[Rights, ...]] = {
    "AWS::CloudWatch::Alarm": (
        Rights(
            _all("cloudwatch", "DeleteAlarms ListTagsForResource PutMetricAlarm TagResource UntagResource"),
            ("arn:{partition}:cloudwatch:{region}:{account}:alarm:{stack}-*",),
        ),
        Rights(("cloudwatch:DescribeAlarms",), _ANYTHING),
    ),
    "AWS::CloudWatch::Dashboard": (
        Rights(
            _all("cloudwatch", "DeleteDashboards GetDashboard PutDashboard"),
            ("arn:{partition}:cloudwatch::{account}:dashboard/{stack}",),
        ),
    ),
    "AWS::EC2::FlowLog": (
        *_network("CreateFlowLogs DeleteFlowLogs", "FlowLogs"),
        _passing("vpc-flow-logs"),
        Rights(_all("logs", "CreateLogDelivery DeleteLogDelivery"), _ANYTHING),
    ),
    "AWS::EC2::RouteTable": _network("CreateRouteTable DeleteRouteTable", "RouteTables"),
    "AWS::EC2::SecurityGroup": _network(
        "AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateSecurityGroup DeleteSecurityGroup "
        "RevokeSecurityGroupEgress RevokeSecurityGroupIngress",
        "SecurityGroupRules SecurityGroups",
    ),
    "AWS::EC2::SecurityGroupIngress": _network(
        "AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress UpdateSecurityGroupRuleDescriptionsIngress",
        "SecurityGroupRules SecurityGroups",
    ),
    "AWS::EC2::Subnet": _network(
        "CreateSubnet DeleteSubnet ModifySubnetAttribute",
        # Zones and account attributes: user guide, "Fn::GetAZs".
        "AccountAttributes AvailabilityZones NetworkAcls RouteTables Subnets",
    ),
    "AWS::EC2::SubnetRouteTableAssociation": _network(
        "AssociateRouteTable DisassociateRouteTable ReplaceRouteTableAssociation", "RouteTables Subnets"
    ),
    "AWS::EC2::VPC": _network("CreateVpc DeleteVpc ModifyVpcAttribute", "NetworkAcls SecurityGroups VpcAttribute Vpcs"),
    "AWS::EC2::VPCEndpoint": (
        *_network("CreateVpcEndpoint DeleteVpcEndpoints ModifyVpcEndpoint", "NetworkInterfaces VpcEndpoints"),
        # The private names of an interface endpoint are a hosted zone.
        Rights(("route53:AssociateVPCWithHostedZone",), _ANYTHING),
    ),
    "AWS::Events::ApiDestination": (
        Rights(
            _all("events", "CreateApiDestination DeleteApiDestination DescribeApiDestination UpdateApiDestination"),
            tuple(
                f"arn:{{partition}}:events:{{region}}:{{account}}:{kind}/*"
                for kind in ("api-destination", "connection")
            ),
        ),
    ),
    "AWS::Events::Connection": (
        Rights(
            _all("events", "CreateConnection DeleteConnection DescribeConnection UpdateConnection"),
            ("arn:{partition}:events:{region}:{account}:connection/*",),
        ),
        # EventBridge keeps what it was given in a secret of its own (user guide, "Connections").
        Rights(
            _all(
                "secretsmanager",
                "CreateSecret DeleteSecret DescribeSecret GetSecretValue PutSecretValue UpdateSecret",
            ),
            ("arn:{partition}:secretsmanager:{region}:{account}:secret:events!connection/*",),
        ),
        Rights(
            ("iam:CreateServiceLinkedRole",),
            (
                "arn:{partition}:iam::{account}:role/aws-service-role/apidestinations.events.amazonaws.com/"
                "AWSServiceRoleForAmazonEventBridgeApiDestinations",
            ),
        ),
        Rights(
            ("secretsmanager:GetSecretValue",),
            ("arn:{partition}:secretsmanager:{region}:{account}:secret:{token_secret}-??????",),
        ),
    ),
    "AWS::Events::Rule": (
        Rights(
            _all(
                "events",
                "DeleteRule DescribeRule DisableRule EnableRule ListTagsForResource ListTargetsByRule PutRule "
                "PutTargets RemoveTargets TagResource UntagResource",
            ),
            ("arn:{partition}:events:{region}:{account}:rule/{stack}-*",),
        ),
        _passing("events"),
    ),
    "AWS::IAM::ManagedPolicy": (
        Rights(
            _all(
                "iam",
                "CreatePolicy CreatePolicyVersion DeletePolicy DeletePolicyVersion GetPolicy GetPolicyVersion "
                "ListEntitiesForPolicy ListPolicyVersions",
            ),
            _POLICIES,
        ),
    ),
    "AWS::IAM::OIDCProvider": (
        Rights(
            _all(
                "iam",
                "AddClientIDToOpenIDConnectProvider CreateOpenIDConnectProvider DeleteOpenIDConnectProvider "
                "GetOpenIDConnectProvider ListOpenIDConnectProviderTags RemoveClientIDFromOpenIDConnectProvider "
                "TagOpenIDConnectProvider UntagOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint",
            ),
            ("arn:{partition}:iam::{account}:oidc-provider/token.actions.githubusercontent.com",),
        ),
    ),
    "AWS::IAM::Policy": (
        Rights(("iam:PutRolePolicy",), _ROLES, bounds=True),
        Rights(_all("iam", "DeleteRolePolicy GetRolePolicy"), _ROLES),
    ),
    "AWS::IAM::Role": (
        Rights(_all("iam", "CreateRole PutRolePermissionsBoundary PutRolePolicy"), _ROLES, bounds=True),
        Rights(
            _all(
                "iam",
                "DeleteRole DeleteRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies "
                "ListInstanceProfilesForRole ListRolePolicies ListRoleTags TagRole UntagRole UpdateAssumeRolePolicy "
                "UpdateRole UpdateRoleDescription",
            ),
            _ROLES,
        ),
    ),
    "AWS::KMS::Key": (
        Rights(("kms:CreateKey",), _ANYTHING),
        Rights(
            _all(
                "kms",
                "DescribeKey DisableKey EnableKey EnableKeyRotation DisableKeyRotation GetKeyPolicy "
                "GetKeyRotationStatus ListResourceTags PutKeyPolicy ScheduleKeyDeletion TagResource UntagResource "
                "UpdateKeyDescription",
            ),
            _KEYS,
        ),
    ),
    "AWS::Lambda::Alias": (
        Rights(
            _all("lambda", "CreateAlias DeleteAlias GetAlias GetProvisionedConcurrencyConfig UpdateAlias"), _FUNCTIONS
        ),
    ),
    "AWS::Lambda::EventInvokeConfig": (
        Rights(
            _all(
                "lambda",
                "DeleteFunctionEventInvokeConfig GetFunctionEventInvokeConfig PutFunctionEventInvokeConfig "
                "UpdateFunctionEventInvokeConfig",
            ),
            _FUNCTIONS,
        ),
    ),
    "AWS::Lambda::Function": (
        Rights(
            _all(
                "lambda",
                "CreateFunction DeleteFunction DeleteFunctionConcurrency GetFunction GetFunctionCodeSigningConfig "
                "GetFunctionConfiguration GetFunctionRecursionConfig GetRuntimeManagementConfig ListTags "
                "PutFunctionConcurrency TagResource UntagResource UpdateFunctionCode UpdateFunctionConfiguration",
            ),
            _FUNCTIONS,
        ),
        Rights(("s3:GetObject",), ("arn:{partition}:s3:::cdk-{qualifier}-assets-{account}-{region}/*",)),
        Rights(_all("ec2", "DescribeSecurityGroups DescribeSubnets DescribeVpcs"), _ANYTHING),
        _passing("lambda"),
    ),
    "AWS::Lambda::Permission": (Rights(_all("lambda", "AddPermission GetPolicy RemovePermission"), _FUNCTIONS),),
    "AWS::Lambda::Version": (
        Rights(
            _all("lambda", "DeleteFunction GetFunctionConfiguration ListVersionsByFunction PublishVersion"),
            _FUNCTIONS,
        ),
    ),
    "AWS::Logs::LogGroup": (
        Rights(
            _all(
                "logs",
                "AssociateKmsKey CreateLogGroup DeleteLogGroup DeleteRetentionPolicy DisassociateKmsKey "
                "ListTagsForResource PutRetentionPolicy TagResource UntagResource",
            ),
            ("arn:{partition}:logs:{region}:{account}:log-group:{stack}-*",),
        ),
        Rights(("logs:DescribeLogGroups",), _ANYTHING),
    ),
    "AWS::S3::Bucket": (
        Rights(
            _all(
                "s3",
                "CreateBucket DeleteBucket GetBucketLogging GetBucketNotification GetBucketOwnershipControls "
                "GetBucketPublicAccessBlock GetBucketTagging GetBucketVersioning GetEncryptionConfiguration "
                "GetLifecycleConfiguration GetReplicationConfiguration ListBucket PutBucketLogging "
                "PutBucketNotification PutBucketOwnershipControls PutBucketPublicAccessBlock PutBucketTagging "
                "PutBucketVersioning PutEncryptionConfiguration PutLifecycleConfiguration "
                "PutReplicationConfiguration",
            ),
            _BUCKETS,
        ),
        _passing("s3"),
    ),
    "AWS::S3::BucketPolicy": (Rights(_all("s3", "DeleteBucketPolicy GetBucketPolicy PutBucketPolicy"), _BUCKETS),),
    "AWS::SNS::Subscription": (
        Rights(
            _all(
                "sns",
                "GetSubscriptionAttributes ListSubscriptionsByTopic SetSubscriptionAttributes Subscribe Unsubscribe",
            ),
            _TOPICS,
        ),
    ),
    "AWS::SNS::Topic": (
        Rights(
            _all(
                "sns",
                "CreateTopic DeleteTopic GetDataProtectionPolicy GetTopicAttributes ListSubscriptionsByTopic "
                "ListTagsForResource SetTopicAttributes TagResource UntagResource",
            ),
            _TOPICS,
        ),
    ),
    "AWS::SNS::TopicPolicy": (Rights(_all("sns", "GetTopicAttributes SetTopicAttributes"), _TOPICS),),
    "AWS::SQS::Queue": (
        Rights(
            _all(
                "sqs",
                "CreateQueue DeleteQueue GetQueueAttributes GetQueueUrl ListQueueTags SetQueueAttributes TagQueue "
                "UntagQueue",
            ),
            _QUEUES,
        ),
    ),
    "AWS::SQS::QueuePolicy": (Rights(_all("sqs", "GetQueueAttributes SetQueueAttributes"), _QUEUES),),
    "AWS::StepFunctions::StateMachine": (
        Rights(
            _all(
                "states",
                "CreateStateMachine DeleteStateMachine DescribeStateMachine ListTagsForResource TagResource "
                "UntagResource UpdateStateMachine",
            ),
            ("arn:{partition}:states:{region}:{account}:stateMachine:{logical_id}-*",),
        ),
        Rights(_all("kms", "Decrypt DescribeKey GenerateDataKey"), _KEYS, through="states"),
        _passing("states"),
    ),
}
"""Resource type -> what its resources need. A template with another type outgrows it."""
