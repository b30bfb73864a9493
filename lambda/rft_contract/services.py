"""Environment variables of a reward function: the services that its grader needs, and what names its code."""

CODE_RUNNER_ARN = "RFT_CODE_RUNNER_ARN"
"""ARN of the function that executes untrusted programs."""

CODE_RUNNER_SECONDS = "RFT_CODE_RUNNER_SECONDS"
"""Longest call of that function, seconds."""

JUDGE_MODEL_IDS = "RFT_JUDGE_MODELS"
"""Ids of the models and inference profiles that the function may ask for grades, separated by commas."""

REWARD_HASH = "RFT_REWARD_HASH"
"""Hash of the reward's code and options, the same on every platform; certificates are bound to it."""
