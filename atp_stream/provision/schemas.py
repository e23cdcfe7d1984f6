"""Schemas: each event's under its subject; what a registry already holds is compared, never changed.

A topic with one event has one subject, `{topic}-value`. Where a topic carries several events, each has a subject of
its own, `{topic}-{record name}` (the registry's TopicRecordNameStrategy): so each is compared with its own earlier
versions, and a record is one of these events, never a union around them.
"""

import asyncio

from atp_stream.access import RegistryAccess
from atp_stream.messages import registry, schema_files
from atp_stream.provision.report import Finding, Verdict
from atp_stream.topics import Topics


async def provide(access: RegistryAccess, topics: Topics) -> list[Finding]:
    """Register the schemas that are missing, compare the others.

    Raises:
        RegistryUnavailable: no registry answers there, or it refuses.
    """
    schemas = {subject: schema_files.schema(event) for subject, event in subjects(topics).items()}
    registrations = await asyncio.to_thread(registry.register, access, schemas)
    return [
        Finding(
            kind="schema",
            name=registration.subject,
            verdict=Verdict(registration.outcome),
            detail=registration.detail or f"id {registration.schema_id}",
        )
        for registration in registrations
    ]


def subjects(topics: Topics) -> dict[str, str]:
    """Return the event whose schema belongs to each subject."""
    return {
        f"{topic}-value" if len(carried) == 1 else f"{topic}-{schema_files.full_name(event)}": event
        for topic, carried in events(topics).items()
        for event in carried
    }


def events(topics: Topics) -> dict[str, tuple[str, ...]]:
    """Return the events that each topic carries; dead letters have none, they keep what came."""
    return {
        topics.adjusted.name: ("InventoryAdjusted",),
        topics.counted.name: ("StockAvailabilityChangedEvent",),
        topics.created.name: ("ReservationCreatedEvent",),
        topics.confirmed.name: ("ReservationConfirmedEvent",),
        topics.released.name: ("ReservationReleasedEvent",),
        topics.fulfilled.name: ("ReservationFulfilledEvent",),
        topics.supply_scheduled.name: ("SupplyScheduledEvent",),
        topics.supply_changed.name: ("SupplyChangedEvent",),
        topics.supply_cancelled.name: ("SupplyCancelledEvent",),
        topics.supply_received.name: ("SupplyReceivedEvent",),
        topics.policy.name: ("PolicyChangedEvent",),
        topics.availability_calculated.name: ("AvailabilityCalculatedEvent",),
        topics.allocation_committed.name: ("AllocationCommittedEvent",),
        topics.allocation_released.name: ("AllocationReleasedEvent",),
        topics.reservation_denied.name: ("ReservationDeniedEvent",),
        topics.reservation_promised.name: ("ReservationPromisedEvent",),
        topics.availability_projected.name: ("AvailabilityProjectedEvent",),
        topics.stock_drift.name: ("StockDriftDetectedEvent", "StockDriftResolvedEvent"),
    }
