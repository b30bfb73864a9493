"""AWS STS in memory."""

from dataclasses import dataclass

from tests.unit.fakes.account import ACCOUNT


@dataclass
class FakeSts:
    account: str = ACCOUNT

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": self.account, "Arn": f"arn:aws:sts::{self.account}:assumed-role/dev-plan/x"}
