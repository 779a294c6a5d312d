"""Times, counts and uses as the dashboard writes them: short, and never longer than they need to be. Pure."""

import math

from niassa_orch.core import gauges

_THOUSANDS = ("", "k", "M", "G")


def duration(seconds: float) -> str:
    """Such as ``59s``, ``1m00s``, ``25h01m``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def lag(seconds: float | None, most_seconds: float) -> str:
    """One of a histogram whose last bound is ``most_seconds``: ``-`` for none, rounded up to whole seconds."""
    if seconds is None:
        return "-"
    return f"over {duration(most_seconds)}" if math.isinf(seconds) else duration(math.ceil(seconds))


def amount(number: int) -> str:
    """Four digits at most, cut, not rounded: ``9999``, ``10k``, ``1234k``, ``12M``."""
    power = 0
    while abs(number) >= 10_000 and power < len(_THOUSANDS) - 1:
        number, power = int(number / 1000), power + 1
    return f"{number}{_THOUSANDS[power]}"


def use(how_full: gauges.Use) -> str:
    """How full something bounded is, and how many wait for it."""
    waiting = f" (+{how_full.waiting} waiting)" if how_full.waiting else ""
    return f"{how_full.busy}/{how_full.size}{waiting}"


def latency(seconds: float) -> str:
    """Such as ``4ms``, ``0.25s``, ``3.1s``, ``2m05s``."""
    if seconds < 0.1:
        return f"{math.ceil(seconds * 1000)}ms"
    return f"{seconds:.2f}s" if seconds < 1 else f"{seconds:.1f}s" if seconds < 60 else duration(seconds)
