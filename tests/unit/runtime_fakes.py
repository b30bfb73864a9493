"""Small in-memory AWS clients. Every Bedrock request is checked against botocore's service model."""

import base64
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import botocore.session
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rft_contract.reward_spec import FILE_NAME, RewardSpec
from rft_contract.settings import PlatformResources, PlatformSettings
from rft_runtime.clients import Clients
from rft_runtime.grading import grade_batch
from rft_runtime.platform import Platform

REGION = "us-east-1"
ACCOUNT = "123456789012"
BUCKET = "dev-data"
BASE_MODEL = "amazon.nova-2-lite-v1:0:256k"
REWARD_FUNCTION = "dev-reward-label"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{REWARD_FUNCTION}"
EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:dev:"
REWARD = RewardSpec(name="tickets", grader="label", options={"labels": ["billing", "shipping"]})
REWARD_HASH = "0123456789abcdef" * 4
CUSTOM_TOKENS = "(Model customization) Sum of on demand custom model deployment tokens"
SETTINGS = PlatformSettings(environment="dev", rows_per_shard=40)
SIGNING_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/99999999-8888-7777-6666-555555555555"
RESOURCES = PlatformResources(
    bucket=BUCKET,
    key_arn=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
    customization_role_arn=f"arn:aws:iam::{ACCOUNT}:role/dev-customization",
    topic_arn=f"arn:aws:sns:{REGION}:{ACCOUNT}:dev-outcomes",
    release_key_arn=SIGNING_KEY,
    rewards={"tickets": REWARD_FUNCTION},
)


def aws_error(code: str, operation: str = "Operation", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": f"{code} by the test"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]  # the rest of the metadata is not read
        operation,
    )


@cache
def service_model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def breaches(shape: Shape, value: Any, path: str = "$") -> list[str]:
    """Return how a request breaks the service model: members, bounds, enums, patterns (botocore checks only some)."""
    meta = shape.metadata
    found = []
    if isinstance(shape, StructureShape) and not shape.is_document_type:
        found += [f"{path}.{name}: missing" for name in shape.required_members if name not in value]
        for name, inner in value.items():
            if name not in shape.members:
                found.append(f"{path}.{name}: unknown")
            else:
                found += breaches(shape.members[name], inner, f"{path}.{name}")
        return found
    if isinstance(shape, ListShape):
        return [text for number, item in enumerate(value) for text in breaches(shape.member, item, f"{path}[{number}]")]
    if isinstance(shape, MapShape):
        return [text for name, item in value.items() for text in breaches(shape.value, item, f"{path}.{name}")]
    if isinstance(shape, StructureShape):
        return found  # a document: any JSON
    kinds: dict[str, type | tuple[type, ...]] = {"string": str, "integer": int, "float": (int, float)}
    if shape.type_name in kinds and not isinstance(value, kinds[shape.type_name]):
        return [f"{path}: {value!r} is no {shape.type_name}"]
    size = len(value) if isinstance(value, (str, bytes)) else value
    if ("min" in meta and size < meta["min"]) or ("max" in meta and size > meta["max"]):
        found.append(f"{path}: {value!r} out of bounds")
    if "pattern" in meta and not re.fullmatch(meta["pattern"], value):
        found.append(f"{path}: {value!r} does not match")
    if "enum" in meta and value not in meta["enum"]:
        found.append(f"{path}: {value!r} not in {meta['enum']}")
    return found


def check_request(service: str, operation: str, request: dict[str, Any]) -> None:
    shape = service_model(service).operation_model(operation).input_shape
    assert shape is not None
    assert breaches(shape, request) == []


@dataclass
class FakeS3:
    objects: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    tags: dict[str, str | None] = field(default_factory=dict)
    on_put: Callable[[str], None] = lambda key: None
    region: str = REGION

    def get_object(self, *, Bucket: str, Key: str, Range: str | None = None) -> dict[str, Any]:
        assert Bucket == BUCKET
        check_request("s3", "GetObject", {"Bucket": Bucket, "Key": Key})
        if Key not in self.objects:
            raise aws_error("NoSuchKey", "GetObject", 404)
        body = self.objects[Key]
        if Range is not None:
            first, last = Range.removeprefix("bytes=").split("-")
            body = body[int(first) : int(last) + 1 if last else None]
        return {"Body": io.BytesIO(body), "ETag": f'"{self.versions[Key]}"'}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        check_request("s3", "HeadObject", {"Bucket": Bucket, "Key": Key})
        if Key not in self.objects:
            raise aws_error("404", "HeadObject", 404)
        return {
            "ETag": f'"{self.versions[Key]}"',
            "VersionId": f"v{self.versions[Key]}",
            "ContentLength": len(self.objects[Key]),
            "Metadata": self.metadata.get(Key, {}),
        }

    def head_bucket(self, *, Bucket: str) -> dict[str, Any]:
        check_request("s3", "HeadBucket", {"Bucket": Bucket})
        return {"BucketRegion": self.region}

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: Any,
        ContentType: str,
        IfNoneMatch: str | None = None,
        IfMatch: str | None = None,
        Tagging: str | None = None,
    ) -> dict[str, Any]:
        assert Bucket == BUCKET
        self.tags[Key] = Tagging
        self.on_put(Key)
        if IfNoneMatch == "*" and Key in self.objects:
            raise aws_error("PreconditionFailed", "PutObject", 412)
        if IfMatch is not None and IfMatch != f'"{self.versions.get(Key)}"':
            raise aws_error("PreconditionFailed", "PutObject", 412)
        self.objects[Key] = Body if isinstance(Body, bytes) else Body.read()
        self.versions[Key] = self.versions.get(Key, 0) + 1
        return {}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_objects_v2"
        return SimpleNamespace(
            paginate=lambda Bucket, Prefix: [
                {"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}
            ]
        )

    def delete_object(self, *, Bucket: str, Key: str) -> None:
        check_request("s3", "DeleteObject", {"Bucket": Bucket, "Key": Key})
        self.objects.pop(Key, None)

    def put(self, key: str, body: bytes) -> None:
        self.put_object(Bucket=BUCKET, Key=key, Body=body, ContentType="text/plain")


Grader = Callable[[dict[str, Any]], float | None]


@dataclass
class FakeLambda:
    live: dict[str, str] = field(default_factory=lambda: {REWARD_FUNCTION: "7"})
    aliases: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    grade: Grader = lambda item: 1.0
    events: list[list[dict[str, Any]]] = field(default_factory=list)
    crashes: int = 0
    crash_error: str = "KeyError"
    reports_errors: bool = False
    """Whether an error of `grade` is answered as Lambda does it, and not raised in the test."""
    spec: RewardSpec | None = REWARD
    """What the code says that it is made of; None: it is its author's own."""
    variables: dict[str, str] = field(default_factory=lambda: {"RFT_REWARD_HASH": REWARD_HASH})
    unreserved: int = 1000
    reserved: int | None = None
    runs_its_code: bool = False
    """Whether completions are graded as `spec` says, and not by `grade`."""

    def get_function(self, *, FunctionName: str, Qualifier: str) -> dict[str, Any]:
        check_request("lambda", "GetFunction", {"FunctionName": FunctionName, "Qualifier": Qualifier})
        if Qualifier != "live" and (FunctionName, Qualifier) not in self.aliases:
            raise aws_error("ResourceNotFoundException", "GetFunction", 404)
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            # A ZipInfo has a date of its own, so equal code has an equal hash.
            archive.writestr(zipfile.ZipInfo("handler.py"), "")
            if self.spec is not None:
                archive.writestr(zipfile.ZipInfo(FILE_NAME), json.dumps(self.spec.to_json()))
        body = base64.b64encode(code.getvalue()).decode()
        sha256 = base64.b64encode(hashlib.sha256(code.getvalue()).digest()).decode()
        return {
            "Configuration": {"CodeSha256": sha256, "Environment": {"Variables": self.variables}},
            "Code": {"Location": f"data:application/zip;base64,{body}"},
        }

    def get_alias(self, *, FunctionName: str, Name: str) -> dict[str, str]:
        if Name == "live" and FunctionName in self.live:
            return {"FunctionVersion": self.live[FunctionName], "AliasArn": f"{FUNCTION_ARN}:live"}
        if (FunctionName, Name) in self.aliases:
            return self.aliases[FunctionName, Name]
        raise aws_error("ResourceNotFoundException", "GetAlias", 404)

    def create_alias(self, *, FunctionName: str, Name: str, FunctionVersion: str) -> dict[str, str]:
        request = {"FunctionName": FunctionName, "Name": Name, "FunctionVersion": FunctionVersion}
        check_request("lambda", "CreateAlias", request)
        if (FunctionName, Name) in self.aliases:
            raise aws_error("ResourceConflictException", "CreateAlias", 409)
        alias = {"AliasArn": f"{FUNCTION_ARN}:{Name}", "FunctionVersion": FunctionVersion}
        self.aliases[FunctionName, Name] = alias
        return alias

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"UnreservedConcurrentExecutions": self.unreserved}}

    def get_function_concurrency(self, *, FunctionName: str) -> dict[str, int]:
        check_request("lambda", "GetFunctionConcurrency", {"FunctionName": FunctionName})
        return {} if self.reserved is None else {"ReservedConcurrentExecutions": self.reserved}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_aliases"
        return SimpleNamespace(
            paginate=lambda FunctionName, PaginationConfig: [
                {"Aliases": [{"Name": name} for function, name in self.aliases if function == FunctionName]}
            ]
        )

    def delete_alias(self, *, FunctionName: str, Name: str) -> None:
        self.aliases.pop((FunctionName, Name), None)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        check_request("lambda", "Invoke", {"FunctionName": FunctionName, "Payload": Payload})
        assert FunctionName.rsplit(":", 1)[-1] in {name for _, name in self.aliases}
        if self.crashes:
            self.crashes -= 1
            return _crash(self.crash_error)
        event = json.loads(Payload)
        self.events.append(event)
        try:
            answer = [self._result(item) for item in event]
        except Exception as error:
            if not self.reports_errors:
                raise
            return _crash(type(error).__name__, str(error))
        if self.runs_its_code and self.spec is not None:
            answer = grade_batch(self.spec, event)
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def _result(self, item: dict[str, Any]) -> dict[str, Any]:
        reward = self.grade(item)
        metrics = [("invalid", float(reward is None))]
        if reward is None:
            metrics.append(("invalid.reference-missing", 1.0))
        return {
            "id": item["id"],
            "aggregate_reward_score": 0.0 if reward is None else reward,
            "metrics_list": [{"name": name, "value": value, "type": "Metric"} for name, value in metrics],
        }


def _crash(error: str, message: str = "") -> dict[str, Any]:
    body = json.dumps({"errorType": error, "errorMessage": message})
    return {"FunctionError": "Unhandled", "Payload": io.BytesIO(body.encode())}


@dataclass
class FakeBedrock:
    models: dict[str, str] = field(default_factory=lambda: {BASE_MODEL: "ACTIVE"})
    custom_models: int = 3
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    deployments: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    meta: Any = field(default_factory=lambda: SimpleNamespace(region_name=REGION))

    def _called(self, operation: str, request: dict[str, Any]) -> None:
        self.calls.append(operation)
        check_request("bedrock", operation, request)
        if operation in self.broken:
            raise aws_error("ThrottlingException", operation, 429)

    def get_foundation_model(self, *, modelIdentifier: str) -> dict[str, Any]:
        self._called("GetFoundationModel", {"modelIdentifier": modelIdentifier})
        if modelIdentifier not in self.models:
            raise aws_error("ResourceNotFoundException", "GetFoundationModel", 404)
        return {
            "modelDetails": {"modelId": modelIdentifier, "modelLifecycle": {"status": self.models[modelIdentifier]}}
        }

    def get_inference_profile(self, *, inferenceProfileIdentifier: str) -> dict[str, Any]:
        self._called("GetInferenceProfile", {"inferenceProfileIdentifier": inferenceProfileIdentifier})
        arns = [f"arn:aws:bedrock:{region}::foundation-model/a" for region in ("us-west-2", REGION)]
        return {"inferenceProfileId": inferenceProfileIdentifier, "models": [{"modelArn": arn} for arn in arns]}

    def get_paginator(self, operation: str) -> Any:
        if operation == "list_custom_models":
            return SimpleNamespace(paginate=lambda: [{"modelSummaries": [{}] * self.custom_models}])
        if operation == "list_custom_model_deployments":
            return SimpleNamespace(paginate=lambda: [{"modelDeploymentSummaries": list(self.deployments.values())}])
        assert operation == "list_model_customization_jobs"
        return SimpleNamespace(paginate=self._list_jobs)

    def _list_jobs(self, **request: Any) -> list[dict[str, Any]]:
        self._called("ListModelCustomizationJobs", request)
        found = [{"jobName": name} for name, job in self.jobs.items() if job["status"] == request["statusEquals"]]
        return [{"modelCustomizationJobSummaries": found}]

    def create_model_customization_job(self, **request: Any) -> dict[str, str]:
        self._called("CreateModelCustomizationJob", request)
        name = request["jobName"]
        if name in self.jobs:
            if self.jobs[name]["clientRequestToken"] == request["clientRequestToken"]:
                return {"jobArn": self.jobs[name]["jobArn"]}
            raise aws_error("ConflictException", "CreateModelCustomizationJob")
        arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-customization-job/amazon.nova-2-lite-v1:0:256k/abcdefghijkl"
        self.jobs[name] = {
            "jobArn": arn,
            "status": "InProgress",
            "creationTime": datetime.now(UTC),
            "clientRequestToken": request["clientRequestToken"],
        }
        self.tags[arn] = request["jobTags"]
        return {"jobArn": arn}

    def job(self) -> dict[str, Any]:
        (job,) = self.jobs.values()
        return job

    def get_model_customization_job(self, *, jobIdentifier: str) -> dict[str, Any]:
        self._called("GetModelCustomizationJob", {"jobIdentifier": jobIdentifier})
        for name, job in self.jobs.items():
            if jobIdentifier in (name, job["jobArn"]):
                return job
        raise aws_error("ResourceNotFoundException", "GetModelCustomizationJob", 404)

    def stop_model_customization_job(self, *, jobIdentifier: str) -> None:
        self._called("StopModelCustomizationJob", {"jobIdentifier": jobIdentifier})
        self.get_model_customization_job(jobIdentifier=jobIdentifier)["status"] = "Stopping"

    def list_tags_for_resource(self, *, resourceARN: str) -> dict[str, Any]:
        self._called("ListTagsForResource", {"resourceARN": resourceARN})
        return {"tags": self.tags.get(resourceARN, [])}

    def create_custom_model_deployment(self, **request: Any) -> dict[str, str]:
        self._called("CreateCustomModelDeployment", request)
        name = request["modelDeploymentName"]
        if name in self.deployments:
            raise aws_error("ValidationException", "CreateCustomModelDeployment")
        number = sum(call == "CreateCustomModelDeployment" for call in self.calls)
        arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model-deployment/mnopqrstuv{number:02d}"
        self.deployments[name] = {
            "customModelDeploymentArn": arn,
            "modelArn": request["modelArn"],
            "status": "Creating",
        }
        self.tags[arn] = request.get("tags", [])
        return {"customModelDeploymentArn": arn}

    def update_custom_model_deployment(self, **request: Any) -> dict[str, str]:
        self._called("UpdateCustomModelDeployment", request)
        deployment = self.get_custom_model_deployment(
            customModelDeploymentIdentifier=request["customModelDeploymentIdentifier"]
        )
        under_way = deployment.get("updateDetails", {}).get("updateStatus") == "Updating"
        if deployment["status"] == "Creating" or under_way:
            raise aws_error("ValidationException", "UpdateCustomModelDeployment")
        deployment["updateDetails"] = {"modelArn": request["modelArn"], "updateStatus": "Updating"}
        return {"customModelDeploymentArn": deployment["customModelDeploymentArn"]}

    def settle_deployment(self, name: str, *, fails: bool = False) -> None:
        """End what is under way on a deployment."""
        deployment = self.deployments[name]
        if deployment["status"] == "Creating":
            deployment["status"] = "Failed" if fails else "Active"
            return
        update = deployment["updateDetails"]
        update["updateStatus"] = "UpdateFailed" if fails else "UpdateCompleted"
        if not fails:
            deployment["modelArn"] = update["modelArn"]

    def get_custom_model_deployment(self, *, customModelDeploymentIdentifier: str) -> dict[str, Any]:
        self._called("GetCustomModelDeployment", {"customModelDeploymentIdentifier": customModelDeploymentIdentifier})
        for name, deployment in self.deployments.items():
            if customModelDeploymentIdentifier in (name, deployment["customModelDeploymentArn"]):
                return deployment
        raise aws_error("ResourceNotFoundException", "GetCustomModelDeployment", 404)

    def delete_custom_model_deployment(self, *, customModelDeploymentIdentifier: str) -> None:
        self._called(
            "DeleteCustomModelDeployment", {"customModelDeploymentIdentifier": customModelDeploymentIdentifier}
        )
        gone = [
            name
            for name, deployment in self.deployments.items()
            if customModelDeploymentIdentifier in (name, deployment["customModelDeploymentArn"])
        ]
        for name in gone:
            del self.deployments[name]


@dataclass
class FakeStates:
    """Executions by name: status and when they ended; those not named do not exist."""

    executions: dict[str, tuple[str, datetime | None]] = field(default_factory=dict)

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:
        check_request("stepfunctions", "DescribeExecution", {"executionArn": executionArn})
        name = executionArn.removeprefix(EXECUTION)
        if name not in self.executions:
            raise aws_error("ExecutionDoesNotExist", "DescribeExecution")
        status, ended = self.executions[name]
        return {"status": status, **({} if ended is None else {"stopDate": ended})}


@dataclass
class FakeRuntime:
    answer: Callable[[dict[str, Any]], str] = lambda request: "billing"
    requests: list[dict[str, Any]] = field(default_factory=list)

    def converse(self, **request: Any) -> dict[str, Any]:
        check_request("bedrock-runtime", "Converse", request)
        self.requests.append(request)
        return {
            "output": {"message": {"role": "assistant", "content": [{"text": self.answer(request)}]}},
            "stopReason": "end_turn",
            "usage": {"outputTokens": 2},
        }


@dataclass
class FakeSns:
    messages: list[dict[str, Any]] = field(default_factory=list)

    def publish(self, **message: Any) -> None:
        check_request("sns", "Publish", message)
        assert len(message["Subject"]) <= 100
        assert "\n" not in message["Subject"]
        self.messages.append(message)


@dataclass
class FakeCloudWatch:
    """What the reward function counted: the run's valid and invalid rollouts by minute, and totals by query."""

    minutes: dict[datetime, tuple[float, float]] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)
    error: ClientError | None = None
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put_metric_alarm(self, **request: Any) -> None:
        check_request("cloudwatch", "PutMetricAlarm", request)
        self.alarms[request["AlarmName"]] = request

    def get_paginator(self, operation: str) -> "FakeCloudWatch":
        assert operation == "get_metric_data"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        check_request("cloudwatch", "GetMetricData", request)
        if self.error is not None:
            raise self.error
        yield {
            "MetricDataResults": [
                {"Id": query["Id"], "Timestamps": [request["StartTime"]], "Values": [self.totals[query["Id"]]]}
                for query in request["MetricDataQueries"]
                if query["Id"] in self.totals
            ]
        }
        for moment, (valid, invalid) in sorted(self.minutes.items(), reverse=True):
            if request["StartTime"] <= moment <= request["EndTime"]:
                yield {
                    "MetricDataResults": [
                        {"Id": query["Id"], "Timestamps": [moment], "Values": [count]}
                        for query in request["MetricDataQueries"]
                        for name, count in (("valid", valid), ("invalid", invalid))
                        if query["Id"] == name
                    ]
                }


@dataclass
class FakeSsm:
    parameters: dict[str, str] = field(default_factory=dict)

    def put_parameter(self, **request: Any) -> None:
        check_request("ssm", "PutParameter", request)
        assert request["Overwrite"]
        self.parameters[request["Name"]] = request["Value"]


@dataclass
class FakeEvents:
    entries: list[dict[str, Any]] = field(default_factory=list)
    broken: bool = False

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        check_request("events", "PutEvents", {"Entries": Entries})
        if self.broken:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
        self.entries += Entries
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}


@dataclass
class FakeSts:
    account: str = ACCOUNT

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": self.account, "Arn": f"arn:aws:sts::{self.account}:assumed-role/dev-plan/x"}


@dataclass
class FakeIam:
    """A role that trusts Bedrock and may do what is not denied."""

    principal: str = "bedrock.amazonaws.com"
    source_account: str = ACCOUNT
    denied: dict[str, str] = field(default_factory=dict)
    simulated: list[dict[str, Any]] = field(default_factory=list)
    error: ClientError | None = None

    def get_role(self, *, RoleName: str) -> dict[str, Any]:
        check_request("iam", "GetRole", {"RoleName": RoleName})
        if self.error is not None:
            raise self.error
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": self.principal},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": self.source_account}},
        }
        return {"Role": {"AssumeRolePolicyDocument": {"Statement": [statement]}}}

    def simulate_principal_policy(self, **request: Any) -> dict[str, Any]:
        check_request("iam", "SimulatePrincipalPolicy", request)
        self.simulated.append(request)
        decisions = [(action, self.denied.get(action, "allowed")) for action in request["ActionNames"]]
        return {"EvaluationResults": [{"EvalActionName": name, "EvalDecision": value} for name, value in decisions]}


@dataclass
class FakeKms:
    state: str = "Enabled"
    signing_state: str = "Enabled"
    signed: list[dict[str, Any]] = field(default_factory=list)
    error: ClientError | None = None

    def describe_key(self, *, KeyId: str) -> dict[str, Any]:
        check_request("kms", "DescribeKey", {"KeyId": KeyId})
        return {"KeyMetadata": {"KeyId": KeyId, "KeyState": self.signing_state if KeyId == SIGNING_KEY else self.state}}

    def sign(self, **request: Any) -> dict[str, Any]:
        check_request("kms", "Sign", request)
        self.signed.append(request)
        if self.error is not None:
            raise self.error
        assert (request["MessageType"], request["SigningAlgorithm"]) == ("DIGEST", "ECDSA_SHA_256")
        signature = private_key(request["KeyId"]).sign(request["Message"], ec.ECDSA(Prehashed(SHA256())))
        return {"KeyId": request["KeyId"], "Signature": signature, "SigningAlgorithm": request["SigningAlgorithm"]}

    def get_public_key(self, *, KeyId: str) -> dict[str, Any]:
        check_request("kms", "GetPublicKey", {"KeyId": KeyId})
        public = private_key(KeyId).public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {"KeyId": KeyId, "PublicKey": der, "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}


@cache
def private_key(key_arn: str) -> ec.EllipticCurvePrivateKey:
    """Return the key that KMS would keep to itself: one for each ARN."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class FakeQuotas:
    values: dict[str, float] = field(
        default_factory=lambda: {
            "(Model customization) Scheduled customization jobs": 10,
            "Custom models per account": 100,
            "Custom model deployments per account": 5,
            f"{CUSTOM_TOKENS} per minute for Amazon Nova 2 Lite": 4e6,
            "Model invocation max tokens per day for Amazon Nova 2 Lite": 5e9,
            "Cross-region model inference tokens per minute for Amazon Nova 2 Lite": 8e6,
        }
    )
    error: Exception | None = None

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_service_quotas"
        return self

    def paginate(self, *, ServiceCode: str) -> Iterator[dict[str, Any]]:
        check_request("service-quotas", "ListServiceQuotas", {"ServiceCode": ServiceCode})
        if self.error is not None:
            raise self.error
        yield {"Quotas": [{"QuotaName": name, "Value": value} for name, value in self.values.items()]}


@dataclass
class FakeAws:
    s3: FakeS3 = field(default_factory=FakeS3)
    functions: FakeLambda = field(default_factory=FakeLambda)
    bedrock: FakeBedrock = field(default_factory=FakeBedrock)
    bedrock_runtime: FakeRuntime = field(default_factory=FakeRuntime)
    sns: FakeSns = field(default_factory=FakeSns)
    cloudwatch: FakeCloudWatch = field(default_factory=FakeCloudWatch)
    ssm: FakeSsm = field(default_factory=FakeSsm)
    events: FakeEvents = field(default_factory=FakeEvents)
    states: FakeStates = field(default_factory=FakeStates)
    sts: FakeSts = field(default_factory=FakeSts)
    iam: FakeIam = field(default_factory=FakeIam)
    kms: FakeKms = field(default_factory=FakeKms)
    quotas: FakeQuotas = field(default_factory=FakeQuotas)

    @property
    def grading(self) -> FakeLambda:
        return self.functions

    @property
    def signing(self) -> FakeKms:
        return self.kms

    def platform(self) -> Platform:
        clients = cast(Clients, self)
        return Platform(environment="dev", bucket_name=BUCKET, clients=clients, signing_key=SIGNING_KEY)


def recipe_json(**changes: Any) -> dict[str, Any]:
    """Return a legal recipe whose datasets `upload` puts into the bucket."""
    recipe: dict[str, Any] = {
        "schema": 1,
        "line": "ticket-routing",
        "reward": "tickets",
        "base_model": BASE_MODEL,
        "datasets": {split: f"s3://{BUCKET}/datasets/{split}/{split}.jsonl" for split in ("train", "held_out")},
    }
    return {**recipe, **changes}


def dataset(split: str, rows: int) -> bytes:
    lines = [
        json.dumps(
            {
                "messages": [
                    {"role": "system", "content": "Route the ticket."},
                    {"role": "user", "content": f"{split} ticket number {row}: where is my money?"},
                ],
                "reference_answer": "billing" if row % 2 else "shipping",
                "id": f"{split}-{row}",
            }
        )
        for row in range(rows)
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def upload(aws: FakeAws, *, train: int = 100, held_out: int = 100) -> None:
    aws.s3.put("datasets/train/train.jsonl", dataset("train", train))
    aws.s3.put("datasets/held_out/held_out.jsonl", dataset("held_out", held_out))
