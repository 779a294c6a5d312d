"""A clock that stands still until it is told to go on; in a module it takes the place of ``time``."""


class Clock:
    """``monotonic`` and ``time`` of the ``time`` module, in seconds; the latter can be set back."""

    def __init__(self) -> None:
        self.now_seconds = 1000.0
        self.epoch_seconds = 1_700_000_000.0

    def monotonic(self) -> float:
        return self.now_seconds

    def time(self) -> float:
        return self.epoch_seconds

    def advance(self, seconds: float) -> None:
        self.now_seconds += seconds
        self.epoch_seconds += seconds

    def set_back(self, seconds: float) -> None:
        """Somebody sets the machine's clock."""
        self.epoch_seconds -= seconds
