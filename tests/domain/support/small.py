"""Small histories of an item's stock: few places, stamps and amounts, so that they meet; and all orders of arrival."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import count as numbers_from
from random import Random
from typing import NamedTuple

from msgspec.structs import replace

from atp_stream.domain.commands import AdjustStock, AnyCommand, CountStock, Entry, Fulfil, Reserve
from tests.domain.model.books import Books
from tests.domain.model.stock import StockNumbers
from tests.domain.support import product
from tests.domain.support.judge import MICROSECONDS, MINUTE, SECOND
from tests.domain.support.log import AT, LAMP, NOON, Log, policy, tick
from tests.domain.support.stock_item import CHANNELS

STAMP = 1_000_000
PLACES = ["north", "north", "south", "", "west"]
RESERVATIONS = ["one", "two"]


class History(NamedTuple):
    """Messages to an item; `again` are those among them that repeat an earlier one."""

    messages: list[AnyCommand]
    window: int = MINUTE
    skew: int = 0
    pause: int = 0
    """Log time between two arrivals, in milliseconds."""
    phase: int = 0
    """How many ticks stand in front of the first one: where in a generation it comes."""


def history(r: Random) -> History:
    """Throw a history of at most 6 messages; a fact may be among them twice."""
    size = r.choice([2, 3, 3, 4, 4, 4, 5, 5, 5, 6])
    messages = with_ids_in_common(r, r.choice([scattered, walk, shipped])(r, size))
    while len(messages) < size:
        messages.append(r.choice(messages))
    window = r.choice([MINUTE, MINUTE, 20 * MINUTE])
    return History(
        messages,
        window=window,
        skew=r.choice([0, 0, 1, 2]) * SECOND,
        pause=r.choice([0, SECOND, window // 8]),
        phase=r.randrange(9),
    )


def scattered(r: Random, size: int) -> list[AnyCommand]:
    """Throw messages that know nothing of each other."""
    places = r.sample(PLACES, r.choice([1, 2, 3, 5]))
    fresh = size - (r.random() < 0.5)
    return [thrown(r, number, places) for number in range(max(1, fresh))]


def thrown(r: Random, number: int, places: list[str]) -> AnyCommand:
    at, place, name = AT + r.randrange(5) * STAMP, r.choice(places), f"m{number}"
    reservation = r.choice(RESERVATIONS)
    match r.choice(["adjust", "adjust", "adjust", "count", "count", "delta", "delta", "ship", "ship", "tells", "move"]):
        case "adjust":
            return AdjustStock(
                event_id=name, at_us=at, delta=r.randrange(-4, 5), absolute=r.randrange(7), location=place
            )
        case "count":
            return CountStock(event_id=name, at_us=at, on_hand=r.randrange(7), location=place)
        case "delta":
            return AdjustStock(event_id=name, at_us=at, delta=r.randrange(-4, 5), location=place)
        case "ship":
            return Fulfil(event_id=name, at_us=at, reservation=reservation, quantity=r.randrange(1, 4), location=place)
        case "tells":
            absolute = r.choice([None, r.randrange(7)])
            return AdjustStock(
                event_id=name, at_us=at, delta=-r.randrange(1, 4), absolute=absolute, location=place,
                reservation=reservation,
            )  # fmt: skip
        case _:
            return Reserve(
                event_id=name, at_us=at, reservation=reservation, quantity=99, channel="ECOM", location=r.choice(PLACES)
            )


def walk(r: Random, size: int) -> list[AnyCommand]:
    """Throw movements of one true stock, many of one stamp, there and back; few are lost."""
    held, at, place = r.randrange(3, 9), AT, r.choice(PLACES)
    messages: list[AnyCommand] = []
    for number in numbers_from():
        if len(messages) >= size:
            return messages
        name, lost = f"m{number}", r.random() < 0.05
        at += r.choice([0, 0, 0, STAMP])
        if number == 0 or r.random() < 0.1:
            said: AnyCommand = CountStock(event_id=name, at_us=at, on_hand=held, location=place)
        else:
            delta = r.choice([-2, -1, -1, 1, 2])
            held += delta
            absolute = None if r.random() < 0.15 else held
            said = AdjustStock(event_id=name, at_us=at, delta=delta, absolute=absolute, location=place)
        messages += [] if lost else [said]
    raise AssertionError


def shipped(r: Random, size: int) -> list[AnyCommand]:
    """Throw what leaves a counted place, reported by fulfilments, by adjustments, by both, or not at all."""
    place, held, at = r.choice(["north", ""]), r.randrange(5, 15), AT
    elsewhere = [place, place, "", "south"]
    messages: list[AnyCommand] = [CountStock(event_id="m0", at_us=at, on_hand=held, location=place)]
    for number in numbers_from(1):
        if len(messages) >= size:
            return messages[r.random() < 0.1 :]
        at += r.choice([0, STAMP, STAMP, 2 * STAMP])
        reservation, units, name = r.choice(RESERVATIONS[: r.choice([1, 2])]), r.randrange(1, 4), f"m{number}"
        left = Fulfil(event_id=name, at_us=at, reservation=reservation, quantity=units, location=r.choice(elsewhere))
        held -= units
        absolute = r.choice([None, held, held, held + units])
        adjusted = AdjustStock(
            event_id=f"{name}t", at_us=at, delta=-units, absolute=absolute, location=r.choice(elsewhere),
            reservation=reservation,
        )  # fmt: skip
        messages += r.choice([[left], [left], [adjusted], [left, adjusted]])
        if r.random() < 0.3:
            units = r.randrange(-1, 3)
            held += units
            messages.append(AdjustStock(event_id=f"{name}a", at_us=at, delta=units, absolute=held, location=place))
    raise AssertionError


def with_ids_in_common(r: Random, messages: list[AnyCommand]) -> list[AnyCommand]:
    """Give some facts one id: it tells them apart only within a kind and a place."""
    taken = set()
    for number, one in enumerate(messages):
        if isinstance(one, AdjustStock | CountStock) and r.random() < 0.4:
            kind = type(one), one.location
            if kind not in taken:
                messages[number] = replace(one, event_id="x")
                taken.add(kind)
    return messages


def expected_of(history: History) -> Callable[[frozenset[int]], StockNumbers]:
    """Return a function from a set of messages to what it comes to: no order can show in it."""

    @cache
    def expected(those: frozenset[int]) -> StockNumbers:
        books = Books(history.skew * MICROSECONDS)
        for number in sorted(those):
            books.enter(history.messages[number])
        return books.model().numbers()

    return expected


def opened(history: History) -> tuple[Log, int]:
    """Return a log at the moment at which the first message may come, and that moment."""
    log, log_time = Log(), NOON
    log.say(policy({"stock": {"window": history.window // SECOND, "skew": history.skew // SECOND}, **CHANNELS}))
    for _ in range(history.phase):
        log_time += history.window // 8
        log.say(tick(log_time * MICROSECONDS), log_time=log_time)
    return log, log_time


def disagreements(history: History) -> Iterator[tuple[list[int], StockNumbers, StockNumbers]]:
    """Fold every order of arrival; yield each at which rows and model part, with what was expected and found."""
    expected = expected_of(history)
    log, log_time = opened(history)
    offset = len(log.entries)
    todo: list[tuple[list[int], dict[str, bytes]]] = [([], log.rows)]
    while todo:
        order, rows = todo.pop()
        followers = [number for number in range(len(history.messages)) if number not in order]
        for number in first_of_equals(history.messages, followers):
            log.rows = dict(rows)
            moment = log_time + len(order) * history.pause
            log.run([Entry(0, offset + len(order), moment, LAMP, history.messages[number])])
            log.entries.clear()
            log.steps.clear()
            arrived = [*order, number]
            right, found = expected(frozenset(arrived)), product.numbers(log)
            if right != found:
                yield arrived, right, found
            todo.append((arrived, log.rows))


def first_of_equals(messages: list[AnyCommand], those: list[int]) -> list[int]:
    """Return one of each kind of equal messages: orders that differ only in them are one order."""
    return list({messages[number]: number for number in reversed(those)}.values())
