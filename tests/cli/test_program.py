"""The program around the commands: what it imports, and how errors come out."""

from __future__ import annotations

import signal
import subprocess
import sys
from types import ModuleType

import click
import pytest
from click.testing import CliRunner

import deblurkit
from deblurkit.cli import COMMANDS, main
from deblurkit.errors import DataError, TrainingError

HEAVY = ("torch", "torchvision", "timm", "skimage", "scipy", "numpy", "accelerate", "av", "PIL")

LISTING = [
    ["--help"],
    ["--version"],
    ["plugins", "--help"],
    ["plugins", "list"],
    ["plugins", "list", "--json"],
    ["plugins", "show", "pairwise"],
    ["plugins", "show", "resampling-cnn", "--json"],
]


@pytest.mark.parametrize("args", LISTING, ids=" ".join)
def test_listing_imports_nothing_heavy(site, args):
    code = (
        "import sys, atexit\n"
        f"heavy = {HEAVY!r}\n"
        "atexit.register(lambda: print('LOADED', *(m for m in heavy if m in sys.modules),"
        " file=sys.stderr))\n"
        "from deblurkit.cli import main\n"
        f"main({args!r})\n"
    )
    result = site.run("-c", code)
    assert result.returncode == 0, result.stderr
    assert result.stdout
    assert result.stderr == "LOADED\n"


@pytest.mark.parametrize("args", [["--help"], ["--version"]])
def test_help_and_version_import_no_plugin_machinery(site, args):
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*(m for m in ('pydantic', 'pluggy', 'rich')"
        " if m in sys.modules), file=sys.stderr))\n"
        f"from deblurkit.cli import main\nmain({args!r})\n"
    )
    assert site.run("-c", code).stderr == "\n"


@pytest.mark.parametrize(
    "start", [["-m", "deblurkit"], ["-c", "from deblurkit.cli import main; main()"]]
)
def test_both_ways_to_start_it(site, start):
    result = site.run(*start, "--version")
    assert (result.returncode, result.stdout) == (0, f"deblurkit {deblurkit.__version__}\n")


def test_help_lists_every_command_with_its_help():
    text = " ".join(CliRunner().invoke(main, ["--help"]).stdout.split())
    for name, help_text in COMMANDS.items():
        assert f"{name} {help_text}" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_under_its_name(name):
    command = main.get_command(click.Context(main), name)
    assert isinstance(command, click.Command)
    assert command.name == name


def test_an_unknown_command_gets_the_nearest():
    result = CliRunner().invoke(main, ["plugin"])
    assert result.exit_code == 2
    assert "there is no command 'plugin'; did you mean 'plugins'?" in result.stderr


def test_an_unknown_option_is_a_usage_error():
    result = CliRunner().invoke(main, ["--fast"])
    assert result.exit_code == 2
    assert "No such option" in result.stderr


@pytest.fixture
def failing(monkeypatch):
    """`deblurkit run` that raises what it is told to."""

    def invoke(error, **env):
        @click.command()
        def run():
            raise error

        module = ModuleType("deblurkit.cli.run")
        module.run = run
        monkeypatch.setitem(sys.modules, "deblurkit.cli.run", module)
        return CliRunner().invoke(main, ["run"], env=env)

    return invoke


@pytest.mark.parametrize(
    ("error", "code", "stderr"),
    [
        (
            DataError("it is empty", where="photos/", hint="put photographs there"),
            2,
            "error: photos/: it is empty\n  next: put photographs there\n",
        ),
        (TrainingError("the loss is not finite"), 1, "error: the loss is not finite\n"),
        (KeyboardInterrupt(), 130, "\nstopped\n"),
        (SystemExit(7), 7, ""),
        (click.UsageError("too many"), 2, "Usage: "),
        (BrokenPipeError(32, "Broken pipe"), 1, ""),
    ],
)
def test_errors_become_messages_and_exit_codes(failing, error, code, stderr):
    result = failing(error)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith(stderr)
    assert (result.stderr == stderr) or isinstance(error, click.UsageError)


def test_a_bug_is_one_line_that_says_how_to_see_more(failing):
    result = failing(ZeroDivisionError("division\nby zero"))
    assert result.exit_code == 1
    assert result.stderr == (
        "error: ZeroDivisionError: division by zero (this is a bug in deblurkit or in a plugin; "
        "set DEBLURKIT_DEBUG=1 for the traceback and report it)\n"
    )


@pytest.mark.parametrize("error", [ZeroDivisionError("zero"), DataError("empty")])
def test_debug_shows_the_traceback_before_the_message(failing, error):
    result = failing(error, DEBLURKIT_DEBUG="1")
    assert result.stderr.startswith("Traceback (most recent call last)")
    assert "in run\n" in result.stderr
    assert result.stderr.rstrip().splitlines()[-1].startswith("error: ")
    assert "Traceback" not in failing(error, DEBLURKIT_DEBUG="0").stderr


def test_a_reader_that_leaves_early_is_no_error():
    command = [sys.executable, "-m", "deblurkit", "plugins", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_an_encoding_without_the_character_gets_question_marks(site):
    site.add(
        "odd",
        """
        from deblurkit.hookspecs import hookimpl
        from deblurkit.specs import LossSpec
        DEBLURKIT_API = 1

        @hookimpl
        def deblurkit_losses():
            return [LossSpec(name="odd", summary="3×3", build="made_up_x:Y")]
        """,
    )
    result = site.run("-m", "deblurkit", "plugins", "list", PYTHONIOENCODING="cp1251")
    assert result.returncode == 0, result.stderr
    assert "3?3" in result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_control_c_ends_with_130(tmp_path):
    script = tmp_path / "slow_run.py"
    script.write_text(
        "import signal, sys, time, types, click\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in background jobs
        "@click.command()\n"
        "def run():\n"
        "    print('started', flush=True)\n"
        "    time.sleep(60)\n"
        "module = types.ModuleType('deblurkit.cli.run')\n"
        "module.run = run\n"
        "sys.modules['deblurkit.cli.run'] = module\n"
        "from deblurkit.cli import main\n"
        "main(['run'])\n"
    )
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (130, "\nstopped\n")
