"""What CloudFormation may do when it deploys, in the place of AdministratorAccess: derived from the templates.

`python3 -m stacks.execution_policy show ENV` prints the policies, and `options ENV` the options with which
`cdk bootstrap` gives them to CloudFormation; `app ENV` is the CDK app of the stack that holds them. One bootstrap
serves an account and Region, so they cover every environment there that it deploys.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import App, BootstraplessSynthesizer, CfnResource, Environment, Stack
from aws_cdk import aws_iam as iam

from bedrock_rft import AssetError
from stacks.config import ENVIRONMENTS, RftConfig, choose
from stacks.deployment_rights import ALWAYS, RIGHTS, Rights
from stacks.stage import RftStage

QUALIFIER = "hnb659fds"
"""Of the CDK's own bootstrap (CDK developer guide, "Customize CDK bootstrapping")."""

_LIMIT = 6144
"""Characters of a managed policy, white space aside (IAM user guide, "IAM and AWS STS quotas")."""
_POLICIES = 10
"""Managed policies of a role, by default (the same page)."""

_CDK_JSON = Path(__file__).parents[1] / "cdk.json"

Statement = dict[str, object]


class ExecutionPolicyStack(Stack):
    """The managed policies of CloudFormation's role in an account and Region; deployed before there is a bootstrap."""

    def __init__(self, app: App, *, environments: Sequence[RftConfig]) -> None:
        """Define the policies.

        Args:
            app: Where the stack belongs.
            environments: Those of one account, Region and bootstrap.
        """
        first = environments[0]
        super().__init__(
            app,
            _name(first),
            description="What CloudFormation may do for the reinforcement fine-tuning platform",
            env=Environment(account=first.account, region=first.region),
            synthesizer=BootstraplessSynthesizer(),
        )
        for number, statements in enumerate(policies(environments), start=1):
            iam.CfnManagedPolicy(
                self,
                f"Policy{number}",
                managed_policy_name=f"{_name(first)}-{number}",
                policy_document={"Version": "2012-10-17", "Statement": statements},
            )


def together(config: RftConfig) -> list[RftConfig]:
    """Return the environments that one bootstrap deploys, this one among them."""
    place = (config.account, config.region, config.bootstrap_qualifier)
    return [one for one in ENVIRONMENTS if (one.account, one.region, one.bootstrap_qualifier) == place]


def policies(environments: Sequence[RftConfig]) -> list[list[Statement]]:
    """Return the statements of each managed policy.

    Args:
        environments: Those of one bootstrap.

    Raises:
        ValueError: When a template has a type whose rights are not known, or a role would need too many policies.
    """
    statements = [statement for config in environments for statement in _statements(config, _types(config))]
    parts: list[list[Statement]] = [[]]
    for statement in statements:
        if len(_text([*parts[-1], statement])) > _LIMIT:
            parts.append([])
        parts[-1].append(statement)
    if len(parts) > _POLICIES:
        raise ValueError(f"execution policy: got {len(parts)} managed policies, a role has at most {_POLICIES}")
    return parts


def _types(config: RftConfig) -> Mapping[str, list[str]]:
    """Return the resource types of an environment's stack, each with the logical ids of its resources."""
    flags = json.loads(_CDK_JSON.read_text())["context"]
    found: dict[str, list[str]] = {}
    # Assets are staged as constructs are made: not into the output of the app that this may run in.
    with TemporaryDirectory() as folder:
        stack = RftStage(App(analytics_reporting=False, context=flags, outdir=folder), config=config).platform
        for child in stack.node.find_all():
            if isinstance(child, CfnResource):
                found.setdefault(child.cfn_resource_type, []).append(str(stack.resolve(child.logical_id)))
    return found


def _statements(config: RftConfig, types: Mapping[str, Sequence[str]]) -> Iterator[Statement]:
    """Yield statements, those on the same resources and under the same condition as one."""
    if unknown := sorted(types.keys() - RIGHTS.keys()):
        raise ValueError(
            f"{config.environment}: execution policy: the template has {', '.join(unknown)}, which RIGHTS in "
            "stacks/deployment_rights.py does not know"
        )
    needs = chain(
        ((rights, [""]) for rights in ALWAYS),
        ((rights, types[kind]) for kind in sorted(types) for rights in RIGHTS[kind]),
    )
    merged: dict[tuple[tuple[str, ...], str], set[str]] = {}
    for rights, names in needs:
        patterns = tuple(sorted({_arn(pattern, config, name) for pattern in rights.on for name in names}))
        merged.setdefault((patterns, json.dumps(_condition(rights, config))), set()).update(rights.actions)
    for (patterns, condition), actions in sorted(merged.items()):
        statement: Statement = {"Effect": "Allow", "Action": sorted(actions), "Resource": list(patterns)}
        yield {**statement, "Condition": json.loads(condition)} if condition != "{}" else statement


def _arn(pattern: str, config: RftConfig, logical_id: str) -> str:
    return pattern.format(
        partition="aws",
        region=config.region,
        account=config.account,
        stack=config.stack_name,
        lower_stack=config.stack_name.lower(),
        logical_id=logical_id,
        qualifier=config.bootstrap_qualifier or QUALIFIER,
        token_secret=config.github.token_secret if config.github else None,
    )


def _condition(rights: Rights, config: RftConfig) -> dict[str, dict[str, str]]:
    if rights.bounds and config.permissions_boundary is not None:
        return {"StringEquals": {"iam:PermissionsBoundary": _boundary_arn(config.permissions_boundary, config)}}
    if rights.through and rights.actions == ("iam:PassRole",):
        return {"StringEquals": {"iam:PassedToService": f"{rights.through}.amazonaws.com"}}
    if rights.through:
        return {"StringEquals": {"kms:ViaService": f"{rights.through}.{config.region}.amazonaws.com"}}
    return {}


def _boundary_arn(policy: str, config: RftConfig) -> str:
    return policy if policy.startswith("arn:") else f"arn:aws:iam::{config.account}:policy/{policy}"


def _name(config: RftConfig) -> str:
    """Return the stack's name, which is that of an account's policies too: one for each Region and bootstrap."""
    parts = ["RftExecutionPolicy", config.region, *filter(None, [config.bootstrap_qualifier])]
    return "-".join(parts)


def _options(config: RftConfig) -> Iterator[str]:
    """Yield the options of `cdk bootstrap`."""
    environments = together(config)
    arns = (
        f"arn:aws:iam::{config.account}:policy/{_name(config)}-{number}"
        for number in range(1, len(policies(environments)) + 1)
    )
    yield f"--cloudformation-execution-policies {','.join(arns)}"
    if config.permissions_boundary is not None:
        arn = _boundary_arn(config.permissions_boundary, config)
        yield f"--custom-permissions-boundary {arn.partition(':policy/')[2]}"
    if config.bootstrap_qualifier is not None:
        qualifier = config.bootstrap_qualifier
        yield f"--qualifier {qualifier} --toolkit-stack-name CDKToolkit-{qualifier}"


def _text(statements: Sequence[Statement]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def main(arguments: Sequence[str]) -> str | None:
    """Answer the Makefile's questions; return an error for the shell, or None.

    Args:
        arguments: `show ENV`, `app ENV` or `options ENV`.
    """
    try:
        question, name = arguments
        (config,) = choose(ENVIRONMENTS, name)
        if question == "show":
            documents = [{"Version": "2012-10-17", "Statement": one} for one in policies(together(config))]
            print(json.dumps(documents, indent=2))
        elif question == "app":
            app = App(analytics_reporting=False)
            ExecutionPolicyStack(app, environments=together(config))
            app.synth()
        elif question == "options":
            print(" ".join(_options(config)))
        else:
            raise ValueError(f"question: got {question!r}, wanted show, app or options")
    except (AssetError, ValueError) as error:
        return f"error: {error}"
    return None


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python3 -m stacks.execution_policy show|app|options ENV")
    sys.exit(main(sys.argv[1:]))
