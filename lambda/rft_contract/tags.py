"""Tags of what runs make in Bedrock. Policies tell by them which environment a job, model or deployment belongs to.

Bedrock chooses the ids in ARNs, so names confine nothing. An environment's name is unique in an account and Region and
part of every name that it gives, the stack's included: one tag of it says everything that a tag of the stack would.
"""

ENVIRONMENT_TAG = "rft:environment"
"""Name of the environment, on everything."""

RUN_TAG = "rft:run"
"""Run id, on what a run made for itself."""

LINE_TAG = "rft:line"
"""Model line, on everything."""

ROLE_TAG = "rft:role"
LIVE_ROLE = "live"
"""Value of `ROLE_TAG` on the one deployment of a line that applications call."""
