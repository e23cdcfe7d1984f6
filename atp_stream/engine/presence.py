"""Whether the broker answers, as the log tells it: one line when it goes away, one when it is back.

A broker that refuses connections and one that hangs look the same here: no heartbeat of the group is answered.
"""

import time
from collections.abc import Callable

from mode import get_logger

from atp_stream.engine.host import Host

log = get_logger(__name__)


class Presence:
    """Looks at the heartbeats once in a while, and tells of a change."""

    def __init__(self, host: Host, brokers: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._host = host
        self._brokers = brokers
        self._clock = clock
        self._heartbeat = 0.0  # the last one that was seen
        self._silent_looks = 0
        self._away_since: float | None = None

    def look(self) -> None:
        """Look, about once a second; looks are counted, so a worker that was frozen blames no broker."""
        heartbeat = self._host.consumer.last_heartbeat
        if heartbeat != self._heartbeat:
            self._heartbeat, self._silent_looks = heartbeat, 0
            self._back()
        elif heartbeat and not self._host.rebalancing:
            self._silent_looks += 1
            if self._away_since is None and self._silent_looks > self._host.conf.broker_session_timeout / 2:
                self._away()

    def _away(self) -> None:
        self._away_since = self._heartbeat
        silent_s = round(self._clock() - self._heartbeat, 1)
        log.error(
            "no answer from the broker at %s for %s s: nothing is read or decided until it is back; waiting for it",
            self._brokers,
            silent_s,
            extra={"event": "broker_away", "brokers": self._brokers, "seconds": silent_s},
        )

    def _back(self) -> None:
        if self._away_since is not None:
            away_s = round(self._clock() - self._away_since, 1)
            self._away_since = None
            log.warning(
                "the broker at %s answers again, after %s s",
                self._brokers,
                away_s,
                extra={"event": "broker_back", "brokers": self._brokers, "seconds": away_s},
            )
