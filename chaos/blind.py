"""Switches guards of the engine off: a harness that finds nothing then is worthless."""

from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

import msgspec

from atp_stream.engine import app, coordination, ownership, steps

_REPEATED_RECORDS: Final = 100
"""How many records of each log partition a start reads again, as it would if it trusted the group's offsets."""


def _fencing() -> None:
    """Give every take-over ids of its own, and let it find no earlier owner: so nobody fences anybody.

    A new owner does not wait for open transactions of the earlier one either: that alone would prevent the damage.
    """

    async def owner_rows(_self: Any, partitions: Any) -> Any:
        return dict.fromkeys(partitions, ownership.encode_owner(ownership.NOBODY))

    async def decided(*_: Any) -> None:
        return

    vars(steps)["partition_id"] = lambda *_: f"unfenced-{uuid4()}"
    coordination.KafkaCoordinator.owner_rows = owner_rows  # type: ignore[assignment,method-assign]
    app.EngineApp._decided = decided  # type: ignore[assignment,method-assign]  # noqa: SLF001


def _position() -> None:
    """Let a start go on some records too early, and take what it reads there for new."""
    whole = steps.Steps.start_positions

    def forgetful(self: Any) -> Any:
        starts = whole(self)
        for lane in self._lanes():
            applied = max(-1, lane.known.applied - _REPEATED_RECORDS)
            lane.position = msgspec.structs.replace(lane.known, applied=applied, marks={})
        return {tp: max(0, start - _REPEATED_RECORDS) for tp, start in starts.items()}

    steps.Steps.start_positions = forgetful  # type: ignore[method-assign]


GUARDS: Final[dict[str, Callable[[], None]]] = {"fencing": _fencing, "position": _position}
