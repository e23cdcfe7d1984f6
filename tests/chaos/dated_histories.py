"""Random histories of one item with dates, through the real translation and the real fold: minutes pass, and days."""

import heapq
import random

from atp_stream.demo import wire as forms
from atp_stream.demo.traffic import EVENT_TYPES
from atp_stream.settings import Wire
from chaos.dated import DAY, Dated
from tests.chaos import operators
from tests.chaos.in_process import InProcess

NOON = 1_700_000_000_000_000
HOUR = 3_600_000_000
PASSED = [0, 0, 0, 0, 1_000_000, 1_000_000, HOUR, 9 * HOUR, DAY, DAY, 2 * DAY]
WEEK = 7 * DAY


def document(luck, retention, *, divided=False):
    section = {
        "channels": {"ECOM": {}, "STORE": {"buffer": luck.choice((0, 1))}, "B2B": {}},
        "supply": {
            "horizon": luck.choice((4, 9, 180)),
            "ahead": luck.choice((0, 0, 1, 3, 300)),
            "past_due_days": luck.choice((0, 0, 2, 5)),
            "past_due_offset": luck.choice((0, 1, 1, 2)),
            "receipt_grace": luck.choice((60, 3_600, 90_000)),
        },
        "safety_stock": {"fixed": luck.choice((0, 0, 2))},
        "shortage": luck.choice(("keep", "deallocate")),
        "step": luck.choice((0.01, 1, 2)),
    }
    section |= operators.section(luck) if divided else {}
    said = {"drift_grace": luck.choice((5, 86_400)), "tenants": {"*": section}}
    if retention is None:
        return {"stock": {"window": 8 * 86_400}, **said}
    return {"stock": {"window": 60}, "retention": retention, **said}


def written(luck):
    def write(kind, event):
        return forms.envelope(EVENT_TYPES[kind], event) if luck.random() < 0.3 else forms.flat(event)

    return write


def history(seed, messages=40, step=None, items=1, wire=None, retention=None, *, divided=False):
    """Return what the topics hold after so many messages; a step folds up to `step` of them.

    What has ended is forgotten after `retention` seconds, without one not within the time that passes. In a history
    that is `divided` channels have parts of their own, operators grant and freeze, and the tenant limits reservations.
    """
    luck = random.Random(seed)
    dated = Dated(luck, items=items, write=written(luck))
    worker = InProcess(
        luck.choice((Wire.JSON, Wire.AVRO) if wire is None else (wire,)), step or luck.choice((1, 1, 3, 20))
    )
    now = NOON
    end = NOON + (WEEK - DAY if retention is None else 5 * WEEK)
    worker.apply(document(luck, retention, divided=divided), now)
    due = [(now, number, message) for number, message in enumerate(dated.opening(now))]
    for number in range(messages):
        now = max(now, min(end, now + luck.choice(PASSED)))
        for place, message in enumerate(dated.step(now)):
            heapq.heappush(due, (now + int(message.delay * 1_000_000), 1_000 + 10 * number + place, message))
        while due and due[0][0] <= now:
            worker.take(heapq.heappop(due)[2], now)
        if divided and luck.random() < 0.25:
            worker.operate(f"dated-{luck.randrange(items) + 1}", operators.command(luck, now), now)
        if luck.random() < 0.6:
            worker.tick(now - luck.choice((0, 0, 1_000_000, HOUR)), now)
        if luck.random() < 0.02:
            now += 1_000  # a policy is known by its moment
            worker.apply(document(luck, retention, divided=divided), now)
    while due:
        worker.take(heapq.heappop(due)[2], now)
    return worker.history(now)
