"""How the key of each row of the state is made, and which kind of row it names.

A row of an item has the item's name and a letter first; one of the partition begins with "|", so that no item's name
can. Keys sort in the order in which their rows are wanted.
"""

from typing import Final

from atp_stream.domain.names import decode, encode, join

POLICY: Final = "|policy"
SWEEP: Final = "|sweep"
WORK: Final = "|work|"
QUARANTINE: Final = "|quarantine|"
CLOCK: Final = "|clock"
TIMER: Final = "|timer|"
STOCK_TIME: Final = "|stock_time"
FOLD: Final = "|fold"
PURGE: Final = "|purge"
REFERENCES: Final = "|ref|"
GENERATIONS: Final = "|g|"
"""What the keys of rows begin with that are forgotten together; a generation's number and a letter follow."""

_TOP: Final = 2**63 - 1
_LETTER_PLACE: Final = 12  # where the kind of a generation's row stands in its key
_STAMP_DIGITS: Final = 16  # hexadecimal digits


def kind_of(key: str) -> str:
    """Return the kind of a row's key: a letter for those of an item or a generation, a name for the partition's."""
    if key[0] != "|":
        return key.split("|", 3)[2]
    return key[_LETTER_PLACE] if key.startswith(GENERATIONS) else key.split("|", 2)[1]


def is_scanned(key: str) -> bool:
    """Return whether rows of this kind are looked for by the order of their keys while a step changes them."""
    if key[0] != "|":
        return "|N|" in key
    return key.startswith(GENERATIONS) and key[_LETTER_PLACE] in {"F", "X"}


def reference_prefix(tenant: str, reference: str) -> str:
    """Return what the keys begin with by which the reservations of a tenant with a reference are found."""
    return f"{REFERENCES}{join(tenant, reference)}|"


def reference_key(name: str, reference: str, reservation: str) -> str:
    """Return the key by which a reservation of the item `name` is found by its reference."""
    tenant, item = name.split("|")
    return f"{REFERENCES}{tenant}|{encode(reference)}|{item}|{encode(reservation)}"


def referring(key: str) -> tuple[str, str]:
    """Return the item, and the reservation, that the key of a reference leads to."""
    _, item, reservation = key.rsplit("|", 2)
    return decode(item), decode(reservation)


def item_of(key: str) -> str:
    """Return the name of the item that a row of a generation, or of a reference, belongs to."""
    if key.startswith(REFERENCES):
        tenant, _, item, _ = key[len(REFERENCES) :].split("|")
        return f"{tenant}|{item}"
    tenant, item, _ = key[_LETTER_PLACE + 2 :].split("|", 2)
    return f"{tenant}|{item}"


def generation_of(key: str) -> int:
    """Return the number of the generation that a row of one belongs to."""
    return int(key[len(GENERATIONS) : _LETTER_PLACE - 1], 16)


def generation_prefix(generation: int) -> str:
    """Return what the keys of all rows of a generation begin with."""
    return f"{GENERATIONS}{generation:08x}|"


def mark_key(generation: int, name: str, mark: str) -> str:
    """Return the key by which an event id of the item `name` is known in a generation."""
    return f"{GENERATIONS}{generation:08x}|K|{name}|{mark}"


def item_key(name: str) -> str:
    """Return the key of the item `name`."""
    return f"{name}|i"


def reservation_prefix(name: str) -> str:
    """Return what the keys of the reservations of the item `name` begin with."""
    return f"{name}|r|"


def reservation_key(name: str, reservation: str) -> str:
    """Return the key of a reservation of the item `name`."""
    return f"{name}|r|{encode(reservation)}"


def reservation_of(key: str) -> str:
    """Return the reservation that its key names."""
    return decode(key.split("|", 3)[3])


def timer_prefix(name: str) -> str:
    """Return what the keys of the timers of the item `name` begin with."""
    return f"{name}|t|"


def timer_key(name: str, moment_us: int, reservation: str) -> str:
    """Return the key of a timer of the item `name`: of a reservation, or ("") of the item itself."""
    return f"{name}|t|{moment_us:016x}{encode(reservation)}"


def timer_of(key: str) -> tuple[int, str]:
    """Return the moment, and the reservation ("" if none), that the key of a timer names."""
    rest = key.split("|", 3)[3]
    return int(rest[:_STAMP_DIGITS], 16), decode(rest[_STAMP_DIGITS:])


def promise_prefix(name: str) -> str:
    """Return what the keys of the promises that a loss of stock may take back begin with."""
    return f"{name}|o|"


def promise_key(name: str, place: str, reservation: str) -> str:
    """Return the key of an open promise; keys sort in the order in which promises are taken back."""
    return f"{name}|o|{place}{encode(reservation)}"


def promise_place(priority: int, newest: int, *, confirmed: bool) -> str:
    """Return the place of a promise among those that a loss may take back; `newest` is that of its newest request."""
    return f"{int(confirmed)}{_TOP + max(-_TOP, min(_TOP, priority)):016x}{_TOP - newest:016x}"


def promised_to(key: str) -> str:
    """Return the reservation that the key of a promise names."""
    return decode(key.split("|", 3)[3][1 + 2 * _STAMP_DIGITS :])


def curve_key(name: str) -> str:
    """Return the key of what of the item `name` has a date."""
    return f"{name}|c"


def supply_prefix(name: str) -> str:
    """Return what the keys of the supplies of the item `name` begin with."""
    return f"{name}|s|"


def supply_key(name: str, supply: str) -> str:
    """Return the key of a supply of the item `name`."""
    return f"{name}|s|{encode(supply)}"


def day_prefix(name: str, day: int) -> str:
    """Return what the keys begin with by which the promises of a day are found in the order of loss."""
    return f"{name}|p|{day:08x}|"


def days_prefix(name: str) -> str:
    """Return what the keys of all promises of the item `name` by day begin with."""
    return f"{name}|p|"


def by_day_of(key: str) -> tuple[int, str, str]:
    """Return the day, the place in the order of loss, and the reservation that the key of a promise names."""
    _, _, _, day, rest = key.split("|", 4)
    return int(day, 16), rest[: 1 + 2 * _STAMP_DIGITS], decode(rest[1 + 2 * _STAMP_DIGITS :])


def redeemed_prefix(name: str, day: int, channel: str) -> str:
    """Return what the keys begin with by which the promises of a day in a channel are found in the order of service."""
    return f"{name}|d|{day:08x}|{encode(channel)}|"


def late_prefix(name: str, channel: str) -> str:
    """Return what the keys begin with of promises in a channel that are due, or later than wanted; a rank follows."""
    return f"{name}|v|{encode(channel)}|"


def undue_prefix(name: str, channel: str) -> str:
    """Return what the keys begin with of parts that wait in a channel for a later day; a rank follows."""
    return f"{name}|f|{encode(channel)}|"


def wanted_prefix(name: str) -> str:
    """Return what the keys begin with by which what is not due yet is found in the order of the wanted days."""
    return f"{name}|w|"


def wanted_key(name: str, day: int, reservation: str) -> str:
    """Return the key of a reservation that is not due yet."""
    return f"{name}|w|{day:08x}{encode(reservation)}"


def wanted_of(key: str) -> tuple[int, str]:
    """Return the day and the reservation that the key of what is not due names."""
    rest = key.split("|", 3)[3]
    return int(rest[:8], 16), decode(rest[8:])


def lost_prefix(name: str) -> str:
    """Return what the keys begin with of promises that were lost and are to be made anew; a rank follows."""
    return f"{name}|b|"


def location_key(name: str, location: str) -> str:
    """Return the key of the stock of the item `name` at a location."""
    return f"{name}|L|{encode(location)}"


def old_location_key(name: str, location: str) -> str:
    """Return the key that versions before 0.2 gave to the stock of a location."""
    return f"{name}|l|{encode(location)}"


def dated_place_prefix(name: str) -> str:
    """Return what the keys begin with by which the locations of an item are found in the order of what they include."""
    return f"{name}|N|"


def dated_place_key(name: str, at_us: int, location: str) -> str:
    """Return the key of a location that includes what was shipped up to `at_us`, or up to a later stamp."""
    return f"{name}|N|{at_us:016x}{encode(location)}"


def dated_place_of(key: str, prefix: str) -> tuple[int, str]:
    """Return the stamp and the location that a key under `prefix` names."""
    digits = len(prefix) + _STAMP_DIGITS
    return int(key[len(prefix) : digits], 16), decode(key[digits:])


def item_timer_key(name: str, moment_us: int) -> str:
    """Return the key by which a partition finds the items whose timers run out first."""
    return f"{TIMER}{moment_us:016x}|{name}"


def item_timer_of(key: str) -> tuple[int, str]:
    """Return the moment, and the item's name ("" if it is the partition's own), that the key of a timer names."""
    moment_us, _, name = key[len(TIMER) :].partition("|")
    return int(moment_us, 16), name


def partition_timer_key(moment_us: int) -> str:
    """Return the key of a timer of the partition itself; it sorts among those of the items, and names none."""
    return f"{TIMER}{moment_us:016x}|"


def policy_key(offset: int) -> str:
    """Return the key of an earlier policy, which some items have still to meet."""
    return f"{POLICY}|{offset}"


def deferred_key(name: str, offset: int) -> str:
    """Return the key of a command deferred for the item `name`; keys sort in the order of the log."""
    return f"{name}|h|{offset:019d}"


def deferred_prefix(name: str) -> str:
    """Return what the keys of the commands deferred for the item `name` begin with."""
    return f"{name}|h|"


def deferred_offset(key: str) -> int:
    """Return the offset that the key of a deferred command names."""
    return int(key.rpartition("|")[2])


def behind_item(name: str) -> str:
    """Return a key behind all rows of the item `name`, or ("") behind those of the partition."""
    return name + "}"  # the sign after "|"


def queue_prefix(name: str, channel: str) -> str:
    """Return what the keys of the parts waiting in `channel` begin with."""
    return f"{name}|q|{encode(channel)}|"


def rank(priority: int, offset: int) -> str:
    """Return the place in a queue: higher priority first, then the order of the log.

    A priority beyond 64 bits counts as the last one within them.
    """
    return f"{_TOP - max(-_TOP, min(_TOP, priority)):016x}{offset:016x}"


def rank_offset(key: str) -> int:
    """Return the place in the log that the key of a waiting part ends with."""
    return int(key[-_STAMP_DIGITS:], 16)
