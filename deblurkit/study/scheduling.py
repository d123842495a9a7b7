"""Which row of a suite is run next, where several are run at once, and how long all take."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from deblurkit.study.dry_run import JobAhead, Total


def next_row(missing: Sequence[Collection[str]], training: Collection[str]) -> int | None:
    """The first waiting row that would not have to wait for a phase of a running row.

    Args:
        missing: For each waiting row, in the suite's order: its phases that are not trained yet.
        training: The phases that running rows train, now or later.

    Returns:
        The row's index; None where all rows share such a phase, or none is waiting.
    """
    held = frozenset(training)
    return next((i for i, phases in enumerate(missing) if held.isdisjoint(phases)), None)


def wall_time(jobs: Sequence[JobAhead], workers: int) -> Total:
    """About how long training takes with several workers: the schedule, gone through in mind.

    It takes for granted that a step takes as long beside other workers as it was measured to.

    Args:
        jobs: From `look_ahead`.
        workers: Rows that are run at once.
    """
    needed = [[p for p in job.phases if p.state != "stored"] for job in jobs if not job.done]
    unknown = {p.key for phases in needed for p in phases if p.seconds is None}
    waiting = [{p.key: p.seconds or 0.0 for p in phases} for phases in needed]
    running: list[tuple[float, list[str], dict[str, float]]] = []  # end of the first phase left
    trained: set[str] = set()
    now = 0.0
    while waiting or running:
        while len(running) < workers:
            training = {key for _, left, _ in running for key in left}
            chosen = next_row([row.keys() - trained for row in waiting], training)
            if chosen is None:
                break
            row = waiting.pop(chosen)
            if left := [key for key in row if key not in trained]:
                running.append((now + row[left[0]], left, row))
        if running:
            running.sort(key=lambda one: one[0])
            now, (ended, *left), row = running.pop(0)
            trained.add(ended)
            if left:
                running.append((now + row[left[0]], left, row))
    return Total(now, len(unknown))
