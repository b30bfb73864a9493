"""The event that tells of a job's new status.

Source: user guide, "Monitor Amazon Bedrock job state changes using Amazon EventBridge". The key is `jobStatus`, and the
documented event carries neither `customizationType` nor `customizationConfig`.
"""

from rft_contract.json_value import JsonObject
from rft_local.bedrock.records import Job
from rft_local.bedrock.requests import to_json
from rft_local.bedrock.service_model import iso8601

DETAIL_TYPE = "Model Customization Job State Change"


def detail(job: Job) -> JsonObject:
    """Return the event's detail."""
    validation = job.request.validation_uris
    members: JsonObject = {
        "version": "0.0",
        "jobName": job.name,
        "jobArn": job.arn,
        "outputModelName": job.request.custom_model_name,
        "outputModelArn": job.model_arn,
        "roleArn": job.request.role_arn,
        "jobStatus": job.status.value,
        "failureMessage": job.failure,
        "creationTime": iso8601(job.created),
        "lastModifiedTime": iso8601(job.modified),
        "endTime": iso8601(job.ended) if job.ended else None,
        "baseModelArn": job.base_model_arn,
        "hyperParameters": {name: str(value) for name, value in job.request.rft.hyper_parameters.items()},
        "trainingDataConfig": to_json(job.request.training_data_config),
        "validationDataConfig": {"s3Uri": validation[0]} if validation else None,
        "outputDataConfig": to_json(job.request.output_data_config),
    }
    return {name: value for name, value in members.items() if value is not None}
