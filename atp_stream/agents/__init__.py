"""Agents carry, never decide: from the wire to the item log, and from the log to the fold."""
