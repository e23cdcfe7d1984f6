"""What the parts of the engine ask of the app that they run in: not Faust, but these few things."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from faust.types import TP

from atp_stream.engine.source_place import Place


class GroupConsumer(Protocol):
    """The worker's consumer, as a member of its group."""

    @property
    def last_heartbeat(self) -> float:
        """When the last heartbeat that the group accepted was sent, on the monotonic clock."""

    async def beat(self) -> bool:
        """Send a heartbeat now; return whether the group accepts it in our generation."""

    def on_buffer_full(self, tp: TP) -> None:
        """Pause the fetching of a partition."""

    def on_buffer_drop(self, tp: TP) -> None:
        """Go on fetching it."""

    async def places(self, without: Collection[TP]) -> Mapping[TP, Place]:
        """Return the committed places of all source partitions that the group knows, but for some."""

    async def source_ends(self) -> Mapping[TP, int]:
        """Return up to where all source partitions that the group knows can be read now."""

    async def commit_places(self, offsets: Mapping[TP, int]) -> bool:
        """Commit at once how far source partitions are; False if that failed."""

    async def progress(self, topics: Sequence[str]) -> tuple[dict[TP, int], dict[TP, int]]:
        """Return where every partition of the topics ends, and up to where the group has committed to have read it."""

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go on fetching at other places."""

    async def earliest_offsets(self, *tps: TP) -> Mapping[TP, int]:
        """Return where partitions begin."""


class Host(Protocol):
    """The app of a worker."""

    conf: Any  # Faust's settings
    epoch: int  # counts takings and losings of partitions
    expected: dict[TP, int]  # where each stream's next run has to start
    gave_up: str | None  # why this worker ends, if it does

    @property
    def consumer(self) -> GroupConsumer:
        """The consumer."""

    @property
    def rebalancing(self) -> bool:
        """Whether the group is being rebalanced."""

    def give_up(self, reason: str, error: BaseException | None = None) -> None:
        """End this worker: a start finds out what is true."""

    def take_over_anew(self, reason: str) -> None:
        """Stop all steps, and take all partitions over again."""


class Engine(Host, Protocol):
    """The app of a worker, as those of its parts see it that Faust calls."""

    log_topic: str
    moving: bool  # from the loss of partitions until streams are where the new ones go on
    recovery_epoch: int  # the take-over that has been done, and that the recovery under way follows
    journal: Any
    intake: Any
    sources: Any
    steps: Any
    tables: Any  # Faust's, with ours in it

    @property
    def in_recovery(self) -> bool:
        """Whether tables are being read from their changelogs."""

    async def take_over(self, assigned: set[TP]) -> bool:
        """Become the owner of the assigned log partitions; False if that failed, and another try follows."""

    async def let_go(self) -> None:
        """Stop all work on partitions."""

    def start_positions(self) -> Mapping[TP, int]:
        """Return where log partitions are to be read from, and let their steps begin."""

    def known_marks(self) -> Mapping[TP, Any]:
        """Return the newest record that the state includes of each source partition that is still read."""
