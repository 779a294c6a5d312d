"""A clock that stands still until it is told to go on; in a module it takes the place of ``time``."""


class Clock:
    """``monotonic`` of the ``time`` module, in seconds."""

    def __init__(self) -> None:
        self.now_seconds = 1000.0

    def monotonic(self) -> float:
        return self.now_seconds

    def advance(self, seconds: float) -> None:
        self.now_seconds += seconds
