"""`rft judge`: what a judge is worth, before a reward is made of it."""

from pathlib import Path
from typing import Annotated

import typer

from rft_cli.commands.options import Env, Json
from rft_cli.console import err, out, print_json, say

app = typer.Typer(name="judge", help="Judges: compare one with people's labels.", no_args_is_help=True)


@app.command()
def calibrate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Labelled completions.", show_default=False)],
    model: Annotated[str, typer.Option(help="Id of a model or an inference profile.", show_default=False)],
    rubric: Annotated[str, typer.Option(help="Name of a shipped rubric, or a file with one.", show_default=False)],
    samples: Annotated[int, typer.Option(help="Requests for one grade.", min=1, max=9)] = 1,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="Of the judge's sampling. \\[default: 0 for one sample, else 0.7]", min=0, max=1, show_default=False
        ),
    ] = None,
    max_tokens: Annotated[int, typer.Option(help="Longest answer.", min=64, max=8192)] = 1024,
    repeats: Annotated[int, typer.Option(help="How often each completion is graded.", min=2)] = 3,
    limit: Annotated[
        int | None, typer.Option(help="Rows to use, evenly spaced. \\[default: all]", min=50, show_default=False)
    ] = None,
    out_file: Annotated[Path, typer.Option("--out", help="Where the calibration goes.", dir_okay=False)] = Path(
        "calibration.json"
    ),
    env: Env = None,
    json: Json = False,
) -> None:
    """Compare a judge with people's labels: agreement beside a constant's and length's, retest spread, biases.

    FILE is JSON Lines of {"prompt", "completion", "label"} with a number as label, or of {"prompt", "first", "second",
    "label"} with first, second or tie, at least 50; or PandaLM's test set. The calibration holds for this prompt,
    rubric and model. Exit code 1 when the agreement is not surely above both a constant's and length's.
    """
    from rft_cli.calibration_screen import calibration_screen
    from rft_cli.judge_calibration import calibrate_file

    options = {"model": model, "rubric": rubric, "samples": samples, "max_tokens": max_tokens}
    if temperature is not None:
        options["temperature"] = temperature
    with err().status("calibrating") as spinner:

        def tell(words: str) -> None:
            if err().is_terminal:
                spinner.update(f"calibrating: {words}")
            else:
                say(words)

        found = calibrate_file(env, file, options, repeats=repeats, limit=limit, out=out_file, tell=tell)
    if json:
        print_json(found)
    else:
        out().print(calibration_screen(found, out_file))
    raise typer.Exit(0 if found.verdict == "PASSED" else 1)
