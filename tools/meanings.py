"""The meanings of the policy's keys, for operators; a test compares the names with the code."""

from typing import Final

POLICY: Final = {
    "": {
        "default_channel": "The channel of reservations that name none",
        "unknown_channels": "`accept` channels that the policy does not name, as POOLED, or `refuse` them",
        "unknown_channel_limit": "How many such channels an item may have",
        "shortage": "When stock is lost, `keep` promises, or `deallocate`: those that are short wait again",
        "retention": "Seconds for which ended reservations are kept",
        "drift_grace": "Seconds after which a gap is reported",
        "future_tolerance": "Seconds by which a timestamp may be ahead",
        "stock": "How late stock events may be",
        "tenants": "By name; `*` is every other tenant",
    },
    "stock": {
        "window": "Seconds by which a stock event may be late",
        "tail": "Has no effect any more",
        "skew": "Seconds by which the clocks of those who count and those who ship may differ",
    },
    "tenant": {
        "channels": "By name, in any spelling; a rule may be empty",
        "rule": "For each channel without a rule of its own",
        "aliases": "Other names of channels",
        "frozen": "By channel: `true` promises nothing there, whatever its rule",
        "safety_stock": "What is never promised",
        "shortage": "Replaces the document's",
        "step": "The least quantity that is sold, 1 for whole goods; what is available is a multiple of it",
        "max_waiting_each": "Units of one reservation that may wait; beyond that, the rest is denied",
        "supply": "What is expected, and how far promises by day reach",
        "time_limit": "Seconds after its commit at which a reservation without `expiresAt` expires",
        "items": "By name",
    },
    "item": {
        "channels": "By name; a rule here replaces the tenant's",
        "rule": "For each channel without a rule here; replaces the tenant's",
        "frozen": "By channel: `true`, or `false` where the tenant froze it",
        "step": "Replaces the tenant's",
        "max_waiting_each": "Replaces the tenant's",
        "safety_stock": "Replaces the tenant's",
        "supply": "Replaces the tenant's",
    },
    "safety_stock": {
        "fixed": "Units",
        "percent": "Of the stock, before promises and shipments; the greater of the two counts",
    },
    "supply": {
        "horizon": "Days from today for which promises are made, 366 at most",
        "ahead": "Days before the wanted one from which a reservation is served from the shelf",
        "past_due_days": "Days for which a supply that is late still counts",
        "past_due_offset": "Days from today on which a supply that is late is expected",
        "dock_days": "Days after the stated one on which a supply counts: the time from its arrival to the shelf",
        "lead_time": "Days in which units could be there that nobody has ordered: shown on request, never promised",
        "receipt_grace": "Seconds for which received units count before the stock contains them",
        "project": "Whether availability by day is published",
    },
    "rule": {
        "kind": "POOLED, SHARE, QUOTA or FROZEN; POOLED where none is written",
        "weight": "SHARE: above 0, at most 1, at most four decimals",
        "overflow": "QUOTA: may also take from the pool",
        "rank": "QUOTA: its place in a shortage, 1 is first",
        "min": "QUOTA: units that come first in a shortage, and the least that a grant in percent gives",
        "buffer": "Units that are never shown as available",
        "max_waiting": "Units of all reservations that may wait in the channel; beyond that, the rest is denied",
        "floor": "If fewer units are available, 0 is shown",
    },
}

PRINCIPALS: Final[dict[str, str]] = {
    "init": "`atp init`",
    "worker": "`atp worker`",
    "upstream": "`atp send`, and systems that write inputs",
    "downstream": "`atp watch`, and systems that read outputs",
    "policy": "`atp policy`",
    "auditor": "`atp verify`, `atp snapshot`, `atp rehearse`",
    "dead-letters": "`atp dead-letters`",
    "operator": "`atp verify --repair`, `atp item resume`, `atp source reset`",
}
"""Who needs the rights of each principal."""
