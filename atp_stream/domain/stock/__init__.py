"""Stock: what is held of an item, from facts that come late, twice and in any order; `fold` is the way in."""
