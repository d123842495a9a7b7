"""Checks of files: missing, damaged, of another size or kind, too few, twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from deblurkit.doctor.case import Case, few_or_one
from deblurkit.doctor.finding import Finding, frames_said
from deblurkit.doctor.looking import Look
from deblurkit.doctor.survey import Survey
from deblurkit.plurals import counted
from deblurkit.storage import file_hash

SHORT = 7
"""Frames of the shortest clip in common use; recordings with fewer give none."""


def missing(case: Case) -> list[Finding]:
    """Numbers that no file has."""
    found = []
    for gap in case.gaps:
        suffix = case.recording.files[max(gap.after, 0)].suffix
        names = " to ".join(f"{name}{suffix}" for name in gap.names)
        frames = () if gap.after < 0 else (gap.after + 1,)
        found.append(
            Finding(
                "missing", "error", case.recording.name,
                f"{counted(gap.missing, 'file')} missing in the numbers: {names}",
                "copy the data set again, or make two recordings of it: a clip across the gap "
                "has a jump",
                frames, case.files(frame - 1 for frame in frames), {"missing": gap.missing},
            )
        )  # fmt: skip
    return few_or_one(found, lambda frames: f"numbers are missing in {len(found)} places")


def alone(survey: Survey) -> list[Finding]:
    """Images of pairs that lack the other one."""
    return [
        Finding(
            "missing", "error", "pairs",
            f"{counted(len(survey.alone), 'image')} without partner: of a pair the blurry or the "
            "sharp image is missing",
            "copy the missing images, or remove these",
            (), tuple(map(survey.below, survey.alone)), {"missing": len(survey.alone)},
        )
    ] if survey.alone else []  # fmt: skip


def damaged(case: Case) -> list[Finding]:
    """Frames that cannot be read, and videos that break off."""
    name, remedy = case.recording.name, "copy or download the file again"
    if case.problem:
        files = case.files([0]) if case.recording.files else ()
        return [Finding("damaged", "error", name, case.problem, remedy, (), files)]
    found = [
        Finding(
            "damaged", "error", name, f"frame {k + 1}: {look.problem}", remedy,
            (k + 1,), case.files([k]),
        )
        for k, look in enumerate(case.seen.looks)
        if look is not None and look.problem
    ]  # fmt: skip
    found = few_or_one(found, lambda frames: f"{frames_said(frames)} cannot be read")
    if case.timing and case.timing.promised:
        read, said = case.recording.frames, case.timing.promised
        found.append(
            Finding(
                "damaged", "error", name,
                f"the video breaks off: {read} frames can be read of {said} that it says it has",
                remedy, (), case.files([0]), {"frames": read, "promised": said},
            )
        )  # fmt: skip
    return found


def size(case: Case) -> list[Finding]:
    """Images of another size than most of the recording."""
    sizes = {k: look.size for k, look in _readable(case)}
    if not sizes:
        return []
    usual = Counter(sizes.values()).most_common(1)[0][0]
    others = defaultdict(list)
    for k, found in sizes.items():
        if found != usual:
            others[found].append(k)
    return [
        Finding(
            "size", "error", case.recording.name,
            f"{frames_said(tuple(k + 1 for k in frames))}: {w}×{h} pixels, the others have "
            f"{usual[1]}×{usual[0]}",
            "move them to a folder of their own, or copy them again",
            tuple(k + 1 for k in frames), case.files(frames), {"height": h, "width": w},
        )
        for (h, w), frames in others.items()
    ]  # fmt: skip


def kind(case: Case) -> list[Finding]:
    """Gray images among coloured ones, transparent ones, and more than 8 bits."""
    looks = dict(_readable(case))
    kinds = Counter("gray" if look.kind == "gray" else "colour" for look in looks.values())
    gray = [k for k, look in looks.items() if look.kind == "gray"] if len(kinds) > 1 else []
    clear = [k for k, look in looks.items() if look.transparent]
    deep = [k for k, look in looks.items() if look.depth > 8]
    bits, mixed = max((looks[k].depth for k in deep), default=8), len(deep) < len(looks)
    said = (
        (gray, "gray, and the others are coloured", "save them all in the same way"),
        (clear, "partly transparent: the colours there are not known", "save them opaque"),
        (
            deep,
            f"{bits} bits a value{', and the others 8' if mixed else ''}; 8 are read",
            "save them with 8 bits, by a conversion that you choose",
        ),
    )
    return [
        Finding(
            "kind", "warning", case.recording.name,
            f"{frames_said(tuple(k + 1 for k in frames))}: {what}", remedy,
            tuple(k + 1 for k in frames), case.files(frames),
        )
        for frames, what, remedy in said
        if frames
    ]  # fmt: skip


def short(case: Case) -> list[Finding]:
    """Recordings that give no clip."""
    frames = case.recording.window or case.recording.frames
    if case.problem or case.recording.window or frames >= SHORT:
        return []
    return [
        Finding(
            "short", "warning", case.recording.name,
            f"it has {counted(frames, 'frame')}, too few for clips of {SHORT}",
            f"leave it out, or train with --set frames={max(1, frames - 1 + frames % 2)}",
            (), (), {"frames": frames},
        )
    ]  # fmt: skip


def same_files(
    files: Iterable[Path], hashed: Callable[[Path], str] = file_hash
) -> Mapping[Path, str]:
    """The content hash of every file that has the size of another; others are unlike all."""
    sizes = defaultdict(list)
    for path in dict.fromkeys(files):
        try:
            sizes[path.stat().st_size].append(path)
        except OSError:
            continue  # reading it says why
    found = {}
    for alike in sizes.values():
        if len(alike) > 1:
            for path in alike:
                try:
                    found[path] = hashed(path)
                except OSError:
                    continue
    return found


def duplicates(cases: Sequence[Case], hashes: Mapping[Path, str]) -> list[Finding]:
    """The same file in two places, except neighbours: those are the matter of `time_checks`.

    In a passage where nothing moves made footage repeats itself to the bit; there a file has a
    neighbour that is the same, and nothing is wrong.
    """
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, case in enumerate(cases):
        for k, path in enumerate(case.recording.files):
            if path in hashes:
                places[hashes[path]].append((number, k))
    within: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    across: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for same in places.values():
        by_case: dict[int, list[int]] = defaultdict(list)
        for number, k in same:
            by_case[number].append(k)
        for number, frames in by_case.items():
            single = [k for k in frames if k - 1 not in frames and k + 1 not in frames]
            if len(single) > 1:
                within[number].append(tuple(single))
        numbers = sorted(by_case)
        for other in numbers[1:]:
            across[numbers[0], other].append((by_case[numbers[0]][0], by_case[other][0]))
    found = [_within(cases[number], groups) for number, groups in within.items()]
    return [f for group in found for f in group] + [
        _across(cases[a], cases[b], pairs) for (a, b), pairs in sorted(across.items())
    ]


_AGAIN = "remove the copies, and put back the files whose place they took"


def _within(case: Case, groups: list[tuple[int, ...]]) -> list[Finding]:
    found = [
        Finding(
            "duplicates", "error", case.recording.name,
            f"{frames_said(tuple(k + 1 for k in frames))} are the same file",
            _AGAIN, tuple(k + 1 for k in frames), case.files(frames),
        )
        for frames in groups
    ]  # fmt: skip
    return few_or_one(found, lambda frames: f"{frames_said(frames)} are copies of one another")


def _across(case: Case, other: Case, pairs: list[tuple[int, int]]) -> Finding:
    a, b = (case.recording.name, other.recording.name)
    frames = tuple(sorted({k + 1 for k, _ in pairs}))
    theirs = tuple(sorted({k + 1 for _, k in pairs}))
    if case.recording.is_video:
        text = f"'{a}' and '{b}' are the same file"
    else:
        text = (
            f"{counted(len(pairs), 'file')} of '{a}' also in '{b}': {frames_said(frames)} "
            f"there {frames_said(theirs)}"
        )
    files = (*case.files(k for k, _ in pairs), *other.files(k for _, k in pairs))
    return Finding("duplicates", "error", a, text, _AGAIN, frames, files, {"files": len(pairs)})


def _readable(case: Case) -> list[tuple[int, Look]]:
    return [(k, look) for k, look in enumerate(case.seen.looks) if look and not look.problem]
