"""Telling of what is live: SSM parameters for applications, an alarm for people, an event for everything else."""

from typing import TYPE_CHECKING

from rft_contract.json_value import JsonObject, canonical
from rft_contract.layout import release_key
from rft_contract.naming import live_alarm_name, release_parameter
from rft_contract.outcomes import Transient
from rft_contract.release_events import PROMOTED, ROLLED_BACK, SOURCE
from rft_runtime.data_bucket import DataBucket
from rft_runtime.releases.current import Change, ChangeKind, Current

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_ssm import SSMClient

DETAIL_TYPES = {ChangeKind.PROMOTION: PROMOTED, ChangeKind.ROLLBACK: ROLLED_BACK}


def write_parameters(ssm: "SSMClient", current: Current) -> None:
    """Write what applications read, `/<stack>/<line>/{model,deployment,release}`; the release comes last."""
    values = {"model": current.model_arn, "deployment": current.deployment_arn, "release": str(current.release)}
    for name, value in values.items():
        ssm.put_parameter(
            Name=release_parameter(current.environment, current.line, name),
            Value=value or "",
            Type="String",
            Overwrite=True,
        )


def watch_deployment(cloudwatch: "CloudWatchClient", current: Current, topic_arn: str) -> None:
    """Make the alarm on a line's deployment, or put it right.

    It cannot be in the template, because its dimension is the deployment's ARN. Names: Bedrock user guide, "Monitor
    bedrock-runtime inference using CloudWatch metrics"; that `ModelId` holds the ARN is an assumption (docs).
    """
    cloudwatch.put_metric_alarm(
        AlarmName=live_alarm_name(current.environment, current.line),
        AlarmDescription=f"the live deployment of line {current.line} answers with server errors; "
        f"`rft release rollback {current.line} --env {current.environment}` puts the previous release back",
        Namespace="AWS/Bedrock",
        MetricName="InvocationServerErrors",
        Dimensions=[{"Name": "ModelId", "Value": current.deployment_arn or ""}],
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=3,
        DatapointsToAlarm=2,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic_arn],
    )


def tell(events: "EventBridgeClient", bucket: DataBucket, current: Current, change: Change, run_id: str) -> None:
    """Send the event on the default bus; it may come twice.

    Args:
        events: EventBridge.
        bucket: Where the manifest lies.
        current: The line, after the switch.
        change: What was done.
        run_id: The run that made the release.

    Raises:
        Transient: When EventBridge did not take it.
    """
    turns = current.history
    detail: JsonObject = {
        "environment": current.environment,
        "line": current.line,
        "release": current.release,
        "previous": turns[-2].release if len(turns) > 1 else None,
        "model": current.model_arn,
        "deployment": current.deployment_arn,
        "manifest": bucket.address(release_key(current.line, current.release or 0)),
        "manifest_sha256": current.manifest_sha256,
        "run": run_id,
        "reason": change.reason,
    }
    answer = events.put_events(
        Entries=[{"Source": SOURCE, "DetailType": DETAIL_TYPES[change.kind], "Detail": canonical(detail)}]
    )
    if answer["FailedEntryCount"]:
        raise Transient(f"PutEvents: {answer['Entries'][0].get('ErrorCode', 'refused')}")
