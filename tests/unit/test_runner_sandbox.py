"""Untrusted programs in the real sandbox: what attacks earn, what they leave, and whom they hurt.

A sample of the attacks runs here, all of them in `python -m benchmarks code_grader`.

Each test runs an environment of the runner as a process of its own, once as this user and, where this is root, once as
`nobody` altogether: as in Lambda, where programs have the user of the process that runs them.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rft_contract.json_value import JsonObject
from rft_contract.value_codec import encode
from rft_rewards.code import code
from rft_rewards.deadline import Deadline
from rft_rewards.grade import Grade, Score
from rft_rewards.runner import Job, RunnerLost
from rft_rewards.sample import Sample
from rft_runtime.code_runner import CodeRunner
from rft_runtime.local_code_runner import LocalInvoke

CASES = json.loads((Path(__file__).parents[1] / "cases" / "code_attacks.json").read_text(encoding="utf-8"))
SQUARES: JsonObject = {"entry_point": "f", "cases": [{"args": [n], "expected": n * n} for n in (2, 3, 5)]}
TEST = """
def check(candidate):
    for value, n in zip(map(candidate, (2, 3, 5)), (2, 3, 5)):
        assert value == n * n
"""
CANARY = 987654321
SECRET: JsonObject = {"entry_point": "f", "cases": [{"args": [n], "expected": CANARY} for n in (2, 3, 5)]}
QUICK_ATTACKS = [case for case in CASES["attacks"] if not case.get("hangs")]
HANGING_ATTACKS = [case for case in CASES["attacks"] if case.get("hangs")]


def _interpreter_for_everybody() -> str | None:
    """Return an interpreter that the user nobody can start."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            probe = "import sys; sys.exit(sys.version_info < (3, 11))"
            if subprocess.run([python, "-c", probe], user="nobody", check=False).returncode == 0:
                return python
        except OSError:
            continue
    return None


AS_ROOT = os.geteuid() == 0
OPEN_PYTHON = _interpreter_for_everybody() if AS_ROOT else sys.executable


class Environment:
    """A runner's environment on this machine, with a grader that uses it."""

    def __init__(self, user: str | None) -> None:
        self.invoke = LocalInvoke(
            python=OPEN_PYTHON or sys.executable, user=user, variables={"RFT_CANARY": str(CANARY)}
        )
        self.runner = CodeRunner(self.invoke, longest_seconds=60)
        self.deadline = Deadline(60)

    def grade(self, *samples: Sample, seconds: float = 10) -> list[Grade]:
        """Grade; programs have time enough on a busy machine, unless they hang anyway."""
        self.deadline.restart(60)
        grader = code(runner=self.runner, deadline=self.deadline, seconds=seconds, memory_mib=128)
        return list(grader.grade_all(samples))


@pytest.fixture(scope="module", params=["this user", "nobody"])
def environment(request: pytest.FixtureRequest) -> Iterator[Environment]:
    user = "nobody" if request.param == "nobody" else None
    if user and not (AS_ROOT and OPEN_PYTHON):
        pytest.skip("needs root, and an interpreter that nobody can start")
    made = Environment(user)
    yield made
    made.invoke.close()


def sample(lines: list[str], reference: JsonObject = SQUARES) -> Sample:
    return Sample("\n".join(["```python", *lines, "```"]), reference)


RIGHT = sample(["def f(x): return x * x"])


def values(grades: list[Grade]) -> list[float | None]:
    return [grade.value if isinstance(grade, Score) else None for grade in grades]


@pytest.mark.parametrize("case", QUICK_ATTACKS[::2], ids=lambda case: case["why"])
def test_an_attack_earns_nothing_and_hurts_nobody(case: dict[str, Any], environment: Environment) -> None:
    reference = SECRET if case.get("secret") else SQUARES
    tested: JsonObject = {"entry_point": "f", "test": TEST}
    attack = sample(case["program"], reference)
    grades = environment.grade(RIGHT, attack, sample(case["program"], tested), RIGHT)
    assert values(grades) == [1, 0, 0, 1]


@pytest.mark.parametrize("case", HANGING_ATTACKS[::4], ids=lambda case: case["why"])
def test_an_attack_that_hangs_is_cut_off(case: dict[str, Any], environment: Environment) -> None:
    assert values(environment.grade(sample(case["program"]), RIGHT, seconds=0.5)) == [0, 1]


@pytest.mark.parametrize("case", CASES["leftovers"], ids=lambda case: case["why"])
def test_nothing_reaches_the_next_program_or_event(case: dict[str, Any], environment: Environment) -> None:
    leaves, finds = sample(case["leaves"], SECRET), sample(case["finds"], SECRET)
    grades = environment.grade(leaves, finds, RIGHT)
    assert values(grades) == [0, 0, 1]
    assert isinstance(grades[0], Score)
    assert "wrong" in grades[0].explanation, "it could not leave anything, so nothing is shown"
    assert values(environment.grade(finds)) == [0]


@pytest.mark.parametrize(
    "case", [case for case in CASES["kills"] if not case.get("stops")], ids=lambda case: case["why"]
)
def test_ending_the_environment_costs_the_others_nothing(case: dict[str, Any], environment: Environment) -> None:
    others = [sample([f"def f(x): return x * x + {number}"]) for number in (0, 1, 2)]
    assert values(environment.grade(RIGHT, others[1], sample(case["program"]), others[2], RIGHT)) == [1, 0, 0, 0, 1]


def test_a_case_that_hangs_or_ends_its_process_costs_only_itself(environment: Environment) -> None:
    hangs = ["def f(x):", "    while x == 2: pass", "    return x * x"]
    ends = ["import os", "def f(x): return os._exit(0) if x == 3 else x * x"]
    assert values(environment.grade(sample(hangs), sample(ends), seconds=2)) == pytest.approx([2 / 3, 2 / 3])


def run(environment: Environment, *programs: str, seconds: float = 0.5) -> JsonObject:
    """Return the runner's own response to jobs with one call, f(1)."""
    jobs = [
        Job(
            program=program,
            prelude="",
            entry_point="f",
            calls=(encode(((1,), {})),),
            observe=False,
            seconds=seconds,
            memory_mib=64,
        ).to_json()
        for program in programs
    ]
    event = {"nonce": "n", "seconds": 20, "jobs": jobs}
    response: JsonObject = json.loads(environment.invoke(json.dumps(event).encode(), 30))
    return response


def test_a_response_carries_the_events_nonce_and_counts_what_was_left(environment: Environment) -> None:
    daemon = "import os, time\ndef f(x):\n    for _ in range(3):\n        if os.fork() == 0:\n            os.setsid()\n"
    response = run(environment, "def f(x): return x", daemon + "            time.sleep(60)\n    return x")
    assert response["nonce"] == "n"
    results = response["results"]
    assert isinstance(results, list)
    assert [result["answers"] for result in results if isinstance(result, dict)] == [["v1"], ["v1"]]
    assert response["strays"] == 3


def test_no_process_is_left(environment: Environment) -> None:
    run(environment, "def f(x): return x")
    before = processes(environment)
    daemon = (
        "import os, time\ndef f(x):\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(60)\n    return x"
    )
    bomb = "import os\ndef f(x):\n    while True:\n        try: os.fork()\n        except OSError: pass"
    run(environment, daemon, bomb, "def f(x): return x", daemon)
    assert processes(environment) == before


def processes(environment: Environment) -> set[int]:
    """Return the environment's processes, by their session or its descent."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_bytes().rpartition(b")")[2].split()[1])
            except OSError:
                continue
    found = {environment.invoke.process_id or 0}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def test_a_programs_world_is_empty(environment: Environment) -> None:
    program = """
import os
def f(x):
    def is_open(number):
        try: return bool(os.fstat(number))
        except OSError: return False
    variables = sorted(os.environ.keys() - {"LC_CTYPE", "LD_LIBRARY_PATH"})
    return variables, os.listdir("."), sum(map(is_open, range(3, 64))), os.getsid(0) == os.getpid()
"""
    results = run(environment, program)["results"]
    assert isinstance(results, list)
    assert isinstance(results[0], dict)
    # the one descriptor is that of its own answers
    world: tuple[object, ...] = (["HOME", "LANG", "PATH", "PYTHONHASHSEED", "TMPDIR"], [], 1, True)
    assert results[0]["answers"] == ["v" + encode(world)]


def test_the_attacks_find_a_secret_that_is_not_hidden(environment: Environment) -> None:
    (attack,) = (case for case in CASES["attacks"] if case["why"] == "secrets in the environment of other processes")
    other: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []} if AS_ROOT else {}
    victim = subprocess.Popen(["sleep", "30"], env={"RFT_CANARY": str(CANARY)}, **other)
    try:
        assert values(environment.grade(sample(attack["program"], SECRET))) == [1]
    finally:
        victim.kill()
        victim.wait()


def test_the_same_program_answers_the_same(environment: Environment) -> None:
    program = "def f(x): return list({'a', 'b', 'c', 'd', 'e', 'f'}), hash('x')"
    first = run(environment, program)["results"]
    environment.invoke.close()
    second = run(environment, program)["results"]
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert isinstance(first[0], dict)
    assert isinstance(second[0], dict)
    assert first[0]["answers"] == second[0]["answers"]


def test_a_job_that_cannot_have_its_whole_time_is_not_started(environment: Environment) -> None:
    assert run(environment, "def f(x): return x", seconds=60)["results"] == [None]


def test_no_flood_makes_a_response_that_lambda_cannot_send(environment: Environment) -> None:
    write = """
import os
def f(x):
    for number in range(3, 9):
        try: os.write(number, LINE * 100000)
        except OSError: pass
"""
    lines = (b'v"\n', b"v\x01\n", b"v\xff\n", b"v" + b'"' * 250 + b"\n", b"x")
    floods = [write.replace("LINE", repr(line)) for line in lines]
    values = [f"def f(x): return '\"' * 120000 + '{number}'" for number in range(60)]
    event = {"nonce": "n", "seconds": 60, "jobs": [flooding_job(program) for program in floods + values]}
    response = environment.invoke(json.dumps(event).encode(), 60)
    assert len(response) < 6_000_000
    results = json.loads(response)["results"]
    assert results[0] is not None
    assert results[-1] is None


def flooding_job(program: str) -> JsonObject:
    calls = tuple(encode(((number,), {})) for number in range(8))
    return Job(
        program=program, prelude="", entry_point="f", calls=calls, observe=False, seconds=1, memory_mib=64
    ).to_json()


def test_an_environment_that_is_silent_is_lost_and_replaced(environment: Environment) -> None:
    with pytest.raises(RunnerLost):
        environment.invoke(json.dumps({"nonce": "n", "seconds": 5, "jobs": [hanging_job()]}).encode(), 0.3)
    assert run(environment, "def f(x): return x")["results"]


def hanging_job() -> JsonObject:
    return Job(
        program="import time\ndef f(x): time.sleep(60)",
        prelude="",
        entry_point="f",
        calls=(encode(((1,), {})),),
        observe=False,
        seconds=3,
        memory_mib=64,
    ).to_json()


def test_an_environment_ends_when_its_input_does(environment: Environment) -> None:
    run(environment, "def f(x): return x")
    ours = processes(environment)
    environment.invoke.close()
    end = time.monotonic() + 5
    while alive := {pid for pid in ours if is_running(pid)}:
        assert time.monotonic() < end, alive
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie that waits for somebody else."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False
