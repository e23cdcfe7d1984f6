"""Faults under load on the real stack, and an oracle that says whether anything was lost, doubled or wrong."""
