"""Who may ask which model: that model or profile, its members, and no more."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from bedrock_rft import JudgeGrants, JudgeModel, RewardCode, RewardFunction, RewardSpec
from rft_contract.judge_models import JUDGE_MODELS
from rft_contract.reward_needs import judge_models_of

GPT = "openai.gpt-oss-120b-1:0"
NOVA = "us.amazon.nova-2-lite-v1:0"
GLOBAL = "global.amazon.nova-2-lite-v1:0"
HERE = "arn:<AWS::Partition>:bedrock:<AWS::Region>"
PROFILES = f"{HERE}:<AWS::AccountId>:inference-profile"
LITE = "foundation-model/amazon.nova-2-lite-v1:0"
SPEC = RewardSpec(name="helpful", grader="judge", options={"model": NOVA, "rubric": "instruction_following"})


@pytest.fixture
def role(stack: Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


@pytest.fixture
def granted(stack: Stack, role: iam.Role, build: Callable[[Stack], Any]) -> Callable[[JudgeGrants], Any]:
    """Return what grants and reads the role's statements."""

    def grant(grants: JudgeGrants) -> Any:
        grants.grant_invoke(role).assert_success()
        return build(stack).statements("Role")

    return grant


def allowed(resources: Any, **conditions: str) -> dict[str, Any]:
    statement = {"Action": "bedrock:InvokeModel", "Effect": "Allow", "Resource": resources}
    return {**statement, "Condition": {"StringEquals": conditions}} if conditions else statement


def test_a_foundation_model_is_granted_in_the_functions_region(granted: Callable[[JudgeGrants], Any]) -> None:
    assert granted(JudgeGrants(GPT)) == [allowed(f"{HERE}::foundation-model/{GPT}")]


def test_a_profile_is_granted_with_its_members_through_it_alone(granted: Callable[[JudgeGrants], Any]) -> None:
    profile = f"{PROFILES}/{NOVA}"
    members = [f"arn:<AWS::Partition>:bedrock:{region}::{LITE}" for region in ("us-east-1", "us-east-2", "us-west-2")]
    assert granted(JudgeGrants(NOVA)) == [
        allowed(profile),
        allowed(members, **{"bedrock:InferenceProfileArn": profile}),
    ]


def test_a_global_profile_is_granted_as_aws_says_when_it_is_allowed(granted: Callable[[JudgeGrants], Any]) -> None:
    profile = f"{PROFILES}/{GLOBAL}"
    through = {"bedrock:InferenceProfileArn": profile}
    assert granted(JudgeGrants(GLOBAL, allow_global=True)) == [
        allowed(profile),
        allowed(f"{HERE}::{LITE}", **through),
        allowed(f"arn:<AWS::Partition>:bedrock:::{LITE}", **through, **{"aws:RequestedRegion": "unspecified"}),
    ]


def test_no_grant_has_a_wildcard(granted: Callable[[JudgeGrants], Any]) -> None:
    statements = granted(JudgeGrants(*(model.inference_id for model in JUDGE_MODELS), allow_global=True))
    assert "*" not in str(statements) and len(statements) == 7


def test_models_of_your_own_can_be_described(granted: Callable[[JudgeGrants], Any]) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"
    own = JudgeModel(inference_id=arn, foundation_model="vendor.judge-v1:0", regions=("us-east-1",))
    assert granted(JudgeGrants(own)) == [
        allowed(arn),
        allowed(
            "arn:<AWS::Partition>:bedrock:us-east-1::foundation-model/vendor.judge-v1:0",
            **{"bedrock:InferenceProfileArn": arn},
        ),
    ]


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ([], "models: got none"),
        (["vendor.judge-v1:0"], "not in the table"),
        (["amazon.nova-2-lite-v1:0"], "not in the table"),
        ([GLOBAL], "allow_global=True"),
        ([JudgeModel(inference_id="eu.vendor.judge-v1:0", foundation_model="vendor.judge-v1:0")], "regions: got none"),
    ],
)
def test_what_is_not_clear_is_refused(models: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JudgeGrants(*models)


def test_a_reward_function_may_ask_its_judge_and_knows_which(
    stack: Stack, build: Callable[[Stack], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = RewardCode.builtin(SPEC)
    RewardFunction(stack, "Helpful", code=code, environment_name="dev", judge=JudgeGrants(*judge_models_of(SPEC)))
    built = build(stack)
    variables = built.properties("AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["RFT_JUDGE_MODELS"] == NOVA
    actions = [statement["Action"] for statement in built.statements("Role")]
    assert actions.count("bedrock:InvokeModel") == 2


def test_a_judge_reward_without_a_judge_is_refused(stack: Stack) -> None:
    with pytest.raises(ValueError, match="judge: got None"):
        RewardFunction(stack, "Helpful", code=RewardCode.builtin(SPEC), environment_name="dev")


def test_the_models_of_a_reward_are_told_from_its_options() -> None:
    nested = RewardSpec(
        name="both",
        grader="compose",
        options={
            "graders": [
                {"grader": "judge", "options": {"model": GPT, "rubric": "summary"}},
                {"grader": "label", "options": {"model": "no-judge"}},
                {"grader": "verified_judge", "options": {"model": NOVA, "verify": {"grader": "math"}}},
                {"grader": "judge", "options": {"model": GPT, "rubric": "reasoning"}},
            ]
        },
    )
    assert judge_models_of(nested) == (GPT, NOVA) and judge_models_of(SPEC) == (NOVA,)
    assert judge_models_of(RewardSpec(name="plain", grader="math")) == ()
