"""Amazon Bedrock's control plane in memory."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from tests.unit.fakes.account import ACCOUNT, BASE_MODEL, REGION
from tests.unit.fakes.service_models import aws_error, check_request


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
