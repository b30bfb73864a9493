"""Bedrock in memory, whose jobs, deployments and models can be listed."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from tests.unit.fakes.account import ACCOUNT, REGION
from tests.unit.fakes.bedrock import FakeBedrock
from tests.unit.fakes.service_models import aws_error


@dataclass
class ListedBedrock(FakeBedrock):
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Custom models by name."""
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When models and deployments were created."""

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=lambda PaginationConfig=None, **request: [getattr(self, operation)(**request)])

    def list_model_customization_jobs(self, **request: Any) -> dict[str, Any]:
        self._called("ListModelCustomizationJobs", request)
        found = [
            {"jobName": name, "jobArn": job["jobArn"]}
            for name, job in self.jobs.items()
            if request["nameContains"] in name
            and job["status"] == request["statusEquals"]
            and job["creationTime"] < request["creationTimeBefore"]
        ]
        return {"modelCustomizationJobSummaries": found}

    def list_custom_model_deployments(self, **request: Any) -> dict[str, Any]:
        self._called("ListCustomModelDeployments", request)
        found = [
            {
                "customModelDeploymentName": name,
                "customModelDeploymentArn": deployment["customModelDeploymentArn"],
                "modelArn": deployment["modelArn"],
                "createdAt": deployment.get("createdAt", self.since),
            }
            for name, deployment in self.deployments.items()
            if request.get("nameContains", "") in name
            and request.get("modelArnEquals", deployment["modelArn"]) == deployment["modelArn"]
            and ("createdBefore" not in request or deployment.get("createdAt", self.since) < request["createdBefore"])
        ]
        return {"modelDeploymentSummaries": found}

    def list_custom_models(self, **request: Any) -> dict[str, Any]:
        self._called("ListCustomModels", request)
        found = [model for name, model in self.made.items() if request["nameContains"] in name]
        return {"modelSummaries": found}

    def delete_custom_model(self, *, modelIdentifier: str) -> None:
        self._called("DeleteCustomModel", {"modelIdentifier": modelIdentifier})
        for name, model in list(self.made.items()):
            if modelIdentifier == model["modelArn"]:
                del self.made[name]
                return
        raise aws_error("ResourceNotFoundException", "DeleteCustomModel", 404)

    def add_model(self, name: str, number: int, run_id: str | None) -> str:
        """Put a custom model of a run into the account and return its ARN."""
        arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model/amazon.nova-2-lite-v1:0:256k/model{number:07d}"
        self.made[name] = {"modelArn": arn, "modelName": name, "creationTime": self.since}
        if run_id is not None:
            self.tags[arn] = [{"key": "rft:run", "value": run_id}, {"key": "rft:environment", "value": "dev"}]
        return arn
