"""Every 15 minutes: finish or take back what was begun on a line and left. Any event -> `{"lines","under_way"}`."""

from rft_contract.json_value import JsonObject
from rft_contract.outcomes import RunFailed
from rft_runtime.failures import explain, named_failures
from rft_runtime.platform import here
from rft_runtime.releases.release_change import settle
from rft_runtime.releases.release_store import release_store


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Look at every line; one that cannot be settled does not keep the others from it."""
    platform = here()
    lines = list(release_store(platform).lines())
    failures, under_way = [], 0
    for line in lines:
        try:
            under_way += not settle(platform, line)
        except Exception as error:
            failures.append(f"{line}: {explain(error)}")
    if failures:
        raise RunFailed("; ".join(failures))
    return {"lines": len(lines), "under_way": under_way}
