"""The command line: one file a command, imported when it is used.

`deblurkit --help` and `--version` import nothing but click; a command's own file decides
what else is needed.
"""

from __future__ import annotations

import codecs
import errno
import os
import sys
import traceback
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from deblurkit import __version__
from deblurkit.cli import plugin_commands
from deblurkit.errors import DeblurkitError, nearest
from deblurkit.printable import REPLACEMENT, readable

COMMANDS: Mapping[str, str] = {
    "extract": "Turn blurry photographs into short sharp videos.",
    "run": "Train, evaluate and show what a recipe says.",
    "recipe": "Validate, show and list recipes.",
    "data": "Check, prepare and look at data sets and footage.",
    "evaluate": "Score a finished run again, on its own clips or on others.",
    "score": "Score anyone's sequences: folders of frames, videos.",
    "bench": "Run the rows of a suite and put them into one table.",
    "compare": "Put finished runs, benches and other systems' scores into one table.",
    "report": "Make one HTML page of runs or of a bench, pictures and numbers.",
    "weights": "List, explain, check, import and export weights.",
    "plugins": "List and explain components; make and check new plugins.",
}
"""The commands with their help, in the order shown. `deblurkit.cli.NAME` holds command NAME."""

DEBUG = "DEBLURKIT_DEBUG"
"""Environment variable: set to 1, errors come with their traceback."""


class Program(click.Group):
    """A group whose commands are imported when used, and whose errors are messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order shown; those of other packages last."""
        return [*COMMANDS, *(name for name in plugin_commands.points() if name not in COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is no such command."""
        if cmd_name not in COMMANDS:
            return plugin_commands.load(cmd_name) if cmd_name in plugin_commands.points() else None
        command: click.Command = getattr(import_module(f"deblurkit.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        if others := plugin_commands.described(COMMANDS):
            with formatter.section("Commands of other packages"):
                formatter.write_dl(others)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say what the commands are."""
        name = args[0]
        known = self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            ctx.fail(f"there is no command '{name}'; {nearest(name, known)}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what goes wrong ends as a message and an exit code."""
        codecs.register_error(_REPLACE, _replaced)
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors=_REPLACE)
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise  # click's own: usage errors exit with 2, a closed pipe ends quietly
        except DeblurkitError as error:
            _say(error, f"error: {error}")
            ctx.exit(error.exit_code)
        except KeyboardInterrupt as error:
            _say(error, "\nstopped")
            ctx.exit(getattr(error, "exit_code", 130))
        except Exception as error:  # noqa: BLE001 - the last place to turn it into a message
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                _say(error, f"error: {error.filename or 'the output'}: no space left on the device")
                ctx.exit(1)
            text = " ".join(f"{type(error).__name__}: {error}".split())
            _say(
                error,
                f"error: {text} (this is a bug in deblurkit or in a plugin; "
                f"set {DEBUG}=1 for the traceback and report it)",
            )
            ctx.exit(1)


def _say(error: BaseException, message: str) -> None:
    if os.environ.get(DEBUG, "") not in ("", "0"):
        click.echo("".join(traceback.format_exception(error)), err=True)
    click.echo(readable(message, keep="\n\t"), err=True)


_REPLACE = "deblurkit-replace"


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for what a terminal or pipe cannot say: a file name that is not UTF-8, "×"."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    utf_8 = error.encoding.lower() in ("utf-8", "utf8")
    mark = REPLACEMENT.encode() if utf_8 else b"?"
    return mark * (error.end - error.start), error.end


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="deblurkit", message="%(prog)s %(version)s")
def main() -> None:
    """Turn one motion-blurred photograph into the short sharp video that the shutter saw.

    A recipe names a loss family, an architecture, a schedule and data; `run` trains it,
    scores it on held-out clips and shows the video.
    """
