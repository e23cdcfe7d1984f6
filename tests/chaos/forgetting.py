"""A history of stock over many windows: late facts, facts sent again, silences, bursts, and windows that change."""

import json
from datetime import UTC, datetime, timedelta
from random import Random

from atp_stream.demo.traffic import Message
from atp_stream.oracle import History
from atp_stream.settings import Wire
from tests.chaos.in_process import InProcess

NOON = 1_700_000_000_000_000
SECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WINDOWS = (60, 75, 150, 400)
PLACES = ("berlin", None)
PAUSES = (0.2, 0.7, 1, 3, 7, 13, 14.5, 15, 15.5, 18)  # seconds; a silence is one of more than 15
LATE = (0, 1, 50, 65, 90, 115, 130, 200)
AGAIN = (1, 30, 55, 65, 90, 115, 130)


class Forgetting:
    """Says one thing after the other about an item with two places, all stamps its own."""

    def __init__(self, seed: int) -> None:
        self.r = Random(seed)
        self.now = NOON
        self.worker = InProcess(Wire.JSON, self.r.choice([1, 7]))
        self.said: list[tuple[int, str, dict[str, object]]] = []
        self.live_by(60)

    def live_by(self, window: int) -> None:
        document = {"stock": {"window": window}, "tenants": {"*": {"channels": {"ECOM": {}}}}}
        self.worker.apply(document, self.now)

    def goes_on(self) -> None:
        """Let a while pass."""
        pause = self.r.choice(PAUSES)
        if self.r.random() < 0.02:
            pause = 3_000
        self.now += int(pause * SECOND) + self.r.randrange(1000) * 1000
        if self.r.random() < 0.1:
            self.worker.write_again(self.now)
            self.now += self.r.randrange(9_000) * 1000
        if self.r.random() < 0.3:
            self.worker.tick(self.now, self.now)
        if self.r.random() < 0.03:
            self.live_by(self.r.choice(WINDOWS))

    def says(self, kind: str, event: dict[str, object]) -> None:
        self.worker.take(Message(kind, None, json.dumps(event).encode()), self.now)

    def states(self, place: str | None = None) -> None:
        """State something new, of any place unless one is named."""
        r, number = self.r, len(self.said)
        late = max(0, r.choice(LATE) + r.randrange(-5, 6)) * SECOND
        event: dict[str, object] = {"itemId": "lamp", "eventId": f"f{number}", "locationId": place or r.choice(PLACES)}
        event["timestamp"] = (EPOCH + timedelta(microseconds=self.now - late - number)).isoformat()
        kind = r.choice(["counted", "adjusted", "adjusted", "adjusted"])
        if kind == "counted":
            event["onHand"] = r.randrange(500)
        else:
            event["adjusted_quantity"] = r.randrange(-9, 10) or 1
            if r.random() < 0.3:
                event["reservationId"] = f"r{number}"
        self.said.append((self.now, kind, event))
        self.says(kind, event)

    def bursts(self) -> None:
        """State more of one place than its row has room for."""
        for _ in range(60):
            self.states("berlin")

    def repeats(self) -> None:
        """Send something again that came about a chosen time ago; now and then the id comes with a newer stamp."""
        came = self.now - self.r.choice(AGAIN) * SECOND
        _, kind, event = self.r.choice(sorted(self.said, key=lambda one: abs(one[0] - came))[:10])
        if self.r.random() < 0.2:
            event = {**event, "timestamp": (EPOCH + timedelta(microseconds=self.now)).isoformat()}
        self.says(kind, event)


def history(seed: int) -> History:
    """Return what the topics hold after a history of some 30 windows that a seed decides."""
    story = Forgetting(seed)
    acts = {story.states: 50, story.repeats: 50, story.bursts: 1}
    story.states()
    for _ in range(250):
        story.goes_on()
        story.r.choices([*acts], [*acts.values()])[0]()
    found: History = story.worker.history(story.now)
    return found
