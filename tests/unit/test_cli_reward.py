"""`rft reward`: writing a reward and trying it on cases."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rft_cli.main import main
from rft_cli.reward_folder import read_folder
from rft_cli.reward_template import new_reward, template_kinds
from rft_cli.reward_trial import try_folder
from rft_contract.reward_needs import graders_of
from rft_rewards.grade import Score

BUILT_IN = ["agentic", "code", "json", "judge", "math", "moderation", "rag", "summary", "writing"]
LINES = "name: mine\nrange: [0, 1]\ngrader: math\n"
CASES: dict[str, Any] = {"prompt": "How many?", "reference_answer": "7", "good": ["#### 7"], "bad": ["#### 8"]}
OWN = (
    "from rft_rewards.grade import Score\n\n\ndef score(sample):\n    return Score(float(sample.reference['x'] == 1))\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a reward's folder."""

    def write(case: dict[str, Any] | None = None, **files: str) -> Path:
        made = tmp_path / "mine"
        made.mkdir(exist_ok=True)
        for name, content in files.items():
            (made / name.replace("__", ".")).write_text(content)
        if case is not None:
            (made / "cases.json").write_text(json.dumps({"schema": 1, "cases": [case]}))
        return made

    return write


def ran(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Run the command; return exit code, answer, and what was said besides, both without line breaks."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, " ".join(captured.out.split()), " ".join(captured.err.split())


def test_there_is_an_example_of_every_kind() -> None:
    assert list(template_kinds()) == sorted([*BUILT_IN, "python"])


@pytest.mark.parametrize("kind", template_kinds())
def test_an_example_does_what_its_cases_say(kind: str, tmp_path: Path) -> None:
    made = new_reward("my-reward", kind, tmp_path / "rewards")
    assert sorted(path.name for path in made.iterdir()) == [
        "README.md",
        "cases.json",
        "reward.py" if kind == "python" else "reward.yaml",
    ]
    assert not [path for path in made.iterdir() if "NAME" in path.read_text()]
    folder = read_folder(made)
    trial = try_folder(folder)
    assert trial.passed
    assert not trial.failed
    assert trial.lacking == ""
    assert folder.spec.name == "my-reward"
    assert trial.stand_in == (kind in ("judge", "rag", "writing"))


def test_creative_writing_is_judge_length_repetition_and_novelty(tmp_path: Path) -> None:
    spec = read_folder(new_reward("tales", "writing", tmp_path)).spec
    assert set(graders_of(spec)) == {"compose", "judge", "length", "repetition", "novelty"}
    trial = try_folder(read_folder(tmp_path / "tales"))
    shown = [set(one.grade.components) for one in trial.tried if isinstance(one.grade, Score) and one.is_good]
    assert all({"length", "repetition", "style", "novelty"} < components for components in shown)


def test_new_lists_what_it_wrote_and_what_is_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer, _ = ran(capsys, "reward", "new", "sums", "--kind", "math", "--into", tmp_path)
    assert code == 0
    assert answer.endswith(f"next: rft reward test {tmp_path}/sums")
    code, _, error = ran(capsys, "reward", "new", "sums", "--kind", "math", "--into", tmp_path)
    assert (code, "exists" in error) == (1, True)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [("Sums", "math", "reward name: got 'Sums'"), ("sums", "maths", "--kind maths: wanted one of agentic, code,")],
)
def test_new_refuses(tmp_path: Path, name: str, kind: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = ran(capsys, "reward", "new", name, "--kind", kind, "--into", tmp_path)
    assert code == 1
    assert words in error
    assert not list(tmp_path.iterdir())


def test_one_screen_says_what_failed_on_which_case_and_why(
    folder: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES | {"good": ["#### 7", "I think it is seven."], "bad": ["#### 8", "#### 7.0"]}
    code, answer, _ = ran(capsys, "reward", "test", folder(case, reward__yaml=LINES))
    assert code == 1
    assert answer.startswith("FAILED mine (math): 1 of 2 good, 1 of 2 bad as wanted")
    assert "1, good 2 I think it is seven. 0 " in answer
    assert "1, bad 2 #### 7.0 1 " in answer


def test_the_answer_for_programs_has_every_completion(
    folder: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reward", "test", str(folder(CASES, reward__yaml=LINES)), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["passed"], answer["lacking"]) == (True, "")
    assert [(one["name"], one["score"]) for one in answer["completions"]] == [("good 1", 1.0), ("bad 1", 0.0)]


def test_where_the_authors_code_raises_is_named(
    folder: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES | {"reference_answer": {"x": 1}, "bad": []}
    made = folder(case, reward__py=OWN)
    code, answer, _ = ran(capsys, "reward", "test", made)
    assert code == 0
    assert "at least 20 good and 20 bad completions: there are 1 and 0" in answer
    folder(CASES)
    code, answer, _ = ran(capsys, "reward", "test", made)
    assert code == 1
    assert "invalid reward.py:5: TypeError: string indices must be integers" in answer


def test_two_folders_with_functions_of_their_own_do_not_mix(tmp_path: Path) -> None:
    for name, value in (("one", 1.0), ("two", 0.0)):
        made = tmp_path / name
        made.mkdir()
        (made / "reward.py").write_text(
            f"from rft_rewards.grade import Score\ndef score(sample): return Score({value})"
        )
        (made / "cases.json").write_text(json.dumps({"schema": 1, "cases": [CASES]}))
        grades = [one.grade for one in try_folder(read_folder(made)).tried]
        assert grades == [Score(value), Score(value)]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "neither reward.yaml nor reward.py lies in it"),
        ({"reward__yaml": LINES, "cases__json": "[]"}, 'cases: wanted {"schema": 1'),
        ({"reward__yaml": LINES}, "cases.json: No such file"),
        ({"reward__yaml": "name: a\nname: b"}, "reward.yaml:2: not YAML: key name stands twice"),
        ({"reward__yaml": "name: a\ngrader: math"}, "range: got None, wanted [floor, ceiling]"),
    ],
)
def test_a_folder_that_cannot_be_is_refused_in_one_line(
    folder: Callable[..., Path], files: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, error = ran(capsys, "reward", "test", folder(**files))
    assert code == 1
    assert words in error


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        (LINES.replace("math", "maths"), "got the grader 'maths'"),
        (LINES + "options: {markers: x}\n", "grader math has no option 'markers'"),
        (
            LINES.replace("grader: math", "graders: {a: {grader: label}}"),
            "graders.a: grader label needs the option 'labels'",
        ),
    ],
)
def test_a_reward_that_cannot_be_built_is_refused_in_one_line(
    folder: Callable[..., Path], yaml: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, error = ran(capsys, "reward", "test", folder(CASES, reward__yaml=yaml))
    assert code == 1
    assert words in error
