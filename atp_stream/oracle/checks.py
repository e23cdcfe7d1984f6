"""The comparison: what was published against what must have been, and every input against its fate."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Final

from atp_stream.oracle.checks_by_day import check_projections, check_stability
from atp_stream.oracle.checks_of_units import check_allocations, check_units
from atp_stream.oracle.history import History, Record
from atp_stream.oracle.inputs import Breach, ask
from atp_stream.oracle.item import Reported
from atp_stream.oracle.outputs import Event, Unreadable, read_event
from atp_stream.oracle.replay import Expected, Name, Place, Replay, replay
from atp_stream.oracle.report import Report
from atp_stream.oracle.tables import check_tables

EVENTS: Final = {
    "availability_calculated": ("AvailabilityCalculatedEvent",),
    "allocation_committed": ("AllocationCommittedEvent",),
    "allocation_released": ("AllocationReleasedEvent",),
    "reservation_denied": ("ReservationDeniedEvent",),
    "reservation_promised": ("ReservationPromisedEvent",),
    "availability_projected": ("AvailabilityProjectedEvent",),
    "stock_drift": ("StockDriftDetectedEvent", "StockDriftResolvedEvent"),
}
_TOLD: Final = {
    "committed": "allocation_committed",
    "released": "allocation_released",
    "denied": "reservation_denied",
    "promised": "reservation_promised",
    "drift": "stock_drift",
}
Published = dict[str, dict[Name, list[Event]]]


def check(history: History) -> Report:
    """Count everything again, and object to all that does not follow from the inputs in the order of the log.

    Pure. What is checked: every input is in the log, a dead letter, or not ours; nothing is there twice; each
    command published exactly the allocations, releases and denials of the model; each availability row is the
    model's at its cause, and the last one is the model's last; no commit took more than was on hand.
    """
    report = Report()
    if history.beyond:
        report.complain(f"{history.beyond} inputs are in the log, behind the place up to which the tables are done")
    letters = _letters(history)
    done = replay(history, report)
    _check_fates(history, letters, done, report)
    published = _published(history, report)
    for name in {*done.items, *(name for events in published.values() for name in events)}:
        _check_item(name, done, published, report)
    if history.names.tables:
        check_tables(history, done, report)
    report.items = len(done.items)
    for item in done.items.values():
        report.reservations.update(claim.outcome for claim in item.claims.values())
    return report


def _check_fates(history: History, letters: dict[str, str], done: Replay, report: Report) -> None:
    for record in history.of(*history.names.inputs):
        report.events_in += 1
        place, reason = record.place, letters.pop(record.place, None)
        ours, breach = (True, "") if place in done.understood else _read(history, record)
        if reason is not None:
            report.refused[reason] += 1
            report.denied += place in done.taken
        if not ours:
            _check_skipped(place, reason, report)
        elif breach:
            if reason is None:
                report.lose(f"{place} breaks the contract ({breach}), but is no dead letter")
        elif place not in done.taken:
            report.lose(f"{place} is neither in the item log nor rightly refused (dead letter: {reason})")
        elif reason != (wanted := done.denied.get(place)):
            object_to = report.complain if wanted else report.lose
            object_to(f"{place} was refused as {reason}, but the books say {wanted}")
    _check_operations(letters, done, report)
    for origin, reason in letters.items():
        report.complain(f"a dead letter ({reason}) of {origin}, which does not exist")
    _check_sum(report)


def _check_operations(letters: dict[str, str], done: Replay, report: Report) -> None:
    """Compare what was refused of what operators asked."""
    for origin, wanted in done.operated.items():
        if (reason := letters.pop(origin, "")) != wanted:
            report.complain(f"{origin}, of an operator, was refused as {reason!r}, but the books say {wanted!r}")


def _read(history: History, record: Record) -> tuple[bool, str]:
    """Return whether an input is ours, and how it breaks the contract, if it does."""
    try:
        return ask(history.names, record, history.schemas) is not None, ""
    except Breach as error:
        return True, str(error)


def _check_sum(report: Report) -> None:
    """Where nothing else is wrong, every input is skipped, refused, a duplicate or applied, and only one of these."""
    fates = report.skipped + report.refused.total() + report.duplicates + report.past + report.applied
    if report.events_in != fates and not report.objections:
        report.complain(f"{report.events_in} inputs came, but {fates} have a fate")


def _letters(history: History) -> dict[str, str]:
    """Return the reason of every dead letter by its origin; intake may have written one twice."""
    letters: dict[str, str] = {}
    for record in history.of(history.names.dead_letter):
        letters.setdefault(record.header("atp-origin") or record.place, record.header("atp-reason") or "")
    return letters


def _check_skipped(place: str, reason: str | None, report: Report) -> None:
    report.skipped += 1
    if reason is not None:
        report.complain(f"{place} is not ours, but a dead letter ({reason})")


def _published(history: History, report: Report) -> Published:
    found: Published = {}
    seen: set[str] = set()
    topics = {role: topic for role in EVENTS if (topic := getattr(history.names, role))}
    for role, topic in topics.items():
        items = found[role] = defaultdict(list)
        for record in history.of(topic):
            try:
                event = read_event(record, EVENTS[role], history.schemas)
            except Unreadable as error:
                report.complain(f"{record.place} cannot be read: {error}")
                continue
            report.out[event.event_type] += 1
            if record.key != _key(event):
                report.complain(f"{record.place} is kept under {record.key!r}, but speaks of {event.item}")
            if event.event_id in seen:
                report.double(f"event {event.event_id} again at {record.place}")
                continue
            seen.add(event.event_id)
            items[event.tenant, event.item].append(event)
    return found


def _key(event: Event) -> bytes:
    parts = [event.tenant, event.item]
    if "available" in event.payload or "steps" in event.payload:
        parts.append(event.payload["channel"])
    return "|".join(part.replace("%", "%25").replace("|", "%7C") for part in parts).encode()


def _check_item(name: Name, done: Replay, published: Published, report: Report) -> None:
    if name not in done.items:
        report.complain(f"{name} has events, but no command ever spoke of it")
        return
    steps = done.steps.get(name, {})
    events = {role: items.get(name, []) for role, items in published.items()}
    allocations = _check_reported(name, steps, events, report)
    check_allocations(name, events, allocations, report)
    _check_rows(name, steps, events["availability_calculated"], report)
    check_units(name, steps, events, report)
    if "availability_projected" in events:
        check_projections(name, steps, events, report)
    if "reservation_promised" in events:
        check_stability(name, steps, events, report)


def _check_reported(
    name: Name, steps: dict[Place, Expected], events: dict[str, list[Event]], report: Report
) -> dict[int, str]:
    """Compare allocations and denials command by command; return the allocations' names by their number."""
    allocations: dict[int, str] = {}
    for kind, role in _TOLD.items():
        if role not in events:
            continue
        what = f"{EVENTS[role][0]} of {name}"
        for one, other in pairwise(events[role]):
            if other.cause < one.cause:
                report.complain(f"{what} at {other.cause} stands behind that of {one.cause}")
        by_cause: dict[Place, list[Event]] = defaultdict(list)
        for event in events[role]:
            by_cause[event.cause].append(event)
        for cause in by_cause.keys() - steps.keys():
            for _ in by_cause[cause]:
                report.double(f"{what} at {cause}, where nothing was applied")
        for cause, step in steps.items():
            wanted = [reported for reported in step.reported if reported.topic == kind]
            there = by_cause.get(cause, [])
            if kind == "promised":  # each of another reservation: their order says nothing
                wanted = sorted(wanted, key=lambda reported: reported.reservation)
                there = sorted(there, key=lambda event: str(event.payload["reservationId"]))
            _compare(f"{what} at {cause}", wanted, there, step.version, allocations, report)
    return allocations


def _compare(
    what: str,
    wanted: Sequence[Reported],
    there: Sequence[Event],
    version: int,
    allocations: dict[int, str],
    report: Report,
) -> None:
    for reported, event in zip(wanted, there, strict=False):
        if reported.topic == "committed":
            allocations[reported.number] = event.payload["allocationId"]
        found = _as_reported(reported, event, allocations)
        if found != reported:
            report.complain(f"{what} says {found}, but the books say {reported}")
        if event.version != version:
            report.complain(f"{what} has version {event.version}, not {version}")
    for reported in wanted[len(there) :]:
        report.lose(f"{what}: {reported}")
    for event in there[len(wanted) :]:
        report.double(f"{what}: {event.payload}")


def _as_reported(reported: Reported, event: Event, allocations: dict[int, str]) -> Reported:
    """Return what an event says, in the model's words."""
    body = event.payload
    if reported.topic == "drift":
        outcome = event.event_type.removeprefix("StockDrift").removesuffix("Event").lower()
        return Reported("drift", "", event.units("gap") if outcome == "detected" else 0, outcome=outcome)
    if reported.topic == "promised":
        lines = event.by_day("lines", "quantity")
        by_day = event.day("requestedDate"), lines, event.units("waiting"), event.units("allocated")
        units = sum(units for _, units in lines)
        about = {"reservation": body["reservationId"], "reason": body["reason"]}
        return Reported("promised", body["channel"], units, by_day=by_day, **about)
    number = reported.number
    if reported.topic == "released" and allocations.get(reported.number) != body["allocationId"]:
        number = -1
    return Reported(
        reported.topic,
        body["channel"],
        event.units("quantity"),
        number,
        body.get("reservationId", "") if reported.topic != "committed" else "",
        body.get("outcome") or (body.get("reason", "") if reported.topic == "released" else ""),
        body.get("reason", "") if reported.topic == "denied" else "",
    )


def _check_rows(name: Name, steps: dict[Place, Expected], rows: Sequence[Event], report: Report) -> None:
    """Compare what was shown: a step may leave out what it overtook itself, but shows all that it changed."""
    last: dict[str, tuple[int, int]] = {}
    versions: dict[str, int] = {}
    for cause, together in groupby(rows, key=lambda event: event.cause):
        what = f"availability of {name} at {cause}"
        step = steps.get(cause)
        if step is None:
            report.double(f"{what}, where nothing was applied")
            continue
        for event in together:
            channel = event.payload["channel"]
            row = (event.units("available"), event.units("reserved"))
            if (row, event.version) != (step.rows.get(channel), step.version):
                report.complain(f"{what}: {channel} shows {row} ({event.version}), not {step.rows.get(channel)}")
            if last.get(channel) == row:
                report.double(f"{what}: {channel} shows {row} again")
            if event.version <= versions.get(channel, -1):
                report.complain(f"{what}: {channel} comes behind version {versions[channel]}")
            last[channel], versions[channel] = row, event.version
        _check_shown(what, last, step, report)
    if steps:
        _check_shown(f"the last availability of {name}", last, [*steps.values()][-1], report)


def _check_shown(what: str, shown: dict[str, tuple[int, int]], step: Expected, report: Report) -> None:
    for channel, row in step.rows.items():
        if shown.get(channel) != row:
            report.lose(f"{what}: {channel} must show {row}, and shows {shown.get(channel)}")
