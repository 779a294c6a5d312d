"""Many names in one field of an event: the first of them, and how many more there are.

Called where many files are told at once.
"""

from collections.abc import Sequence

_NAMES_LISTED = 10


def of(names: Sequence[str]) -> str:
    """The names as one text."""
    more = len(names) - _NAMES_LISTED
    return ", ".join(names[:_NAMES_LISTED]) + (f" and {more} more" if more > 0 else "")
