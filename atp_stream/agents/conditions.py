"""What a worker's log says of the conditions that it works under.

That is the policy in force, inputs that are missing, and how much is left of a restore that takes long.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from mode import get_logger

from atp_stream.domain.row_keys import POLICY
from atp_stream.domain.state.partition_rows import PolicyRow
from atp_stream.engine import lag
from atp_stream.engine.app import EngineApp
from atp_stream.engine.journal import listed
from atp_stream.engine.repetitions import REPEAT_S, Repetitions
from atp_stream.messages.rows import decode_row
from atp_stream.topics import Topics

log = get_logger(__name__)

INTERVAL_S: Final = 1.0
RESTORING_S: Final = 10.0
"""How often it is reported how much is left to restore."""


class Conditions:
    """Looks at the policy, the inputs and a restore once in a while, and logs what has changed."""

    def __init__(self, app: EngineApp, sources: Sequence[str]) -> None:
        self._app = app
        self._sources = sources
        self._document = b""  # the one that was logged last
        self._missing = Repetitions(REPEAT_S)
        self._told_s = -RESTORING_S

    async def look(self, now_s: float) -> None:
        """Look, and log; while an input is missing the broker is asked for it at each look."""
        if self._look_for_sources(now_s):
            consumer: Any = self._app.consumer
            await consumer.look_for_topics()
        if self._app.settled:
            self._look_at_policy()
        elif not self._app.rebalancing:
            self._look_at_restore(now_s)

    def _look_for_sources(self, now_s: float) -> bool:
        """Tell which inputs are missing, and whether any is."""
        missing = lag.sources_missing(self._app, self._sources)
        for topic in missing:
            if self._missing.passed_over(topic, now_s) is not None:
                extra = {"event": "source_missing", "topic": topic}
                log.error("%s", lag.why_missing(topic), extra=extra)
        for topic in set(self._sources) - set(missing):
            if self._app.settled and self._missing.forget(topic):
                log.warning("the input topic %s is there again", topic, extra={"event": "source_back", "topic": topic})
        return bool(missing)

    def _look_at_restore(self, now_s: float) -> None:
        left = lag.records_to_restore(self._app)
        if left and now_s - self._told_s >= RESTORING_S:
            self._told_s = now_s
            log.info("restoring state: %s changelog records are left", left, extra={"event": "restoring", "left": left})

    def _look_at_policy(self) -> None:
        """Tell of the policy once all partitions that are served here have the same one."""
        owned = self._app.steps.owned()
        rows = {number: row for number in owned if (row := self._policy(number)) is not None}
        documents = {bytes(row.document) for row in rows.values()}
        if rows.keys() == owned and len(documents) == 1 and self._document not in documents:
            (self._document,) = documents
            first = min(owned)
            place = f"{self._app.log_topic}/{first}/{rows[first].offset}"
            log.info(
                "the policy in force in partitions %s is the one of %s; `atp policy show` prints it",
                listed(owned),
                place,
                extra={"event": "policy_in_force", "partitions": sorted(owned), "log": place},
            )

    def _policy(self, number: int) -> PolicyRow | None:
        text = self._app.table.read(number, POLICY.encode())
        return None if text is None else decode_row(POLICY, text)


def add_conditions(app: EngineApp, topics: Topics) -> None:
    """Let the app look at its conditions once it has its first partitions."""
    conditions = Conditions(app, [topic.name for topic in topics.inputs])
    faults = Repetitions(REPEAT_S)

    @app.task  # type: ignore[untyped-decorator] # its types know no plain coroutine function
    async def look_at_conditions() -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            now_s = asyncio.get_running_loop().time()
            try:
                await conditions.look(now_s)
            except Exception as error:  # noqa: BLE001 - whatever it is: looking must not end a worker
                if faults.passed_over(type(error).__name__, now_s) is not None:
                    log.warning("cannot look at the policy and the inputs (%r); retrying", error)
