"""How far apart rounds and fetches begin: the farther, the more the last one brought.

Closer, and this process and the broker have more to do for as many records; farther, and each record waits for longer.
See docs/decisions/0012-pace-by-load.md.
"""

from typing import Final

SHORTEST_PACE_S: Final = 0.01
LONGEST_PACE_S: Final = 0.02


def pace_s(amount: int, full: int) -> float:
    """Return how long after what brought this amount the next one may begin; `full` asks for the longest pace."""
    return min(LONGEST_PACE_S, max(SHORTEST_PACE_S, LONGEST_PACE_S * amount / full))
