"""At which point the next life is to end: a shuffled deck that the stages of one test share, and what was hit of it.

Every point comes once before any comes again; some cards are moments of no name. Used by ``crashes``.
"""

import random

from tests.acceptance import crash_points

#: So many points go with one moment of no name.
_POINTS_A_MOMENT = 4


class Deck:
    """The cards.

    Args:
        seed: Of the order.
    """

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - guards no secret
        self._cards: list[str] = []
        self._hit: set[str] = set()

    def draw(self) -> str:
        """The next card: one of ``crash_points.POINTS``, or ``""`` for a random moment."""
        if not self._cards:
            cards = [*crash_points.POINTS, *[""] * (len(crash_points.POINTS) // _POINTS_A_MOMENT)]
            self._cards = self._dice.sample(cards, len(cards))
        return self._cards.pop()

    def hit(self, point: str) -> None:
        """A life ended at this point."""
        self._hit.add(point)

    @property
    def left(self) -> list[str]:
        """Points at which no life ended yet."""
        return [point for point in crash_points.POINTS if point not in self._hit]
