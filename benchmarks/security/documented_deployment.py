"""Rights of CloudFormation that no resource type's schema names, and the AWS page that says why they are needed."""

from collections.abc import Sequence

from benchmarks.security.fact import AUTHORIZATION, AWS, Fact

REGISTRY = Fact(
    (),
    "the schema of a resource type names the rights with which its resources are created, read, updated and deleted",
    f"{AWS}/cloudformation-cli/latest/userguide/resource-type-schema.html",
)
"""Behind every action that a schema names."""

OF_DEPLOYMENT: Sequence[Fact] = (
    Fact(
        ("ec2:DescribeAccountAttributes", "ec2:DescribeAvailabilityZones"),
        "a template that takes the Region's first zones asks for them with `Fn::GetAZs`",
        f"{AWS}/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-getavailabilityzones.html",
    ),
    Fact(
        ("events:DisableRule", "events:EnableRule"),
        "whether a rule is on is part of the template, and changed by operations of their own",
        f"{AUTHORIZATION}/list_amazoneventbridge.html",
    ),
    Fact(
        ("iam:ListInstanceProfilesForRole", "iam:ListRoleTags"),
        "a role is deleted only once it is in no instance profile, and its tags are read one page at a time",
        f"{AUTHORIZATION}/list_awsidentityandaccessmanagementiam.html",
    ),
    Fact(
        ("lambda:ListTags",),
        "the tags of a function are read by an operation of their own",
        f"{AUTHORIZATION}/list_awslambda.html",
    ),
    Fact(
        ("route53:AssociateVPCWithHostedZone",),
        "the private names of an interface endpoint are a hosted zone, with which this action associates the VPC",
        f"{AWS}/Route53/latest/DeveloperGuide/hosted-zone-private-vpc-permissions.html",
    ),
    Fact(
        ("secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret"),
        "EventBridge looks at and deletes the secret that it keeps for a connection",
        f"{AWS}/aws-managed-policy/latest/reference/AmazonEventBridgeApiDestinationsServiceRolePolicy.html",
    ),
    Fact(
        ("ssm:GetParameters",),
        "a template of the CDK has a parameter that CloudFormation reads from Parameter Store: the bootstrap's version",
        f"{AWS}/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html",
    ),
)
"""What no schema names."""
