"""checkov and cfn-lint over a template with nothing accepted in it.

They need an environment of their own: checkov pins an old boto3. Offline rules suffice; nothing is sent anywhere.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.result import ROOT
from benchmarks.security.findings import SCANNERS, Finding, without_marks
from benchmarks.security.rights import construct_path
from rft_contract.json_value import JsonObject

PROGRAMS = ROOT / ".venv-security" / "bin"


def scan(template: Mapping[str, Any], programs: Path = PROGRAMS) -> tuple[int, list[Finding]]:
    """Return how many checks of checkov a template passes, and what both scanners find.

    Args:
        template: As CloudFormation reads it.
        programs: Folder of `checkov` and `cfn-lint`.

    Raises:
        RuntimeError: When one of them fails otherwise than by finding something.
    """
    bare = without_marks(template)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.json"
        path.write_text(json.dumps(bare, indent=1))
        passed, failed = _checkov(programs, path)
        found = {*failed, *_cfn_lint(programs, path)}
    resources = bare["Resources"]
    return passed, sorted(
        Finding(tool, rule, construct_path(resources.get(name, {}), name)) for tool, rule, name in found
    )


def registry_schemas(programs: Path = PROGRAMS) -> Path:
    """Return the folder with the schemas of CloudFormation's registry that cfn-lint brings.

    Args:
        programs: Folder of `cfn-lint`.
    """
    where = "import importlib.util as found; print(found.find_spec('cfnlint').submodule_search_locations[0])"
    return Path(_run([str(programs / "python"), "-c", where], (0,)).strip()) / "data" / "schemas" / "resources"


def versions(programs: Path = PROGRAMS) -> JsonObject:
    """Return the versions of the scanners."""
    return {name: _run([str(programs / name), "--version"], (0,)).split()[-1] for name in SCANNERS}


def _checkov(programs: Path, template: Path) -> tuple[int, list[tuple[str, str, str]]]:
    """Return how many checks passed, and tool, rule and logical id of those that failed."""
    options = ["--framework", "cloudformation", "--output", "json", "--quiet", "--compact", "--skip-download"]
    answer = _run([str(programs / "checkov"), "--file", str(template), *options], (0, 1))
    report = json.loads(answer)
    failed = [
        ("checkov", check["check_id"], check["resource"].rpartition(".")[2])
        for check in report["results"]["failed_checks"]
    ]
    return int(report["summary"]["passed"]), failed


def _cfn_lint(programs: Path, template: Path) -> Iterator[tuple[str, str, str]]:
    """Yield tool, rule and logical id of each finding."""
    # Its exit status adds 2 for errors, 4 for warnings, 8 for information.
    answer = _run([str(programs / "cfn-lint"), "--format", "json", str(template)], range(15))
    for match in json.loads(answer):
        section, *rest = [str(part) for part in match["Location"]["Path"]] or [""]
        yield "cfn-lint", match["Rule"]["Id"], rest[0] if section == "Resources" and rest else section


def _run(command: list[str], good: Iterable[int]) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode not in good:
        raise RuntimeError(f"{command[0]} ended with {ran.returncode}: {ran.stderr.strip()[-400:]}")
    return ran.stdout
