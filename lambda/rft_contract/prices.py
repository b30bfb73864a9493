"""Unit prices, as a person read them: what turns an estimate into money. There are no defaults.

Bedrock's price of reinforcement fine-tuning could not be verified, so none is invented, and a money limit without the
prices that it needs is refused.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date as Date  # the field of the name would hide it
from enum import StrEnum

from rft_contract.json_value import JsonObject, JsonValue

OLD_AFTER_DAYS = 90

_CURRENCY = re.compile(r"[A-Z]{3}")


class Unit(StrEnum):
    """What is paid for. Where several models share a unit, the dearest one's price is the safe one."""

    TRAINING_HOUR = "training-hour"
    TRAINING_MILLION_TOKENS = "training-million-tokens"
    INFERENCE_MILLION_TOKENS_IN = "inference-million-tokens-in"
    INFERENCE_MILLION_TOKENS_OUT = "inference-million-tokens-out"
    CUSTOM_MILLION_TOKENS_IN = "custom-million-tokens-in"
    CUSTOM_MILLION_TOKENS_OUT = "custom-million-tokens-out"
    JUDGE_MILLION_TOKENS_IN = "judge-million-tokens-in"
    JUDGE_MILLION_TOKENS_OUT = "judge-million-tokens-out"
    LAMBDA_GB_SECOND = "lambda-gb-second"
    LAMBDA_MILLION_REQUESTS = "lambda-million-requests"
    DEPLOYMENT_HOUR = "deployment-hour"


@dataclass(frozen=True, kw_only=True)
class UnitPrice:
    """What one unit costs.

    Args:
        unit: One of `Unit`.
        amount: In the currency; 0 is a price too.
        currency: Three capital letters, such as `USD`.
        source: Where the price was read, an `https://` address.
        date: When, as `YYYY-MM-DD`.

    Raises:
        ValueError: When a value has the wrong form.
    """

    unit: str
    amount: float
    currency: str
    source: str
    date: str

    def __post_init__(self) -> None:
        if self.unit not in set(Unit):
            raise ValueError(f"prices: got the unit {self.unit!r}, wanted one of {', '.join(Unit)}")
        where = f"prices.{self.unit}"
        if isinstance(self.amount, bool) or not isinstance(self.amount, (int, float)):
            raise ValueError(f"{where}: got the amount {self.amount!r}, wanted a number")
        if not 0 <= self.amount < math.inf:
            raise ValueError(f"{where}: got the amount {self.amount!r}, wanted 0 or more")
        if not isinstance(self.currency, str) or not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"{where}: got the currency {self.currency!r}, wanted three capital letters, such as USD")
        if not isinstance(self.source, str) or not self.source.startswith("https://"):
            raise ValueError(
                f"{where}: got the source {self.source!r}, wanted the https:// address that names the price"
            )
        try:
            Date.fromisoformat(self.date)
        except (TypeError, ValueError):
            raise ValueError(f"{where}: got the date {self.date!r}, wanted YYYY-MM-DD") from None

    @classmethod
    def from_json(cls, value: JsonValue) -> "UnitPrice":
        """Read what `to_json` wrote.

        Raises:
            ValueError: When it is no price.
        """
        if not isinstance(value, dict):
            raise ValueError(f"prices: got {type(value).__name__}, wanted a mapping")
        try:
            return cls(**value)  # type: ignore[arg-type]  # names are checked by the call, values by __post_init__
        except TypeError as error:
            raise ValueError(f"prices: {error}") from None

    def to_json(self) -> JsonObject:
        """Return a mapping."""
        return asdict(self)

    def is_old(self, today: Date) -> bool:
        """Whether the price was read more than 90 days ago."""
        return (today - Date.fromisoformat(self.date)).days > OLD_AFTER_DAYS


def check_prices(prices: Iterable[UnitPrice]) -> None:
    """Check that no unit has two prices.

    Raises:
        ValueError: Naming the unit.
    """
    seen: set[str] = set()
    for price in prices:
        if price.unit in seen:
            raise ValueError(f"prices.{price.unit}: given twice, wanted one price for a unit")
        seen.add(price.unit)
