"""The account and the platform in it that the fakes stand for."""

from rft_contract.reward_spec import RewardSpec
from rft_contract.settings import PlatformResources, PlatformSettings

REGION = "us-east-1"
ACCOUNT = "123456789012"
BUCKET = "dev-data"
BASE_MODEL = "amazon.nova-2-lite-v1:0:256k"
REWARD_FUNCTION = "dev-reward-label"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{REWARD_FUNCTION}"
EXECUTION = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:dev:"
REWARD = RewardSpec(name="tickets", grader="label", options={"labels": ["billing", "shipping"]})
REWARD_HASH = "0123456789abcdef" * 4
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
