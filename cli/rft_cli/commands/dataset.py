"""`rft dataset`: prompts compared with production, made from logs, split, converted and drawn."""

import typer

from rft_cli.commands import dataset_files, dataset_logs, dataset_sampling, dataset_stats

app = typer.Typer(
    name="dataset",
    help="Datasets: compare with production, make from logs, split, convert, draw.",
    no_args_is_help=True,
)


@app.callback()
def dataset() -> None:
    """Datasets: compare with production, make from logs, split, convert, draw."""


app.command()(dataset_logs.compare)
app.command("from-logs")(dataset_logs.from_logs)
app.command("sample-logs")(dataset_sampling.sample_logs)
app.command()(dataset_files.split)
app.command()(dataset_files.convert)
app.command("from-trajectories")(dataset_files.from_trajectories)
app.command()(dataset_stats.stats)
