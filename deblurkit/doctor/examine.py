"""Examine a data set: read everything once, make every check, report."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from deblurkit.doctor.case import Case
from deblurkit.doctor.checks import files as file_checks
from deblurkit.doctor.checks.leaks import Hashed, leaks
from deblurkit.doctor.checks.pairs import Paired, across_pairs, examine_pair
from deblurkit.doctor.checks.sharpness import sharpness_findings
from deblurkit.doctor.checks.time import one_for_all, time_findings
from deblurkit.doctor.finding import CHECKS, Check, Finding, Report
from deblurkit.doctor.looking import Seen, Wanted, chosen_runs, watch
from deblurkit.doctor.numbering import gaps, series_begin
from deblurkit.doctor.survey import Survey, survey
from deblurkit.doctor.timing import Timing, timing
from deblurkit.doctor.trace import Trace
from deblurkit.errors import DataError
from deblurkit.footage.layout import Layout
from deblurkit.footage.recording import Pair, Recording, Split

Progress = Callable[[int, int], None]

SAMPLE = 2000
"""Frames of a recording that are looked at by default: all of the recordings of published data
sets, and of longer ones 33 runs of 60 frames, evenly over them. Names and files are checked in
all."""

_TIME: frozenset[Check] = frozenset({"duplicates", "order", "dropped", "repeated", "cuts", "rate"})
_PIXELS: frozenset[Check] = _TIME | {"damaged", "size", "kind", "sharpness", "leaks"}
_UNREADABLE: frozenset[Check] = frozenset({"damaged", "size", "missing"})
_PAIRS: frozenset[Check] = frozenset({"damaged", "size", "blur"})


def examine(
    path: Path,
    dataset: str,
    layout: Layout,
    *,
    checks: Collection[Check] = tuple(CHECKS),
    sample: int | None = SAMPLE,
    against: tuple[Path, str, Layout] | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
) -> Report:
    """Look for everything that is wrong with a data set.

    Frames are read once, in order; memory holds a few of them at a time.

    Args:
        path: The data set: a folder or file that the layout recognises.
        dataset: Its dataset's name.
        layout: Its layout.
        checks: Which checks to make.
        sample: Frames of a recording, and pairs of a scene, to look at; None: all.
        against: Another data set, with its name and layout, that must have no scene of this one.
        progress: Told how many frames are done, and of how many.
        workers: Threads; one a processor by default.

    Raises:
        DataError: there is nothing to examine.
    """
    if workers is None:
        allowed = getattr(os, "sched_getaffinity", None)  # not on every system
        workers = len(allowed(0)) if allowed else os.cpu_count()
    with ThreadPoolExecutor(max(1, workers or 1)) as pool:
        one = _Examination(survey(path, dataset, layout), frozenset(checks), sample, pool)
        other = None
        if against is not None:
            hashes_only = frozenset[Check]({"leaks"})
            other = _Examination(survey(*against), hashes_only, sample, pool)
        return _report(one, other, progress)


class _Examination:
    """One data set under examination."""

    def __init__(
        self, found: Survey, checks: frozenset[Check], sample: int | None, pool: Executor
    ) -> None:
        self.survey, self.checks, self.pool = found, checks, pool
        self.ahead = 4 * getattr(pool, "_max_workers", 1)
        self.most = sample if sample is not None else 10**12
        self.scenes = _of_sharp_images(found) if "leaks" in checks else ()
        self.pairs = _few(found.pairs, self.most) if checks & _PAIRS else ()
        self.wanted = Wanted(
            motion=bool(checks & _TIME) or "sharpness" in checks,
            sharpness="sharpness" in checks,
            likeness="leaks" in checks,
        )

    def runs(self, recording: Recording) -> tuple[range, ...]:
        """The frames of a recording to look at."""
        return chosen_runs(recording.frames, self.most) if self.checks & _PIXELS else ()

    def work(self) -> int:
        """Frames and images to read."""
        recordings = (*self.survey.recordings, *self.scenes)
        return sum(len(run) for r in recordings for run in self.runs(r)) + len(self.pairs)

    def case(self, recording: Recording, done: Callable[[int], None]) -> Case:
        """Read a recording."""
        times, problem = _opened(recording)
        if problem:
            return Case(self.survey, recording, Seen([], Trace.empty(0)), problem=problem)
        stems = [] if recording.is_video else [file.stem for file in recording.files]
        # In runs, the layout has seen to it that none lacks a frame; whole ones may be left out.
        found = () if recording.window else gaps(stems)
        breaks = {gap.after + 1 for gap in found} | series_begin(stems)
        breaks |= {frame for frame, _ in times.missing} if times else set()
        if recording.window:
            breaks |= set(range(0, recording.frames, recording.window))
        seen = watch(
            recording, self.runs(recording), frozenset(breaks), self.wanted, self.pool, self.ahead,
            done,
        )  # fmt: skip
        return Case(self.survey, recording, seen, found, times)

    def scene(self, recording: Recording, done: Callable[[int], None]) -> Case:
        """Read the sharp images of pairs, for what they show."""
        only = Wanted(motion=False, sharpness=False)
        runs = self.runs(recording)
        seen = watch(recording, runs, frozenset(), only, self.pool, self.ahead, done)
        return Case(self.survey, recording, seen)

    def paired(self, done: Callable[[int], None]) -> list[Paired]:
        """Examine the pairs."""
        by_name = {recording.name: recording for recording in self.survey.recordings}
        scenes: dict[tuple[str, str, Path], list[Pair]] = defaultdict(list)
        for pair in self.survey.pairs:  # of one kind of blur
            scenes[pair.split, pair.scene, pair.blurry.parent].append(pair)
        place = {pair: (s, k) for s, group in scenes.items() for k, pair in enumerate(group)}
        found = list[Paired]()

        def one(pair: Pair) -> Paired:
            scene, k = place[pair]
            near = {
                offset: scenes[scene][k + offset]
                for offset in (-1, 1)
                if 0 <= k + offset < len(scenes[scene])
            }
            return examine_pair(self.survey, pair, by_name.get(pair.recording), near)

        for result in self.pool.map(one, self.pairs):
            found.append(result)
            done(1)
        return found


def _report(one: _Examination, other: _Examination | None, progress: Progress | None) -> Report:
    total = one.work() + (other.work() if other else 0)
    count = 0

    def done(some: int) -> None:
        nonlocal count
        count += some
        if progress is not None:
            progress(count, total)

    cases = [one.case(recording, done) for recording in one.survey.recordings]
    found = [finding for case in cases for finding in _of_case(case)]
    files = [file for case in cases for file in case.recording.files]
    hashes = file_checks.same_files(files if "duplicates" in one.checks else ())
    found += file_checks.duplicates(cases, hashes)
    found += one_for_all(
        [f for case in cases if case.seen.looks for f in time_findings(case, hashes)]
    )
    found += file_checks.alone(one.survey)
    paired = one.paired(done)
    found += [finding for pair in paired for finding in pair.findings]
    found += across_pairs(one.survey, paired)
    shown = [*cases, *(one.scene(scene, done) for scene in one.scenes)]
    found += _leaks(shown, other, one.pool, done)
    found = _ordered([f for f in found if f.check in one.checks], one.survey)
    told = {f.check for f in found}
    if one.survey.refused and one.checks >= _UNREADABLE and not _UNREADABLE & told:
        found.append(_refused(one.survey))
    return Report(
        str(one.survey.path),
        one.survey.dataset,
        len(cases),
        len(one.survey.pairs),
        sum(case.recording.frames for case in cases),
        sum(len(case.looked_at) for case in cases),
        tuple(check for check in CHECKS if check in one.checks),
        tuple(found),
    )


def _of_case(case: Case) -> Iterable[Finding]:
    for check in (
        file_checks.missing,
        file_checks.damaged,
        file_checks.size,
        file_checks.kind,
        file_checks.short,
        sharpness_findings,
    ):
        yield from check(case)


def _opened(recording: Recording) -> tuple[Timing | None, str]:
    """A video's time stamps, and why it cannot be opened."""
    if not recording.is_video:
        return None, ""
    try:
        return timing(recording.path), ""
    except DataError as error:
        return None, error.what


def _of_sharp_images(found: Survey) -> tuple[Recording, ...]:
    """The sharp images of pairs as recordings, where no recording has them."""
    known = {file for recording in found.recordings for file in recording.files}
    names = {recording.name for recording in found.recordings}
    scenes: dict[tuple[Split, str], dict[Path, None]] = defaultdict(dict)
    for pair in found.pairs:
        if pair.sharp not in known and pair.recording not in names:
            scenes[pair.split, pair.scene][pair.sharp] = None  # once, of two kinds of blur
    return tuple(
        Recording(scene, next(iter(files)).parent, tuple(files), len(files), 0, 0, split=split)
        for (split, scene), files in scenes.items()
    )


def _few(pairs: Sequence[Pair], most: int) -> tuple[Pair, ...]:
    """Of each scene at most so many pairs, evenly chosen."""
    scenes: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        scenes[pair.split, pair.scene].append(pair)
    return tuple(
        group[len(group) * k // min(most, len(group))]
        for group in scenes.values()
        for k in range(min(most, len(group)))
    )


def _leaks(
    cases: Sequence[Case], other: _Examination | None, pool: Executor, done: Callable[[int], None]
) -> list[Finding]:
    sides: dict[str, list[Hashed]] = defaultdict(list)
    for case in cases:
        sides[case.recording.split].append(Hashed.of(case, case.recording.split))
    found = leaks(sides["train"], sides["test"], pool)
    if other is not None:
        theirs = [
            Hashed.of(other.scene(r, done), str(other.survey.path))
            for r in (*other.survey.recordings, *other.scenes)
        ]
        ours = [replace(h, side="this data set") for side in sides.values() for h in side]
        found += leaks(ours, theirs, pool)
    return found


def _refused(found: Survey) -> Finding:
    return Finding(
        "damaged", "error", found.dataset,
        f"the data set cannot be used as it is: {found.refused}", "repair what is named",
    )  # fmt: skip


def _ordered(found: Sequence[Finding], of: Survey) -> list[Finding]:
    checks = {check: k for k, check in enumerate(CHECKS)}
    names = {recording.name: k for k, recording in enumerate(of.recordings)}

    def key(finding: Finding) -> tuple[int, int, str, tuple[int, ...]]:
        place = names.get(finding.recording, len(names))
        return checks[finding.check], place, finding.recording, finding.frames

    return sorted(found, key=key)
