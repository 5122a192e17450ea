"""`loglode aws`: operate the pipeline on AWS."""

from __future__ import annotations

import click

from loglode.cli.options import debug_options


@click.group("aws")
def aws() -> None:
    """Operate the pipeline on AWS.

    \b
    Example:
      loglode aws replay --batch ID --manifests s3://bucket/manifests --state-machine ARN
    """


@aws.command("replay")
@click.option("--batch", required=True, metavar="ID", help="Batch id from an alert or an execution.")
@click.option(
    "--manifests",
    required=True,
    envvar="LOGLODE_MANIFESTS",
    metavar="S3",
    help="s3://BUCKET/PREFIX where the trigger stores its manifests.",
)
@click.option(
    "--state-machine",
    "machine",
    required=True,
    envvar="LOGLODE_STATE_MACHINE",
    metavar="ARN",
    help="ARN of the state machine.",
)
@debug_options
def replay(*, batch: str, manifests: str, machine: str) -> None:
    """Start a batch again with the objects of its manifest, and print the execution's name.

    Objects that were already loaded are skipped.

    \b
    Example:
      loglode aws replay --batch ID --manifests s3://bucket/manifests --state-machine ARN
    """
    from loglode.operations import replay_batch

    click.echo(replay_batch(batch, manifests, machine))
