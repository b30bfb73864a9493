"""What the stack writes into the input of the workflow's Plan state."""

from collections.abc import Mapping
from dataclasses import dataclass

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.prices import UnitPrice, check_prices
from rft_contract.settings import PlatformResources, PlatformSettings


@dataclass(frozen=True, kw_only=True)
class PlanFacts:
    """An environment as Plan knows it.

    Args:
        settings: What people decided.
        resources: What CloudFormation made.
        prices: What units cost, in one currency.
        hours_beside_training: What an execution may take beside its training job.

    Raises:
        ValueError: When a unit has two prices.
    """

    settings: PlatformSettings
    resources: PlatformResources
    prices: tuple[UnitPrice, ...] = ()
    hours_beside_training: float = 12.0

    def __post_init__(self) -> None:
        check_prices(self.prices)

    @classmethod
    def from_json(cls, value: Mapping[str, JsonValue]) -> "PlanFacts":
        """Read what `to_json` wrote, from a mapping that may hold more.

        Raises:
            ValueError: When a part has the wrong form.
        """
        prices, hours = value.get("prices", []), value.get("hours_beside_training", cls.hours_beside_training)
        if not isinstance(prices, list) or not isinstance(hours, (int, float)):
            raise ValueError("Plan's input: wanted a list `prices` and a number `hours_beside_training`")
        return cls(
            settings=PlatformSettings.from_json(value.get("settings")),
            resources=PlatformResources.from_json(value.get("resources")),
            prices=tuple(UnitPrice.from_json(price) for price in prices),
            hours_beside_training=float(hours),
        )

    def to_json(self) -> JsonObject:
        """Return a mapping."""
        return {
            "settings": self.settings.to_json(),
            "resources": self.resources.to_json(),
            "prices": [price.to_json() for price in self.prices],
            "hours_beside_training": self.hours_beside_training,
        }
