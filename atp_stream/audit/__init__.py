"""Looks at a running system from outside, and only reads: is it what its log says, and what would another policy do?

The item log is folded once more, by the code that workers fold it with but without their engine: no steps in flight,
no restarts, no transactions. What is compared is named by its place in the log, so nobody has to stop for it.
Memory is bounded: rows are in a database on disk, and partitions are looked at one after the other.
"""
