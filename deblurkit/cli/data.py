"""`deblurkit data`: what is done with data before anything is trained; a file a command."""

from __future__ import annotations

import click

from deblurkit.cli.data_doctor import doctor
from deblurkit.cli.data_prepare import prepare
from deblurkit.cli.data_preview import preview


@click.group()
def data() -> None:
    """Check, prepare and look at data sets and footage."""


data.add_command(doctor)
data.add_command(prepare)
data.add_command(preview)
