"""What the policy of somebody else's resource lacks."""

import json

from aws_cdk import Annotations, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct


def ask_for_statement(construct: Construct, statement: iam.PolicyStatement, *, policy_of: str, answer: str) -> None:
    """Print as an error of synth a statement that a policy needs and cannot get from here.

    Args:
        construct: What needs it.
        statement: The statement.
        policy_of: ARN of the resource whose policy it is.
        answer: The prop by which a person says that the statement is there.
    """
    told = json.dumps(Stack.of(construct).resolve(statement.to_statement_json()))
    Annotations.of(construct).add_error(
        f"add this statement to the policy of {policy_of} and then set {answer}=True: {told}"
    )
