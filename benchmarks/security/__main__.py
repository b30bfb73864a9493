"""`python -m benchmarks.security`: let every checker look at every environment, keep the result, write the page.

`python -m benchmarks.security page` only writes docs/security.md from what is kept.
"""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version

from benchmarks.result import save
from benchmarks.security.environments import configurations, examine
from benchmarks.security.page import write
from benchmarks.security.registry import permissions
from benchmarks.security.scanners import PROGRAMS, registry_schemas, scan, versions
from benchmarks.security.summary import summary
from rft_contract.json_value import JsonObject
from stacks.deployment_rights import RIGHTS

COMMAND = "make security"


def main(arguments: list[str]) -> int:
    """Check, keep, write; the exit status is 1 when a finding is open or an acknowledgement idle.

    Args:
        arguments: `page`, or nothing.
    """
    if arguments not in ([], ["page"]):
        print("usage: python -m benchmarks.security [page]", file=sys.stderr)
        return 2
    problems: list[str] = []
    if not arguments:
        if not (PROGRAMS / "checkov").exists():
            print(f"error: no checkov in {PROGRAMS}: run `{COMMAND}`", file=sys.stderr)
            return 2
        problems = list(check())
        print("\n".join(problems), file=sys.stderr)
    write()
    return 1 if problems else 0


def check() -> Iterator[str]:
    """Let all checkers look at all environments and keep what they find; yield what must not be."""
    environments: JsonObject = {}
    for name, config in configurations():
        print(f"{name}: cdk-nag", flush=True)
        examined = examine(name, config)
        print(f"{name}: checkov, cfn-lint", flush=True)
        passed, scanned = scan(examined.template)
        found = summary([*examined.raised, *scanned], examined.accepted)
        yield from (f"{name}: nothing accepts {text}" for text in found.open)
        yield from (f"{name}: nothing needs the acknowledgement of {text}" for text in found.unneeded)
        environments[name] = {
            **asdict(found),
            "checkov_passed": passed,
            "resources": len(examined.template["Resources"]),
        }
    known = {"cdk-nag": version("cdk-nag"), **versions()}
    save("findings", COMMAND, {"versions": known, "environments": environments})
    types: JsonObject = {kind: [*rights] for kind, rights in permissions(registry_schemas(), RIGHTS.keys()).items()}
    save("registry", COMMAND, {"cfn-lint": known["cfn-lint"], "types": types})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
