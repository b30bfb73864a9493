"""AWS CDK constructs for Amazon Bedrock Reinforcement Fine-Tuning."""

from bedrock_rft._assets import AssetError
from bedrock_rft.alarms import RftAlarms
from bedrock_rft.candidate_deployment import CandidateDeployment
from bedrock_rft.code_runner import CodeRunner, CodeRunnerBase
from bedrock_rft.customization_role import CustomizationRole, CustomizationRoleBase
from bedrock_rft.dashboard import RftDashboard
from bedrock_rft.dataset_bucket import DatasetBucket
from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.dataset_checks import DatasetChecks
from bedrock_rft.evaluation import Evaluation
from bedrock_rft.github_repository import GithubRepository
from bedrock_rft.github_roles import GithubRoles
from bedrock_rft.handler import Handler, handler_code
from bedrock_rft.handler_platform import HandlerPlatform
from bedrock_rft.handlers import WorkflowHandlers
from bedrock_rft.invocation_log_sampler import InvocationLogSampler
from bedrock_rft.invocation_log_sampler_base import InvocationLogSamplerBase
from bedrock_rft.judge_grants import JudgeGrants
from bedrock_rft.key import RftKey, RftKeyBase
from bedrock_rft.model_release import ModelRelease
from bedrock_rft.nag import acknowledge
from bedrock_rft.network import RftNetwork
from bedrock_rft.people_policies import PeoplePolicies
from bedrock_rft.probe import Probe
from bedrock_rft.promotion_notice import PromotionNotice
from bedrock_rft.release_handlers import ReleaseHandlers
from bedrock_rft.release_handlers_base import ReleaseHandlersBase
from bedrock_rft.release_key import ReleaseKey, ReleaseKeyBase
from bedrock_rft.replication import BucketReplication, Replication
from bedrock_rft.reward_code import RewardCode
from bedrock_rft.reward_function import RewardFunction, RewardFunctionBase
from bedrock_rft.rollout_map import RolloutMap
from bedrock_rft.run_grants import RunGrants
from bedrock_rft.sweeper import RftSweeper
from bedrock_rft.topic import RftTopic, RftTopicBase
from bedrock_rft.training_job import TrainingJob
from bedrock_rft.workflow import RftWorkflow
from bedrock_rft.workflow_base import RftWorkflowBase
from rft_contract.judge_models import JudgeModel
from rft_contract.plan_facts import PlanFacts
from rft_contract.prices import UnitPrice
from rft_contract.reward_spec import RewardSpec
from rft_contract.settings import PlatformResources, PlatformSettings

__all__ = [
    "AssetError",
    "BucketReplication",
    "CandidateDeployment",
    "CodeRunner",
    "CodeRunnerBase",
    "CustomizationRole",
    "CustomizationRoleBase",
    "DatasetBucket",
    "DatasetBucketBase",
    "DatasetChecks",
    "Evaluation",
    "GithubRepository",
    "GithubRoles",
    "Handler",
    "HandlerPlatform",
    "InvocationLogSampler",
    "InvocationLogSamplerBase",
    "JudgeGrants",
    "JudgeModel",
    "ModelRelease",
    "PeoplePolicies",
    "PlanFacts",
    "PlatformResources",
    "PlatformSettings",
    "Probe",
    "PromotionNotice",
    "ReleaseHandlers",
    "ReleaseHandlersBase",
    "ReleaseKey",
    "ReleaseKeyBase",
    "Replication",
    "RewardCode",
    "RewardFunction",
    "RewardFunctionBase",
    "RewardSpec",
    "RftAlarms",
    "RftDashboard",
    "RftKey",
    "RftKeyBase",
    "RftNetwork",
    "RftSweeper",
    "RftTopic",
    "RftTopicBase",
    "RftWorkflow",
    "RftWorkflowBase",
    "RolloutMap",
    "RunGrants",
    "TrainingJob",
    "UnitPrice",
    "WorkflowHandlers",
    "acknowledge",
    "handler_code",
]
