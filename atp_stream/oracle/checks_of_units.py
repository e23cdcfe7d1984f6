"""The comparison of units as they were published: each allocation ends once, and no commit takes what is not there."""

from collections import defaultdict

from atp_stream.oracle.outputs import Event
from atp_stream.oracle.replay import Expected, Name, Place
from atp_stream.oracle.report import Report


def check_allocations(name: Name, events: dict[str, list[Event]], allocations: dict[int, str], report: Report) -> None:
    """Object to an allocation that is committed twice, or of which more ends than there was."""
    left: dict[str, int] = {}
    for event in events["allocation_committed"]:
        allocation = event.payload["allocationId"]
        if allocation in left:
            report.double(f"allocation {allocation} of {name} is committed again")
        left[allocation] = event.units("quantity")
    for event in events["allocation_released"]:
        allocation = event.payload["allocationId"]
        if allocation not in left:
            report.complain(f"allocation {allocation} of {name} is released, but was never committed")
            continue
        left[allocation] -= event.units("quantity")
        if left[allocation] < 0:
            report.double(f"allocation {allocation} of {name} ends twice")


def check_units(name: Name, steps: dict[Place, Expected], events: dict[str, list[Event]], report: Report) -> None:
    """Count what was promised, as it was published, against what was there, at every prefix of the log."""
    changes: dict[Place, int] = defaultdict(int)
    committed: set[Place] = set()
    for event in events["allocation_committed"]:
        changes[event.cause] += event.units("quantity")
        committed.add(event.cause)
    for event in events["allocation_released"]:
        changes[event.cause] -= event.units("quantity")
    promised = 0
    was_short = False
    for cause, step in steps.items():
        promised += changes[cause]
        short = promised - step.handed_over > max(0, step.on_hand)
        if short and cause in committed:
            report.oversold += 1
            report.complain(f"oversold: {name} at {cause}: {promised - step.handed_over} of {step.on_hand} on hand")
        elif short and not was_short:
            report.short += 1
        was_short = short
        reserved = sum(units for _, units in step.rows.values())
        if promised - step.handed_over != reserved:
            report.complain(f"{name} at {cause}: {promised - step.handed_over} promised and there, {reserved} reserved")
