"""A data bucket, made here or somebody else's: who may do what with its objects."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from bedrock_rft.constraints import OBJECTS
from bedrock_rft.nag import acknowledge_wildcards
from rft_contract.layout import DATASETS, HELD_OUT_USES, RELEASES, RELEASES_DENIAL, RUNS, USES_DENIAL


class DatasetBucketBase(Construct):
    """A bucket for datasets and runs, and its grants; they do not include the key."""

    bucket: s3.IBucket
    """Datasets, and everything that runs read and write."""

    access_logs: s3.IBucket | None
    """Where its access logs go; None: nothing is known of them here."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._reserved: set[str] = set()

    def grant_get(self, grantee: iam.IGrantable, *patterns: str) -> iam.Grant:
        """Let a principal read objects.

        Args:
            grantee: Who.
            *patterns: Key patterns, such as `datasets/*`.
        """
        return self._grant(grantee, ("s3:GetObject",), patterns)

    def grant_put(self, grantee: iam.IGrantable, *patterns: str) -> iam.Grant:
        """Let a principal write objects whose keys match the patterns."""
        return self._grant(grantee, ("s3:PutObject",), patterns)

    def grant_put_tagged(self, grantee: iam.IGrantable, *patterns: str) -> iam.Grant:
        """Let a principal write objects whose keys match the patterns, with tags."""
        return self._grant(grantee, ("s3:PutObject", "s3:PutObjectTagging"), patterns)

    def grant_get_and_put(self, grantee: iam.IGrantable, *patterns: str) -> iam.Grant:
        """Let a principal read and write objects whose keys match the patterns."""
        return self._grant(grantee, ("s3:GetObject", "s3:PutObject"), patterns)

    def grant_put_and_delete(self, grantee: iam.IGrantable, *patterns: str) -> iam.Grant:
        """Let a principal write objects whose keys match the patterns, and delete them; old versions stay a while."""
        return self._grant(grantee, ("s3:DeleteObject", "s3:PutObject"), patterns)

    def grant_list(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal list every key; with it, reading a missing object answers 404 and not 403."""
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["s3:ListBucket"], resource_arns=[self.bucket.bucket_arn]
        )

    def grant_list_runs(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal list the keys of runs and no others."""
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:ListBucket"],
            resource_arns=[self.bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{RUNS}*"}},
        )

    def reserve_releases(self, *writers: iam.IRole) -> None:
        """Deny it to everybody but these roles to write, replace or delete releases, whatever other policies allow.

        Tags are among what they alone write, since lifecycle rules remove objects by their tags.
        Who may change the bucket's policy can lift this, and CloudTrail tells of it.

        Args:
            *writers: All of them.

        Raises:
            ValueError: When releases are reserved, since the writers would be denied to each other.
        """
        self._reserve("releases", f"{RELEASES}*", RELEASES_DENIAL, writers)

    def reserve_held_out_uses(self, writer: iam.IRole) -> None:
        """Deny it to everybody but this role to write or delete the list of runs that looked at a held-out set.

        Whoever brings datasets may write beside them, and could make the gate forget how often it was asked.

        Args:
            writer: Who counts the looks.

        Raises:
            ValueError: When they are reserved, since the writers would be denied to each other.
        """
        self._reserve("held-out sets' uses", f"{DATASETS}*/{HELD_OUT_USES}", USES_DENIAL, (writer,))

    def _reserve(self, name: str, pattern: str, denial: str, writers: tuple[iam.IRole, ...]) -> None:
        """Deny it to everybody but some roles to write, tag or delete what matches a pattern."""
        if denial in self._reserved:
            raise ValueError(f"{self.node.path}: {name} have writers already, wanted all of them in one call")
        self._reserved.add(denial)
        self._add_to_policy(
            iam.PolicyStatement(
                sid=denial,
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=[
                    "s3:PutObject",
                    "s3:PutObjectTagging",
                    "s3:PutObjectVersionTagging",
                    "s3:DeleteObject",
                    "s3:DeleteObjectVersion",
                    "s3:ReplicateObject",
                    "s3:ReplicateDelete",
                ],
                resources=[self.bucket.arn_for_objects(pattern)],
                conditions={"ArnNotEquals": {"aws:PrincipalArn": [writer.role_arn for writer in writers]}},
            )
        )

    def _add_to_policy(self, statement: iam.PolicyStatement) -> bool:
        """Add a statement to the bucket's policy; False: that policy cannot be changed from here."""
        return self.bucket.add_to_resource_policy(statement).statement_added

    def _grant(self, grantee: iam.IGrantable, actions: tuple[str, ...], patterns: tuple[str, ...]) -> iam.Grant:
        arns = [self.bucket.arn_for_objects(pattern) for pattern in patterns]
        grant = iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=arns)
        acknowledge_wildcards(grantee, arns, reason=OBJECTS)
        return grant
