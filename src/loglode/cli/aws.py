"""`loglode aws`: what an operator does to the pipeline on AWS."""

from __future__ import annotations

import click

from loglode.cli.options import debug_options


@click.group("aws")
def aws() -> None:
    """What an operator does to the pipeline on AWS.

    \b
    Example:
      loglode aws replay --batch ID --manifests s3://bucket/manifests --state-machine ARN
    """


@aws.command("replay")
@click.option("--batch", required=True, metavar="ID", help="The batch, as alerts and executions name it.")
@click.option(
    "--manifests",
    required=True,
    envvar="LOGLODE_MANIFESTS",
    metavar="S3",
    help="s3://bucket/prefix where the trigger keeps its lists of objects.",
)
@click.option(
    "--state-machine",
    "machine",
    required=True,
    envvar="LOGLODE_STATE_MACHINE",
    metavar="ARN",
)
@debug_options
def replay(*, batch: str, manifests: str, machine: str) -> None:
    """Start a batch once more, with the objects that its manifest names, and print the execution's name.

    What was loaded is not loaded twice.

    \b
    Example:
      loglode aws replay --batch ID --manifests s3://bucket/manifests --state-machine ARN
    """
    from loglode.operations import replay_batch

    click.echo(replay_batch(batch, manifests, machine))
