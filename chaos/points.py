"""Named points of a worker's work at which it can be instructed to die, to freeze, or to fail.

The product knows nothing of them: they are put around its methods from outside, in the worker's process. A file holds
the instruction, `POINT ACT`; the worker removes it when it reaches the point, and acts.
"""

import errno
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from atp_stream.engine.app import EngineApp
from atp_stream.engine.batches import Batches
from atp_stream.engine.ownership import TakeOver
from atp_stream.engine.tables import StateTable

STEP: Final = ("after_fold", "before_send", "after_send", "before_commit", "after_commit", "after_apply")
"""Points of every step, in their order; "after_commit" is before the rows are applied.

A commit counts only if it publishes events: to commit rows alone a second time would change nothing that anybody sees.
"""

_CHANGELOG: Final = "-changelog"  # so the name of its topic ends
_STEPS: Final = "-s-"  # in every step id, and in no partition's
INTAKE: Final = ("intake_before_send", "intake_after_send")
MOVING: Final = ("in_fencing", "in_owning", "in_recovery")
"""Points that only a worker passes that is taking over partitions."""

RESTORED: Final = "restored"
"""The file beside the instruction that says how many changelog records were read since the start."""

KILL: Final = "kill"
FREEZE: Final = "freeze"
LOSE: Final = "lose"
FILL: Final = "fill"


class Points:
    """Acts as the file says."""

    def __init__(self, instruction: Path) -> None:
        self._instruction = instruction
        self._publishes = False  # whether the open transaction carries events
        self._restored = 0  # changelog records read since the start

    def reach(self, point: str) -> None:
        """Do what the instruction says for this point, if there is one."""
        try:
            wanted, act = self._instruction.read_text().split()
        except (FileNotFoundError, ValueError):
            return
        if wanted != point:
            return
        self._instruction.unlink(missing_ok=True)
        if act == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        elif act == FREEZE:
            os.kill(os.getpid(), signal.SIGSTOP)
        elif act == FILL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        else:
            raise KafkaConnectionError("the answer was lost")

    def install(self) -> None:
        """Put the points around the product's methods."""
        self._behind(TakeOver, "fence", "in_fencing")
        self._behind(TakeOver, "own", "in_owning")
        self._around_send()
        self._around_commit()
        self._in_tables()
        self._in_fold()

    def _behind(self, owner: type, name: str, point: str) -> None:
        whole: Callable[..., Awaitable[Any]] = getattr(owner, name)

        async def pointed(*args: Any, **kwargs: Any) -> Any:
            answer = await whole(*args, **kwargs)
            self.reach(point)
            return answer

        _replace(owner, name, pointed)

    def _around_send(self) -> None:
        whole = Batches.send

        async def send(batches: Any) -> None:
            name = batches._producer._txn_manager.transactional_id  # noqa: SLF001 - intake's producer has none
            if name is not None and _STEPS in name:
                self._publishes |= any(not topic.endswith(_CHANGELOG) for topic, _ in batches._open)  # noqa: SLF001
            where = "intake_" if name is None else "" if _STEPS in name else "owner_"
            self.reach(f"{where}before_send")
            await whole(batches)
            self.reach(f"{where}after_send")

        _replace(Batches, "send", send)

    def _around_commit(self) -> None:
        whole = AIOKafkaProducer.commit_transaction

        async def commit(producer: Any) -> None:
            publishes, self._publishes = self._publishes, False
            if publishes:
                self.reach("before_commit")
            await whole(producer)
            if publishes:
                self.reach("after_commit")

        _replace(AIOKafkaProducer, "commit_transaction", commit)

    def _in_tables(self) -> None:
        apply, restore = StateTable.apply, StateTable.apply_changelog_batch

        def pointed_apply(table: Any, *args: Any, **kwargs: Any) -> None:
            self.reach("before_apply")
            apply(table, *args, **kwargs)
            self.reach("after_apply")

        def pointed_restore(table: Any, batch: Any) -> None:
            if table.app.in_recovery:
                self.reach("in_recovery")
            restore(table, batch)
            self._restored += sum(len(event.message.value.records) for event in batch)
            self._instruction.with_name(RESTORED).write_text(str(self._restored))

        _replace(StateTable, "apply", pointed_apply)
        _replace(StateTable, "apply_changelog_batch", pointed_restore)

    def _in_fold(self) -> None:
        install = EngineApp.install

        def pointed(app: Any, *, fold: Any, **rest: Any) -> None:
            def folded(*args: Any) -> Any:
                answer = fold(*args)
                self.reach("after_fold")
                return answer

            install(app, fold=folded, **rest)

        _replace(EngineApp, "install", pointed)


def _replace(owner: type, name: str, method: Callable[..., Any]) -> None:
    if not hasattr(owner, name):
        raise AttributeError(f"{owner.__name__} has no {name} any more: put the points elsewhere")
    setattr(owner, name, method)
