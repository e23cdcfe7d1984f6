"""What Faust lacks, written once: runs, atomic steps, tables that only a committed step may change, fencing.

Knows nothing of inventory. Everything that touches the insides of Faust or aiokafka lives here, and the
tests pin each private name that is used.
"""
