"""`rft certify`: a reward as it is deployed, tried before a job is paid for."""

from pathlib import Path
from typing import Annotated

import typer

from rft_cli.commands.options import Env, Json, Stack
from rft_cli.console import err, out, print_json, say

_EXIT_CODES = {"PASSED": 0, "FAILED": 1, "INCOMPLETE": 3}


def certify(
    reward: Annotated[
        str, typer.Argument(metavar="REWARD", help="Name of a reward function of the environment.", show_default=False)
    ],
    dataset: Annotated[Path, typer.Option("--dataset", help="Prompts, JSON Lines.", show_default=False)],
    env: Env = None,
    stack: Stack = None,
    cases: Annotated[
        Path | None,
        typer.Option(help="Completions that are good and bad: cases.json. Kept for the environment's runs."),
    ] = None,
    calibration: Annotated[
        list[Path] | None,
        typer.Option(help="What `rft judge calibrate` wrote; once for each judge. Kept like the cases."),
    ] = None,
    pass_at: Annotated[
        float | None, typer.Option(help="Least score of a right answer. \\[default: by grader]", min=0.01, max=1)
    ] = None,
    margin: Annotated[
        float | None, typer.Option(help="Least lead over a wrong one. \\[default: by grader]", min=0.01, max=1)
    ] = None,
    budget: Annotated[int, typer.Option(help="Most completions that a paid judge is asked about.", min=100)] = 1000,
    json: Json = False,
) -> None:
    """Try a deployed reward function on every row of a dataset, and keep the certificate for the environment's runs.

    Right answers must pass and beat empty, copied, refused, mixed and other rows' answers; what fools graders of its
    kind must not be paid. Exit code 0: PASSED; 1: FAILED; 3: INCOMPLETE, when too few cases say what is right.
    """
    from rft_cli.certificate_screen import certificate_screen
    from rft_cli.certification import Brought
    from rft_cli.certification import certify as certify_reward
    from rft_cli.environment import open_environment
    from rft_runtime.certification.subject import Demands

    environment = open_environment(env, stack)
    brought = Brought(cases, calibration or ())
    demands = Demands(pass_at=pass_at, margin=margin, budget=budget)
    with err().status("certifying") as spinner:

        def tell(words: str) -> None:
            if err().is_terminal:
                spinner.update(f"certifying: {words}")
            else:
                say(words)

        certified = certify_reward(environment, reward, dataset, brought, demands, tell)
    if json:
        print_json(certified.certificate)
    else:
        out().print(certificate_screen(certified.certificate))
        out().print(certified.address, markup=False, soft_wrap=True)
    raise typer.Exit(_EXIT_CODES[certified.certificate.verdict])
