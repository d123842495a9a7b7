"""The paper's ten claims and three of ours against a bench folder: numbers and verdicts.

    python benchmarks/claims.py BENCH [--json FILE] [--markdown FILE] [--no-timing]

BENCH is what `deblurkit bench benchmarks/ablation.yaml` makes. Every claim and the rule it is
judged by are in `paper_claims/claim_list.py`; a claim whose rows are missing is not tested, and
says which. Numbers on scores come from the bench folder and are the same whenever it is asked;
C8 and C10 also time networks here, unless --no-timing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from paper_claims.claim import Given, Outcome, Timing, outcomes
from paper_claims.claim_list import CLAIMS
from paper_claims.rendering import as_json, as_markdown, print_outcomes
from paper_claims.scores import BenchScores
from rich.console import Console

from deblurkit.engine.device import choose_precision
from deblurkit.errors import DeblurkitError
from deblurkit.inference.device import DEVICES, choose_device
from deblurkit.registry import get_registry
from deblurkit.storage import atomic_file, write_json
from deblurkit.study.bench_folder import Bench, read_bench
from deblurkit.study.entries import bench_entries

PROTOCOL = "deblurkit"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bench", type=Path, metavar="BENCH", help="a bench folder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write it as Markdown")
    parser.add_argument("--claims", nargs="+", metavar="C", help="only these, for instance C1 C4")
    parser.add_argument("--no-timing", action="store_true", help="time no networks (C8, C10)")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="to time networks on")
    said = parser.parse_args()
    known = [claim.key for claim in CLAIMS]
    asked = known if said.claims is None else [key.upper() for key in said.claims]
    if unknown := sorted(set(asked) - set(known)):
        parser.error(f"no claim {', '.join(unknown)}; there are {', '.join(known)}")
    console = Console()
    try:
        bench = read_bench(said.bench)
        found = tested(bench, asked, None if said.no_timing else timing(said.device), console)
        print_outcomes(console, bench, found)
        if said.json:
            write_json(said.json, as_json(bench, found))
        if said.markdown:
            with atomic_file(said.markdown) as temporary:
                temporary.write_text(as_markdown(bench, found), "utf-8")
    except (DeblurkitError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def timing(device: str) -> Timing:
    """On the device, in the precision that a run would choose there."""
    kind = choose_device(device)
    return Timing(kind, choose_precision("auto", kind))


def tested(
    bench: Bench, keys: list[str], timing: Timing | None, console: Console
) -> tuple[Outcome, ...]:
    """Test claims on a bench folder."""
    registry = get_registry()
    scores = BenchScores(bench_entries(bench, registry, protocol=PROTOCOL))
    chosen = [claim for claim in CLAIMS if claim.key in keys]
    with console.status("testing the claims"), torch.no_grad():
        return outcomes(Given(scores, registry, timing), chosen)


if __name__ == "__main__":
    main()
