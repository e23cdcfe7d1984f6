"""Schemas: each event's under the subject of its topic; what a registry already holds is compared, never changed."""

import asyncio

from atp_stream.messages import contract, registry
from atp_stream.provision.report import Finding, Verdict
from atp_stream.topics import Topics


async def provide(url: str, topics: Topics) -> list[Finding]:
    """Register the schemas that are missing, compare the others.

    Raises:
        RegistryUnavailable: no registry answers at `url`, or it refuses.
    """
    schemas = {f"{topic}-value": contract.schema(event) for topic, event in events(topics).items()}
    registrations = await asyncio.to_thread(registry.register, url, schemas)
    return [
        Finding(
            kind="schema",
            name=registration.subject,
            verdict=Verdict(registration.outcome),
            detail=registration.detail or f"id {registration.schema_id}",
        )
        for registration in registrations
    ]


def events(topics: Topics) -> dict[str, str]:
    """Return the event whose schema belongs to each topic; dead letters have none, they keep what came."""
    return {
        topics.adjusted.name: "InventoryAdjusted",
        topics.counted.name: "StockAvailabilityChangedEvent",
        topics.created.name: "ReservationCreatedEvent",
        topics.confirmed.name: "ReservationConfirmedEvent",
        topics.released.name: "ReservationReleasedEvent",
        topics.fulfilled.name: "ReservationFulfilledEvent",
        topics.availability_calculated.name: "AvailabilityCalculatedEvent",
        topics.allocation_committed.name: "AllocationCommittedEvent",
        topics.allocation_released.name: "AllocationReleasedEvent",
        topics.reservation_denied.name: "ReservationDeniedEvent",
    }
