"""``harness judge``: whether a judge may be believed."""

from __future__ import annotations

import click

from harness.commands.judge_calibrate import agree, calibrate


@click.group(subcommand_metavar="COMMAND ...")
def judge() -> None:
    """Hold a judge against what people say."""


judge.add_command(calibrate)
judge.add_command(agree)
