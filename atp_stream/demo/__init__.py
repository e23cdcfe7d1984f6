"""`atp demo`: the whole system for a look, with traffic, a crash, and books that are kept apart from it."""
