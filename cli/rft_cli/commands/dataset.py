"""`rft dataset`: prompts compared with production, made from logs, split, converted and drawn."""

import typer

app = typer.Typer(
    name="dataset",
    help="Datasets: compare with production, make from logs, split, convert, draw.",
    no_args_is_help=True,
)


@app.callback()
def dataset() -> None:
    """Datasets: compare with production, make from logs, split, convert, draw."""
