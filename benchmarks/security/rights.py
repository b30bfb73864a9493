"""The rights that a template grants, one by one: a role, an action, a resource, a condition.

Names that CloudFormation would choose are replaced by logical ids, which are the same in every environment, so that
rights of a template and recorded calls of a deployed stack can be compared. Reward functions are instances of one
construct: each bears the name of the first, so that a right on them is one right however many rewards there are.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
_ARNS = {
    "AWS::CodeBuild::Project": "arn:aws:codebuild:{region}:{account}:project/{name}",
    "AWS::Events::ApiDestination": "arn:aws:events:{region}:{account}:api-destination/{name}",
    "AWS::Events::Rule": "arn:aws:events:{region}:{account}:rule/{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
}
_REF_IS_ARN = ("AWS::SNS::Topic", "AWS::StepFunctions::StateMachine")
_REWARD = re.compile(r"/Rewards/[^/]+/")
_HASH = re.compile(r"(?<=[a-z])[0-9A-F]{8}(?![0-9A-Za-z])")


@dataclass(frozen=True, order=True)
class Right:
    """One thing that a policy says about one role.

    Args:
        role: Logical id of the role.
        effect: `Allow` or `Deny`.
        action: Such as `s3:GetObject`.
        resource: Pattern of ARNs.
        condition: The statement's condition as JSON with sorted keys; empty without one.
    """

    role: str
    effect: str
    action: str
    resource: str
    condition: str = ""

    def statement(self) -> dict[str, Any]:
        """Return the right as a policy's statement of its own."""
        condition = {"Condition": json.loads(self.condition)} if self.condition else {}
        return {"Effect": self.effect, "Action": self.action, "Resource": self.resource, **condition}


class Template:
    """A stack's template, with its intrinsic functions resolved to logical ids.

    Args:
        document: The template as CloudFormation reads it.
        account: Twelve digits.
        region: Its Region.
        prefix: Put before logical ids where they stand for names, to tell environments apart.
    """

    def __init__(self, document: Mapping[str, Any], *, account: str, region: str, prefix: str = "") -> None:
        self.resources: Mapping[str, Any] = document["Resources"]
        self._prefix = prefix
        self.place: Mapping[str, str] = {"account": account, "region": region}
        self._first = self._first_of_its_kind()
        longest_first = sorted(self._first, key=len, reverse=True)
        self._others = re.compile("|".join(longest_first) or "(?!)")

    def of_type(self, *kinds: str) -> Iterator[tuple[str, Any]]:
        """Yield logical id and resource of some types."""
        for name, resource in self.resources.items():
            if resource["Type"] in kinds:
                yield name, resource

    def rights(self) -> list[Right]:
        """Return what the policies of all roles say, sorted and without repetitions."""
        found = set[Right]()
        for name, resource in self.of_type(*_POLICIES, "AWS::IAM::Role"):
            if self._is_for_people(resource):
                continue
            properties = resource["Properties"]
            roles = [self.same(role["Ref"]) for role in properties.get("Roles", [])] or [name]
            own = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
            document = properties.get("PolicyDocument")
            for policy in [*own, *([document] if document else [])]:
                found.update(right for role in roles for right in self._rights(role, policy))
        return sorted(found)

    def for_people(self) -> dict[str, list[Right]]:
        """Return the managed policies that the stack attaches to nobody: what each says, by the policy's name."""
        return {
            resource["Properties"]["ManagedPolicyName"]: sorted(
                set(self._rights(name, resource["Properties"]["PolicyDocument"]))
            )
            for name, resource in self.of_type("AWS::IAM::ManagedPolicy")
            if self._is_for_people(resource)
        }

    @staticmethod
    def _is_for_people(resource: Mapping[str, Any]) -> bool:
        return bool(resource["Type"] == "AWS::IAM::ManagedPolicy" and not resource["Properties"].get("Roles"))

    def _rights(self, role: str, document: Mapping[str, Any]) -> Iterator[Right]:
        for statement in document["Statement"]:
            conditions = statement.get("Condition")
            condition = json.dumps(self.plain(conditions), sort_keys=True) if conditions else ""
            for action in _listed(statement["Action"]):
                for resource in _listed(statement["Resource"]):
                    yield Right(role, statement["Effect"], action, self.text(resource), condition)

    def _first_of_its_kind(self) -> dict[str, str]:
        """Return logical id -> logical id of the same resource of the first reward, for those of all other rewards."""
        first: dict[str, str] = {}
        found: dict[str, str] = {}
        for name, resource in self.resources.items():
            path = resource.get("Metadata", {}).get("aws:cdk:path", "")
            if _REWARD.search(path) and not resource["Type"].endswith("::Version"):
                kind = _REWARD.sub("/Rewards/", path)
                if first.setdefault(kind, name) != name:
                    found[name] = first[kind]
        return found

    def same(self, text: str) -> str:
        """Return a text in which every reward's resource bears the name of the first reward's."""
        return self._others.sub(lambda found: self._first[found.group()], text)

    def label(self, logical_id: str) -> str:
        """Return where a resource stands among the constructs, such as `Training/Workflow/Handlers/Plan`."""
        return label(construct_path(self.resources[logical_id], logical_id))

    def arn(self, logical_id: str) -> str:
        """Return the ARN of a resource whose name is its logical id; empty for a type without one here."""
        kind = self.resources[logical_id]["Type"]
        return _ARNS[kind].format(name=self._prefix + self.same(logical_id), **self.place) if kind in _ARNS else ""

    def plain(self, value: Any) -> Any:
        """Return a value with every intrinsic function in it resolved."""
        match value:
            case {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::Join": _} | {"Fn::Select": _}:
                return self.text(value)
            case dict():
                return {key: self.plain(item) for key, item in value.items()}
            case list():
                return [self.plain(item) for item in value]
        return value

    def text(self, value: Any) -> str:
        """Return the text that an intrinsic function stands for.

        Raises:
            ValueError: For a function that is not known here.
        """
        match value:
            case str():
                return value
            case {"Ref": "AWS::Partition"}:
                return "aws"
            case {"Ref": "AWS::AccountId"}:
                return self.place["account"]
            case {"Ref": "AWS::Region"}:
                return self.place["region"]
            case {"Ref": str(name)}:
                return self._ref(name)
            case {"Fn::Sub": str(text)} if "${" not in text.replace("${AWS::Partition}", ""):
                return text.replace("${AWS::Partition}", "aws")
            case {"Fn::GetAtt": [str(name), "Arn"]}:
                return self.arn(name)
            case {"Fn::GetAtt": [str(name), "GroupId" | "Name"]}:
                return self._prefix + name
            case {"Fn::Join": [str(separator), [*parts]]}:
                return separator.join(map(self.text, parts))
            case {"Fn::Select": [index, {"Fn::Split": [str(separator), source]}]}:
                return self.text(source).split(separator)[int(index)]
        raise ValueError(f"intrinsic function: got {json.dumps(value)}, which is not known here")

    def _ref(self, name: str) -> str:
        resource = self.resources[name]
        if resource["Type"] == "AWS::Lambda::Version":
            # CloudFormation learns the number when it creates the version.
            return f"{self.arn_of_function(resource)}:*"
        return self.arn(name) if resource["Type"] in _REF_IS_ARN else self._prefix + name

    def arn_of_function(self, version: Mapping[str, Any]) -> str:
        """Return the ARN of the function that a version or alias belongs to."""
        name = version["Properties"]["FunctionName"]
        return self.arn(name["Ref"]) if "Ref" in name else self.text(name)


def construct_path(resource: Mapping[str, Any], logical_id: str) -> str:
    """Return the path of the construct that made a resource.

    Args:
        resource: The resource, as a template has it.
        logical_id: Its id, for resources that do not tell.
    """
    return str(resource.get("Metadata", {}).get("aws:cdk:path", logical_id))


def label(path: str) -> str:
    """Return where a construct stands in its stack, such as `Training/Workflow/Handlers/Plan`.

    Args:
        path: Its path, which begins with stage and stack.
    """
    parts = path.split("/")[2:]
    while parts and parts[-1] in ("Resource", "Role", "Function", "DefaultPolicy"):
        parts.pop()
    return _REWARD.sub("/Rewards/*/", f"{'/'.join(parts) or path}/").removesuffix("/")


def short(text: str) -> str:
    """Return a text without the hashes that the CDK appends to logical ids."""
    return _HASH.sub("", text)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
