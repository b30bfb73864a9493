"""The patches, in the order in which they are applied; each says which gap it closes and what AWS does."""

from __future__ import annotations

from collections.abc import Callable

from rft_local.emulator.environment import EmulatorSettings
from rft_local.emulator.new_roles import NEW_ROLES
from rft_local.emulator.patches import (
    alarms,
    bedrock,
    cloudformation,
    condition_keys,
    distributed_map,
    eventbridge,
    executions,
    faults,
    lambda_actions,
    lambda_limits,
    lambda_runtime,
    lambda_telemetry,
    metric_data,
    quotas,
    recording,
    s3_keys,
    simulation,
    system_calls,
    tasks,
    transport,
)
from rft_local.emulator.sdk import RoleClients

Patch = Callable[[], None]


def patches(settings: EmulatorSettings) -> tuple[Patch, ...]:
    """All patches of one emulator.

    Order matters where two wrap the same function: the later one runs first, so that payload limits see the request
    before it is measured.

    Args:
        settings: The instance.

    Returns:
        The patches, to be called in this order.
    """
    states = RoleClients(settings.url, "stepfunctions")
    chosen = settings.undocumented
    return (
        # before a thread is started, because a thread keeps the filter that it was started with
        lambda: system_calls.refuse_system_calls(chosen.system_calls),
        transport.count_loopback_as_tls,
        lambda_runtime.run_functions_isolated,
        lambda_runtime.end_logs_at_marker,
        lambda_runtime.end_process_groups,
        lambda_runtime.report_exception_names,
        lambda_runtime.honour_qualified_invoke_config,
        lambda_actions.name_actions,
        lambda: lambda_actions.confine_version_deletion(chosen.version_deletion),
        lambda_limits.limit_payloads,
        lambda_telemetry.measure_every_invocation,
        lambda_telemetry.write_logs_as_the_role,
        executions.end_executions_promptly,
        executions.keep_terminal_errors_uncatchable,
        executions.limit_payloads,
        executions.keep_history_in_order,
        executions.measure_executions,
        lambda: tasks.call_services_as_the_role(states),
        lambda: distributed_map.run_distributed_maps(states, chosen.batch_input),
        s3_keys.require_key_permissions,
        condition_keys.name_sessions_by_role,
        condition_keys.tell_signatures,
        simulation.simulate_with_context,
        simulation.confine_simulation,
        eventbridge.authorize_rule_targets,
        eventbridge.deliver_to_functions_asynchronously,
        cloudformation.apply_bucket_properties,
        cloudformation.keep_full_buckets,
        cloudformation.keep_state_machine_settings,
        cloudformation.keep_alarm_expressions,
        metric_data.keep_every_datapoint,
        metric_data.answer_metric_queries,
        alarms.evaluate_alarms,
        lambda: recording.record_authorizations(settings.authorization_log),
        bedrock.authorize_bedrock_by_resource,
        lambda: bedrock.forward_bedrock(settings.bedrock_url, chosen),
        lambda: quotas.list_deployment_quota(chosen.deployment_quota),
        lambda: NEW_ROLES.choose(chosen.new_role),
        faults.strike_calls,
        faults.strike_executions,
        faults.strike_deliveries,
    )
