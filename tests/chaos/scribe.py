"""A history of any length, written by the oracle's own model: what a product that is right would have published.

Or right but for one fault: the model is spoiled while it writes. Then `check`, which is not, must object.
"""

import json
from contextlib import nullcontext

from atp_stream.oracle import History, Record, Report, commands
from atp_stream.oracle.inputs import ask
from atp_stream.oracle.replay import replay
from tests.chaos.story import EVENT_TYPES, NAMES, START

TOPICS = {"committed": "committed", "released": "given-back", "denied": "denied"}


class Scribe:
    """Inputs as they come, a millisecond after each other; `wait` lets time pass."""

    def __init__(self):
        self.inputs = []
        self.letters = []
        self._now = START

    def wait(self, seconds):
        self._now += int(seconds * 1000)

    def says(self, topic, at=0, **said):
        """Send an input stamped `at` milliseconds behind the start, and return it."""
        self._now += 1
        event = {"tenantId": "acme", "itemId": "widget", "timestamp": START + at, **said}
        offset = sum(record.topic == topic for record in self.inputs)
        self.inputs.append(Record(topic, 0, offset, self._now, None, json.dumps(event).encode()))
        return self.inputs[-1]

    def refuses(self, record, reason):
        headers = (("atp-reason", reason.encode()), ("atp-origin", record.place.encode()))
        self.letters.append(Record("dead", 0, len(self.letters), record.timestamp, None, record.value, headers))

    def history(self, fault=None, policy=None):
        """Write all that is published, while the model has a fault."""
        log = [_logged(offset, record) for offset, record in enumerate(self.inputs, start=1)]
        if policy is not None:
            document = json.dumps({"command": "policy", "document": policy}).encode()
            log.insert(0, Record("log", 0, 0, START, b"|", document))
        records = [*self.inputs, *log, *self.letters]
        with fault or nullcontext():
            done = replay(History(names=NAMES, records=records), Report())
        payloads = [reported for name, steps in done.steps.items() for reported in _reported(name, steps)]
        outputs = [_event(number, *reported) for number, reported in enumerate(payloads)]
        return History(names=NAMES, records=[*records, *outputs])


def _logged(offset, record):
    question = ask(NAMES, record, {})
    assert question is not None
    headers = (("atp-genesis", b"g"), ("atp-source", record.place.encode()))
    key = f"{question.tenant}|{question.item}".encode()
    return Record("log", 0, offset, record.timestamp, key, json.dumps(commands.wanted(question)).encode(), headers)


def _reported(name, steps):
    shown: dict[str, tuple[int, int]] = {}
    for (partition, offset), step in steps.items():
        payloads = [
            (TOPICS[reported.topic], _payload(reported)) for reported in step.reported if reported.topic in TOPICS
        ]
        changed = {channel: row for channel, row in step.rows.items() if shown.get(channel) != row}
        shown |= changed
        payloads += [
            ("availability", {"channel": channel, "available": row[0] / 100, "reserved": row[1] / 100})
            for channel, row in changed.items()
        ]
        for topic, payload in payloads:
            yield topic, name, f"{partition}-{offset}", step.version, payload


def _payload(reported):
    payload = {"channel": reported.channel, "quantity": reported.quantity / 100}
    if reported.topic == "denied":
        return {
            **payload,
            "reservationId": reported.reservation,
            "outcome": reported.outcome,
            "reason": reported.reason,
        }
    payload["allocationId"] = f"a{reported.number}"
    if reported.topic == "released":
        payload |= {"reservationId": reported.reservation, "reason": reported.outcome}
    return payload


def _event(number, topic, name, cause, version, payload):
    event = {
        "eventType": EVENT_TYPES[topic],
        "eventId": f"{topic}-{number}",
        "timestamp": START,
        "tenantId": name[0],
        "payload": {"itemId": name[1], **payload},
    }
    key = "|".join([*name, payload["channel"]] if topic == "availability" else name)
    headers = (("atp-version", str(version).encode()), ("atp-cause", cause.encode()), ("atp-genesis", b"g"))
    return Record(topic, 0, number, START, key.encode(), json.dumps(event).encode(), headers)
