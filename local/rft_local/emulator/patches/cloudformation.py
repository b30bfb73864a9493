"""CloudFormation patches: resource properties that ministack accepts and drops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from rft_local.emulator.upstream import replace, require, wrap

PROVISIONERS = "services.cloudformation.provisioners"
S3 = "services.s3"
STEP_FUNCTIONS = "services.stepfunctions"
TRANSITION_FIELDS = {"StorageClass": "StorageClass", "TransitionInDays": "Days"}


def apply_bucket_properties() -> None:
    """Applies a bucket's encryption, lifecycle, access log and ownership properties.

    Gap: ministack drops them, so that a template without encryption looks like one with it.
    AWS: "AWS::S3::Bucket" (CloudFormation User Guide).
    Kinder than AWS: `aws:kms` without a key id (the AWS managed key) becomes AES256, because ministack refuses
    objects under a key it does not hold.
    """
    configurations = (
        ("BucketEncryption", _encryption, "_put_bucket_encryption", "_delete_bucket_encryption"),
        ("LifecycleConfiguration", _lifecycle, "_put_bucket_lifecycle", "_delete_bucket_lifecycle"),
        ("OwnershipControls", _ownership, "_put_bucket_ownership_controls", "_delete_bucket_ownership_controls"),
        ("LoggingConfiguration", _access_log, "_put_bucket_logging", "_put_bucket_logging"),
    )
    added = tuple(
        (name, to_xml, _checked(name, require(S3, put)), _remover(require(S3, remove), put == remove))
        for name, to_xml, put, remove in configurations
    )
    replace(PROVISIONERS, "_S3_BUCKET_CONFIGURATIONS", require(PROVISIONERS, "_S3_BUCKET_CONFIGURATIONS") + added)


def _checked(name: str, put: Callable[[str, bytes], Any]) -> Callable[[str, bytes], Any]:
    """Fails the resource when the bucket refuses a configuration."""

    def apply(bucket: str, body: bytes) -> Any:
        response = put(bucket, body)
        if response[0] >= 400:
            raise ValueError(f"AWS::S3::Bucket {name} rejected: {response[2]!r}")
        return response

    return apply


def _remover(remove: Callable[..., Any], is_put: bool) -> Callable[[str], Any]:
    """Removes a configuration; access logs are removed by putting an empty status."""
    return (lambda bucket: remove(bucket, tostring(Element("BucketLoggingStatus")))) if is_put else remove


def _root(name: str) -> Element:
    return Element(name, xmlns=require(S3, "S3_NS"))


def _add(parent: Element, name: str, value: object) -> None:
    SubElement(parent, name).text = str(value).lower() if isinstance(value, bool) else str(value)


def _encryption(properties: Mapping[str, Any]) -> bytes:
    """The body of PutBucketEncryption."""
    root = _root("ServerSideEncryptionConfiguration")
    for given in properties.get("ServerSideEncryptionConfiguration") or []:
        rule = SubElement(root, "Rule")
        default = given.get("ServerSideEncryptionByDefault") or {}
        key = default.get("KMSMasterKeyID")
        applied = SubElement(rule, "ApplyServerSideEncryptionByDefault")
        _add(applied, "SSEAlgorithm", default.get("SSEAlgorithm", "AES256") if key else "AES256")
        if key:
            _add(applied, "KMSMasterKeyID", key)
        _add(rule, "BucketKeyEnabled", bool(given.get("BucketKeyEnabled", False)))
    return tostring(root)


def _lifecycle(properties: Mapping[str, Any]) -> bytes:
    """The body of PutBucketLifecycleConfiguration."""
    root = _root("LifecycleConfiguration")
    for number, given in enumerate(properties.get("Rules") or []):
        rule = SubElement(root, "Rule")
        _add(rule, "ID", given.get("Id") or f"rule{number}")
        _add(SubElement(rule, "Filter"), "Prefix", given.get("Prefix") or "")
        _add(rule, "Status", given.get("Status", "Enabled"))
        _expiration(rule, given)
        for transition in given.get("Transitions") or []:
            element = SubElement(rule, "Transition")
            for field, tag in TRANSITION_FIELDS.items():
                if field in transition:
                    _add(element, tag, transition[field])
    return tostring(root)


def _expiration(rule: Element, given: Mapping[str, Any]) -> None:
    """The parts of a lifecycle rule that remove things."""
    if "ExpirationInDays" in given:
        _add(SubElement(rule, "Expiration"), "Days", given["ExpirationInDays"])
    elif "ExpiredObjectDeleteMarker" in given:
        _add(SubElement(rule, "Expiration"), "ExpiredObjectDeleteMarker", given["ExpiredObjectDeleteMarker"])
    noncurrent = given.get("NoncurrentVersionExpiration") or {}
    days = noncurrent.get("NoncurrentDays", given.get("NoncurrentVersionExpirationInDays"))
    if days is not None:
        _add(SubElement(rule, "NoncurrentVersionExpiration"), "NoncurrentDays", days)
    if "AbortIncompleteMultipartUpload" in given:
        element = SubElement(rule, "AbortIncompleteMultipartUpload")
        _add(element, "DaysAfterInitiation", given["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"])


def _ownership(properties: Mapping[str, Any]) -> bytes:
    """The body of PutBucketOwnershipControls."""
    root = _root("OwnershipControls")
    for given in properties.get("Rules") or []:
        _add(SubElement(root, "Rule"), "ObjectOwnership", given.get("ObjectOwnership", "BucketOwnerEnforced"))
    return tostring(root)


def _access_log(properties: Mapping[str, Any]) -> bytes:
    """The body of PutBucketLogging."""
    root = _root("BucketLoggingStatus")
    enabled = SubElement(root, "LoggingEnabled")
    _add(enabled, "TargetBucket", properties.get("DestinationBucketName") or "")
    _add(enabled, "TargetPrefix", properties.get("LogFilePrefix") or "")
    return tostring(root)


def keep_full_buckets() -> None:
    """Refuses to delete a bucket that still holds objects or versions of them.

    Gap: ministack deletes it with everything in it.
    AWS: the deletion fails with `BucketNotEmpty` and the stack ends in DELETE_FAILED ("AWS::S3::Bucket", "You can only
    delete empty buckets").
    """

    def delete(original: Any, physical_id: str, properties: Any) -> Any:
        bucket = require(S3, "_buckets").get(physical_id) or {}
        if bucket.get("objects") or require(S3, "_bucket_has_versions")(physical_id):
            raise ValueError(
                f"The bucket {physical_id} you tried to delete is not empty (Service: S3, Status Code: 409, "
                "Error Code: BucketNotEmpty)"
            )
        return original(physical_id, properties)

    _wrap_handler("AWS::S3::Bucket", "delete", delete)


def _wrap_handler(resource_type: str, operation: str, wrapper: Callable[..., Any]) -> None:
    """Wraps one operation of a resource type's handler."""
    handlers = require(PROVISIONERS, "_RESOURCE_HANDLERS")[resource_type]
    original = handlers[operation]
    handlers[operation] = lambda *arguments, **options: wrapper(original, *arguments, **options)


def keep_state_machine_settings() -> None:
    """Keeps a state machine's logging and tracing configuration.

    Gap: ministack stores the logging configuration under names no client reads, and drops tracing.
    AWS: "AWS::StepFunctions::StateMachine"; DescribeStateMachine returns both.
    """

    def create(original: Any, logical_id: str, properties: Any, stack_name: str) -> Any:
        created = original(logical_id, properties, stack_name)
        _store_settings(created[0], properties)
        return created

    def update(original: Any, physical_id: str, old: Any, new: Any, *arguments: Any, **options: Any) -> Any:
        updated = original(physical_id, old, new, *arguments, **options)
        _store_settings(updated[0], new)
        return updated

    _wrap_handler("AWS::StepFunctions::StateMachine", "create", create)
    _wrap_handler("AWS::StepFunctions::StateMachine", "update", update)


def _store_settings(arn: str, properties: Mapping[str, Any]) -> None:
    """Writes a template's logging and tracing properties into the state machine's record."""
    machine = require(STEP_FUNCTIONS, "_state_machines").get(arn)
    if machine is None:
        return
    logging = properties.get("LoggingConfiguration") or {"Level": "OFF", "IncludeExecutionData": False}
    tracing = properties.get("TracingConfiguration") or {"Enabled": False}
    machine["loggingConfiguration"] = _booleans(camel(logging))
    machine["tracingConfiguration"] = _booleans(camel(tracing))


def camel(value: Any) -> Any:
    """A template value with the first letter of every key in lower case, as the service's API has it."""
    if isinstance(value, Mapping):
        return {name[:1].lower() + name[1:]: camel(item) for name, item in value.items()}
    return [camel(item) for item in value] if isinstance(value, list) else value


def _booleans(settings: dict[str, Any]) -> dict[str, Any]:
    """Template scalars may be texts: `"true"` is true."""
    texts = {"true": True, "false": False}
    return {name: texts.get(item, item) if isinstance(item, str) else item for name, item in settings.items()}


def keep_alarm_expressions() -> None:
    """Accepts alarms on metric math.

    Gap: ministack refuses `Metrics` in a template and drops it in PutMetricAlarm.
    AWS: "AWS::CloudWatch::Alarm", property Metrics; "Using CloudWatch alarms based on metric math expressions".
    """

    def record(original: Any, name: str, properties: Any) -> Any:
        metrics = properties.get("Metrics")
        if not metrics:
            return original(name, properties)
        period = _shortest_period(metrics)
        plain = {key: value for key, value in properties.items() if key != "Metrics"}
        alarm = original(name, {**plain, "MetricName": "expression", "Namespace": "expression", "Period": period})
        return {**alarm, "Metrics": list(_queries(metrics)), "MetricName": None, "Namespace": None}

    def put(original: Any, params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        metrics = (data or {}).get("Metrics") if is_cbor or is_json else None
        if not metrics:
            return original(params, data, is_cbor, is_json)
        response = original(params, {**data, "Period": _shortest_period(metrics)}, is_cbor, is_json)
        if response[0] < 400:
            require("services.cloudwatch", "_alarms")[data["AlarmName"]]["Metrics"] = list(_queries(metrics))
        return response

    wrap(PROVISIONERS, "_cw_metric_alarm_record", record)
    wrap("services.cloudwatch", "_put_metric_alarm", put)


def _shortest_period(metrics: list[Mapping[str, Any]]) -> int:
    """The period of an alarm on an expression: that of its metrics, in seconds."""
    periods = [(query.get("MetricStat") or {}).get("Period") or query.get("Period") for query in metrics]
    return min((int(period) for period in periods if period), default=60)


def _queries(metrics: list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """An alarm's queries, with template scalars as what they stand for."""
    for query in metrics:
        given = dict(query)
        if isinstance(given.get("ReturnData"), str):
            given["ReturnData"] = given["ReturnData"].lower() == "true"
        yield given
