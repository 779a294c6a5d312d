"""What all workers share, handed on as one thing. No behaviour; built by the composition root."""

import dataclasses

from niassa_orch.config import settings
from niassa_orch.core import audit, board, enrolling, heart, intents, orders, pollers, pool, savings


@dataclasses.dataclass(frozen=True, slots=True)
class Desk:
    """What all workers share; built once by the composition root."""

    service: settings.Settings
    told: board.Board
    slots: pool.Pool
    turns: pool.EngineTurns
    intended: intents.Intents
    enrolling: enrolling.Enrolling
    pollers: pollers.Pollers
    savings: savings.Savings
    orders: orders.StandingOrders
    trail: audit.Trail
    signs: heart.Heart
