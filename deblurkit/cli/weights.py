"""`deblurkit weights`: what weights there are, what they are, whether they work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deblurkit.cli.paths import NamedPath
from deblurkit.errors import WeightsError

if TYPE_CHECKING:
    from deblurkit.bundle import Bundle

SOURCE = "a name, a run directory, a bundle, or hf://owner/repo@revision"
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
out_option = click.option(
    "-o",
    "--out",
    required=True,
    type=NamedPath(path_type=Path),
    help="The bundle: one file if its name ends in .safetensors, else a folder.",
)
force_option = click.option("--force", is_flag=True, help="Overwrite what is there.")


@click.group()
def weights() -> None:
    """List, explain, check, import and export bundles of weights.

    A bundle is weights with everything that is needed to use them. WEIGHTS is a name from
    `deblurkit weights list`, a run directory, a bundle's folder or file, or
    hf://owner/repo@revision.
    """


@weights.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the bundles that come with deblurkit, and what can be imported."""
    from deblurkit.registry import get_registry
    from deblurkit.specs import ImporterSpec
    from deblurkit.weights.sources import bundled

    found = {name: path.stat().st_size for name, path in bundled().items()}
    importers = [r.spec for r in get_registry().specs("importer")]
    if as_json:
        said = {
            "weights": [{"name": name, "bytes": size} for name, size in found.items()],
            "importers": [{"name": spec.name, "summary": spec.summary} for spec in importers],
        }
        click.echo(json.dumps(said, indent=2))
        return
    for name, size in found.items():
        click.echo(f"{name}  {size / 1e6:.1f} MB")
    if not found:
        click.echo("no bundle comes with this version; every run directory is one")
    for spec in importers:
        assert isinstance(spec, ImporterSpec)
        click.echo(f"\nimport {spec.name}: {spec.summary}\n  from {spec.files}")


@weights.command()
@click.argument("source", metavar="WEIGHTS")
@json_option
def info(source: str, as_json: bool) -> None:
    """Say what WEIGHTS are: frames, networks, formation, training, scores, licence."""
    from deblurkit.weights.facts import facts, lines

    found = facts(_open(source))
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for head, text in lines(found):
        click.echo(f"{head:<14}{text}")


@weights.command()
@click.argument("source", metavar="WEIGHTS")
def verify(source: str) -> None:
    """Check WEIGHTS: checksums, fit, finite values, finite frames for an image."""
    from deblurkit.weights.check import problems

    bundle = _open(source)
    if found := "; ".join(problems(bundle)):
        raise WeightsError(found, where=source, hint="train or fetch them again")
    click.echo(f"{source}: {bundle.graph.T} frames, {len(bundle.graph.networks)} networks, fine")


@weights.command("import")
@click.argument("importer", metavar="FORMAT")
@click.argument("files", nargs=-1, required=True, type=NamedPath(path_type=Path))
@out_option
@force_option
def import_(importer: str, files: tuple[Path, ...], out: Path, force: bool) -> None:
    """Turn published weights of another program, FILES, into a bundle.

    FORMAT is one of `deblurkit weights list`. Nothing in the files is run.
    """
    from deblurkit.registry import get_registry

    _check_free(out, force)
    registry = get_registry()
    read = registry.resolve("importer", importer).build()
    _write(read(files, registry), out)
    click.echo(f"written: {out}")


@weights.command()
@click.argument("source", metavar="WEIGHTS")
@out_option
@click.option("--licence", help="Under which the weights are given away.")
@force_option
def export(source: str, out: Path, licence: str | None, force: bool) -> None:
    """Write WEIGHTS as a bundle to give away: one file, or a folder."""
    from dataclasses import replace

    _check_free(out, force)
    bundle = _open(source)
    if licence is not None:
        bundle = replace(bundle, about={**bundle.about, "licence": licence})
    _write(bundle, out)
    click.echo(f"written: {out}")


def _open(source: str) -> Bundle:
    from deblurkit.bundle import load_bundle
    from deblurkit.registry import get_registry
    from deblurkit.weights.sources import find_weights

    return load_bundle(find_weights(source), get_registry())


def _check_free(out: Path, force: bool) -> None:
    taken = out.exists() and not (out.is_dir() and not any(out.iterdir()))
    if taken and not force:
        raise WeightsError("it is there already", where=str(out), hint="add --force to replace it")


def _write(bundle: Bundle, out: Path) -> None:
    from deblurkit.bundle import SUFFIX, save_bundle, save_bundle_file

    try:
        if out.suffix == SUFFIX:
            out.parent.mkdir(parents=True, exist_ok=True)
            save_bundle_file(out, bundle)
        else:
            save_bundle(out, bundle)
    except OSError as error:
        raise WeightsError(
            f"it cannot be written: {error.strerror or error}", where=str(out)
        ) from error
