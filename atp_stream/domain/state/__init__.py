"""The rows of the state, the overlay that a step changes, and the purge of what is forgotten."""
