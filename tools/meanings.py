"""What the keys of the policy mean, in words for operators; a test holds the names against the code."""

from typing import Final

POLICY: Final = {
    "": {
        "default_channel": "Where reservations belong that name no channel",
        "unknown_channels": "`accept` channels that the policy does not name, as POOLED, or `refuse` what they reserve",
        "unknown_channel_limit": "So many of them an item may have",
        "shortage": "`keep`: promises stand when stock is lost; `deallocate`: those that are short wait again",
        "retention": "Seconds for which ended reservations are kept",
        "drift_grace": "Seconds for which a gap may stand before it is told",
        "future_tolerance": "Seconds by which a stamp may be ahead",
        "stock": "How stock events are ordered",
        "tenants": "By name; `*` is every other one",
    },
    "stock": {
        "window": "Seconds by which a stock event may be late",
        "tail": "Says nothing any more",
        "skew": "Seconds by which the clocks of counts and shipments may differ",
    },
    "tenant": {
        "channels": "By name, in any spelling; a rule may be empty",
        "rule": "For each channel that has none",
        "aliases": "Other names of channels",
        "frozen": "By channel: `true` promises nothing there, whatever its rule",
        "safety_stock": "What is never promised",
        "shortage": "In the place of the document's",
        "step": "The least quantity that is sold, 1 for whole goods: what is available is a multiple of it",
        "max_waiting_each": "Units of one reservation that may wait; where more would, the rest is denied",
        "time_limit": "Seconds after its commit at which a reservation without `expiresAt` expires",
        "items": "By name",
    },
    "item": {
        "channels": "By name, alone in the place of the tenant's",
        "rule": "For each channel that has none here, in the place of the tenant's",
        "frozen": "By channel: `true`, or `false` where the tenant froze it",
        "step": "In the place of the tenant's",
        "max_waiting_each": "In the place of the tenant's",
        "safety_stock": "In the place of the tenant's",
    },
    "safety_stock": {
        "fixed": "Units",
        "percent": "Of the stock, before promises and shipments; the greater of the two counts",
    },
    "rule": {
        "kind": "POOLED, SHARE, QUOTA or FROZEN; POOLED where none is written",
        "weight": "SHARE: above 0, at most 1, four decimals",
        "overflow": "QUOTA: may also take from the pool",
        "rank": "QUOTA: its place in a shortage, 1 is first",
        "min": "QUOTA: units that come first in a shortage, and the least that a grant in percent gives",
        "buffer": "Units that are never shown as available",
        "max_waiting": "Units of all reservations that may wait in the channel; where more would, the rest is denied",
        "floor": "Below so many units 0 is shown",
    },
}
