"""Guards of the engine, switched off: a harness that then finds nothing would be worthless."""

from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

import msgspec

from atp_stream.engine import app, coordination, ownership, steps

_AGAIN: Final = (
    100  # records of each log partition that a start reads again, as one that trusts the group's offsets would
)


def _fencing() -> None:
    """Let every take-over have ids of its own, and find that nobody has owned a partition: nobody fences anybody.

    Nor does a new owner wait for what the earlier one has left open: that alone would hold the damage off.
    """

    async def owner_rows(_self: Any, partitions: Any) -> Any:
        return dict.fromkeys(partitions, ownership.encode_owner(ownership.NOBODY))

    async def decided(*_: Any) -> None:
        return

    vars(steps)["partition_id"] = lambda *_: f"unfenced-{uuid4()}"
    coordination.KafkaCoordinator.owner_rows = owner_rows  # type: ignore[assignment,method-assign]
    app.EngineApp._decided = decided  # type: ignore[assignment,method-assign]  # noqa: SLF001


def _position() -> None:
    """Let a start go on where it may have been before, and believe that what it reads is new."""
    whole = steps.Steps.start_positions

    def forgetful(self: Any) -> Any:
        starts = whole(self)
        for lane in self._lanes():
            applied = max(-1, lane.known.applied - _AGAIN)
            lane.position = msgspec.structs.replace(lane.known, applied=applied, marks={})
        return {tp: max(0, start - _AGAIN) for tp, start in starts.items()}

    steps.Steps.start_positions = forgetful  # type: ignore[method-assign]


GUARDS: Final[dict[str, Callable[[], None]]] = {"fencing": _fencing, "position": _position}
