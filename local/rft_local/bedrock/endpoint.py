"""The endpoint: from an HTTP request to the operation that answers it."""

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

import msgspec
from botocore.model import OperationModel

from rft_contract.json_value import JsonObject
from rft_local.bedrock import requests
from rft_local.bedrock.accidents import ACCIDENTS, Accidents
from rft_local.bedrock.account import Account
from rft_local.bedrock.batcher import Batcher
from rft_local.bedrock.custom_models import CustomModels
from rft_local.bedrock.deployments import Deployments
from rft_local.bedrock.emulator_client import EmulatorClient
from rft_local.bedrock.endpoint_settings import EndpointSettings
from rft_local.bedrock.engine import Engine, SharedEngine
from rft_local.bedrock.foundation_models import get_foundation_model, list_foundation_models
from rft_local.bedrock.job_worker import JobWorker
from rft_local.bedrock.jobs import Jobs
from rft_local.bedrock.judge_stand_in import JudgeStandIn
from rft_local.bedrock.resource_tags import ResourceTags
from rft_local.bedrock.role_check import RoleCheck
from rft_local.bedrock.runtime import Reply, Runtime
from rft_local.bedrock.service_error import ServiceError
from rft_local.bedrock.service_model import HttpRequest, HttpResponse, ServiceModel
from rft_local.bedrock.undocumented import Undocumented

CALLER_HEADER = "x-rft-caller-arn"
"""Set by the emulator after it has evaluated IAM."""

HEALTH = "/health"

InputT = TypeVar("InputT")
Operation = Callable[[JsonObject, HttpRequest], Reply]

logger = logging.getLogger(__name__)


class Endpoint:
    """Bedrock's control plane and runtime, without the HTTP server around them.

    Args:
        settings: How it behaves.
        engine: The model that is trained and served.
    """

    def __init__(self, settings: EndpointSettings, engine: Engine) -> None:
        self._service = ServiceModel()
        self._engine = SharedEngine(engine)
        account = Account(settings.state)
        emulator = EmulatorClient(settings.emulator_url)
        roles = RoleCheck(emulator)
        self._accidents = Accidents()
        self._worker = JobWorker(account, self._engine, emulator, roles, settings, self._accidents)
        self._batcher = Batcher(
            self._engine, seed=settings.seed, seconds=settings.batch_seconds, size=settings.batch_size
        )
        deployments = Deployments(account, settings.deployment_seconds, self._accidents, settings.undocumented)
        self._operations = operations(
            Jobs(account, roles, self._worker.submit, settings.undocumented),
            CustomModels(account),
            deployments,
            ResourceTags(account),
            Runtime(
                account, deployments, self._engine, self._batcher, JudgeStandIn(settings.judge), settings.max_tokens
            ),
            settings.undocumented,
        )
        self._loaded = threading.Event()
        self._load_failure = ""

    def start(self) -> None:
        """Begin to take jobs and requests; the model loads in the background."""
        self._worker.start()
        self._batcher.start()
        threading.Thread(target=self._load, name="model", daemon=True).start()

    def stop(self) -> None:
        """End at once: what runs fails, with a message that says why."""
        self._worker.stop()
        self._batcher.stop()

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; raises nothing."""
        if request.method == "GET" and request.target == HEALTH:
            return self._health()
        try:
            if (request.method, request.target) == ("POST", ACCIDENTS):
                return HttpResponse(200, {}, msgspec.json.encode(self._accidents.order(request.body)))
            return self._served(request)
        except ServiceError as error:
            return self._service.error(error)
        except Exception:
            logger.exception("%s %s", request.method, request.target)
            return self._service.error(ServiceError("InternalServerException", "see the log of the Bedrock endpoint"))

    def _served(self, request: HttpRequest) -> HttpResponse:
        route = self._service.route(request)
        operation = self._operations.get(route.operation.name)
        if operation is None:
            raise _unserved(route.operation)
        reply = operation(self._service.members(route, request), request)
        return self._service.response(route.operation, reply.members, reply.headers)

    def _health(self) -> HttpResponse:
        loaded = self._loaded.is_set() and not self._load_failure
        state = "ready" if loaded else self._load_failure or "loading the model"
        return HttpResponse(
            200 if loaded else 503, {"content-type": "application/json"}, msgspec.json.encode({"status": state})
        )

    def _load(self) -> None:
        try:
            self._engine.load()
        except Exception as error:
            self._load_failure = f"the model cannot be loaded: {error}"
            logger.exception("loading the model")
        self._loaded.set()


def operations(
    jobs: Jobs,
    models: CustomModels,
    deployments: Deployments,
    tags: ResourceTags,
    runtime: Runtime,
    undocumented: Undocumented,
) -> dict[str, Operation]:
    """Return the operations that are served, by their name in the service model."""
    return {
        "CreateModelCustomizationJob": lambda members, request: Reply(
            jobs.create(msgspec.convert(members, requests.CreateJob), request.headers.get(CALLER_HEADER, "")), {}
        ),
        "GetModelCustomizationJob": _typed(requests.JobIdentifier, jobs.get),
        "StopModelCustomizationJob": _typed(requests.JobIdentifier, jobs.stop),
        "ListModelCustomizationJobs": _typed(requests.ListJobs, jobs.list_page),
        "GetCustomModel": _typed(requests.ModelIdentifier, models.get),
        "ListCustomModels": _typed(requests.ListModels, models.list_page),
        "DeleteCustomModel": _typed(requests.ModelIdentifier, models.delete),
        "CreateCustomModelDeployment": _typed(requests.CreateDeployment, deployments.create),
        "GetCustomModelDeployment": _typed(requests.DeploymentIdentifier, deployments.get),
        "UpdateCustomModelDeployment": _typed(requests.UpdateDeployment, deployments.update),
        "ListCustomModelDeployments": _typed(requests.ListDeployments, deployments.list_page),
        "DeleteCustomModelDeployment": _typed(requests.DeploymentIdentifier, deployments.delete),
        "GetFoundationModel": _typed(requests.ModelIdentifier, get_foundation_model),
        "ListFoundationModels": _typed(requests.ListFoundationModels, list_foundation_models),
        "TagResource": _typed(requests.TagResource, tags.add),
        "UntagResource": _typed(requests.UntagResource, tags.remove),
        "ListTagsForResource": _typed(requests.Resource, tags.list_all),
        "Converse": lambda members, _: runtime.converse(
            undocumented.conversable(msgspec.convert(members, requests.Converse))
        ),
        "InvokeModel": lambda members, request: runtime.invoke_model(
            msgspec.convert(members, requests.InvokeModel), request.body
        ),
    }


def _typed(kind: type[InputT], operation: Callable[[InputT], JsonObject]) -> Operation:
    return lambda members, _: Reply(operation(msgspec.convert(members, kind)), {})


def _unserved(operation: OperationModel) -> ServiceError:
    return ServiceError("NotImplementedException", f"{operation.name} is not served by the embedded AWS")
