"""The rows of stock: results of a location that answer what comes in order, and entries by stamp for what comes late.

    tenant|item|i                                 the sums over all locations, a part of the item's row
    tenant|item|L|location                        results of a location, its newest instants and shipments
    tenant|item|N|stamp location                  a location with an absolute, which includes shipments up to `stamp`
    |g|generation|K|tenant|item|hash              an event id that was counted in this generation
    |g|generation|F|tenant|item|location|since    a chunk of instants, from `since` on, counted in this generation
    |g|generation|X|tenant|item|location|since    a chunk of shipments, likewise
    |g|generation|C|tenant|item|location|at|page  values that many absolutes of one instant enter or leave

Every list and every chunk is bounded, so no row comes near 64 KB. Source: docs/rules/stock.md#no-bound.
"""

from typing import Any, Final

import msgspec

from atp_stream.domain.stock.facts import NEVER


class Sums(msgspec.Struct, array_like=True, gc=False):
    """Sums over locations; `absolutes` counts those that have one, `missing` are units shipped and not yet included."""

    value: int = 0
    gap: int = 0
    basis: int = 0
    absolutes: int = 0
    missing: int = 0


class Stock(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """What is held of an item: a part of the item's row.

    `on_hand` may be negative; `gap` is the drift; `basis` is what a percentage of safety stock is taken of; `split`
    says that there are absolutes both with and without a location, so that all three are those of the smaller sum.
    `named` sums the locations with a name, `bare` is the one without. `homeless` units left no location that has an
    absolute: they are missing until the named location that includes the least includes them. That is `oldest_at`; it
    includes what was shipped up to `oldest_us`, or up to a later stamp.
    `upgrading` is the generation in which an upgrade of old rows began; `places` and `shipments` are what it reads.
    """

    on_hand: int = 0
    gap: int = 0
    basis: int = 0
    split: bool = False
    named: Sums = msgspec.field(default_factory=Sums)
    bare: Sums = msgspec.field(default_factory=Sums)
    homeless: int = 0
    oldest_us: int = msgspec.field(default=NEVER, name="oldest")
    oldest_at: str = ""
    upgrading: int | None = None
    places: dict[str, Any] = {}
    shipments: dict[str, Any] = {}


class Shipped(msgspec.Struct, array_like=True, gc=False):
    """Units that left at one stamp; of the location "": of all, `homeless` of them left none that has an absolute."""

    at_us: int
    units: int = 0
    homeless: int = 0


class Stated(msgspec.Struct, array_like=True, gc=False):
    """What two or more absolutes of one instant state.

    An adjustment is a link between two values, links that meet in a value are one chain. `values` maps each value to
    its parent in a union-find forest, the size of its tree, the tree's number of open ends (of a root) and how many
    times more often it was entered than left; None when it has gone to pages. `positive` counts the values entered
    more often than left, `positive_xor` is their exclusive or. `own` says that none ships a reservation.
    """

    smallest: int
    has_count: bool
    own: bool
    largest_own: int | None
    chains: int = 0
    nodes: int = 0
    positive: int = 0
    positive_xor: int = 0
    values: dict[int, list[int]] | None = None
    generation: int = -1


class Link(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The only absolute of an instant: the value entered, the value left, and its kind."""

    entered: int
    left: int
    kind: int


ADJUSTS: Final = 0
COUNTS: Final = 1
SHIPS: Final = 2


class Instant(msgspec.Struct, array_like=True, gc=False):
    """The facts of one stamp: the sum of their deltas, of the negative ones without an absolute, and the absolutes."""

    at_us: int
    delta: int = 0
    bare_loss: int = 0
    link: Link | None = None
    stated: Stated | None = None

    @property
    def is_absolute(self) -> bool:
        """Return whether it states a value."""
        return self.link is not None or self.stated is not None


class Instants(msgspec.Struct, omit_defaults=True, gc=False):
    """The instants of a location: those after `edge_us` are in `tail`, earlier ones in chunks."""

    edge_us: int = msgspec.field(default=NEVER, name="edge")
    tail: list[Instant] = []


class Span(msgspec.Struct, array_like=True, gc=False, order=True):
    """What chunks of one generation hold of shipments in a span of stamps; generation -1 sums what is forgotten.

    Sums above and below 0 are kept apart, so that what is forgotten can be told from both sides.
    """

    generation: int
    number: int
    least_at_us: int
    greatest_at_us: int
    taken: int = 0
    returned: int = 0
    homeless_taken: int = 0
    homeless_returned: int = 0


class Shipments(msgspec.Struct, omit_defaults=True, gc=False):
    """The shipments of a location: those after `edge_us` are in `tail`, earlier ones in chunks, which `spans` sum."""

    edge_us: int = msgspec.field(default=NEVER, name="edge")
    tail: list[Shipped] = []
    spans: list[Span] = []


class Location(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """The row of a location.

    What is remembered: `newest_at_us`, `before_at_us` and `forgotten_at_us` are the greatest stamps of the facts of the
    present `generation`, of the one before, and of those before that. `ids` and `ids_before` are the marks of the last
    facts, side by side; `spilled` says which generations have marks in rows of their own (1: the present, 2: the one
    before).

    Results: the newest absolute is stamped `at_us`, ends at `end`, and `after` are the deltas behind it. `sure` says
    whether its end asks what was before: 2 no; 1 yes, and that is known; 0 it is forgotten. `p_at_us` is the absolute
    in front of it (`p_end` is None where that is in doubt for good), `between` the deltas between the two. The gap
    counts from `base_at_us`, `since_base` are the deltas from there to `at_us`. `basis` is the value at `basis_at_us`.
    Shipments up to `included_at_us` are in `end`, `out` units left later; `base_included_at_us` and `base_out` are the
    same of the base.
    """

    generation: int = 0
    newest_at_us: int = msgspec.field(default=NEVER, name="newest_at")
    before_at_us: int = msgspec.field(default=NEVER, name="before_at")
    forgotten_at_us: int = msgspec.field(default=NEVER, name="forgotten_at")
    ids: str = ""
    ids_before: str = ""
    spilled: int = 0
    facts: Instants = msgspec.field(default_factory=Instants)
    shipments: Shipments = msgspec.field(default_factory=Shipments, name="left")
    at_us: int = msgspec.field(default=NEVER, name="at")
    end: int = 0
    sure: int = 0
    after: int = 0
    p_at_us: int = msgspec.field(default=NEVER, name="p_at")
    p_end: int | None = 0
    p_sure: bool = False
    between: int = 0
    base_at_us: int = msgspec.field(default=NEVER, name="base_at")
    base_end: int = 0
    base_counts: bool = False
    base_sure: bool = True
    since_base: int = msgspec.field(default=0, name="moved")
    basis_at_us: int = msgspec.field(default=NEVER, name="basis_at")
    basis: int = 0
    included_at_us: int = msgspec.field(default=NEVER, name="included_at")
    out: int = 0
    base_included_at_us: int = msgspec.field(default=NEVER, name="base_included_at")
    base_out: int = 0

    @property
    def value(self) -> int:
        """Return what the location holds by its facts, shipments aside."""
        return self.end + self.after

    @property
    def gap(self) -> int:
        """Return what the facts since the base leave unexplained, or less where the shipments explain it better."""
        if self.at_us == self.base_at_us:
            return 0
        plain = self.end - self.base_end - self.since_base
        explained = plain + self.base_out - self.out
        return explained if abs(explained) < abs(plain) else plain


class Mark(msgspec.Struct, array_like=True, gc=False):
    """Marks by its key alone: an event id, or a location with an absolute."""


Chains = dict[int, list[int]]
"""A page of the values of an instant, as in Stated."""
