"""The oracle: everything is counted again from what the topics hold, by simpler means, apart from the product.

Nothing here imports any other part of `atp_stream`, so a mistake there cannot repeat itself here. The item log is
believed in two things only: the order of its records, and which input each was made from; what an input says is read
from the input itself, and what follows from it is found by a naive model of one item. `check` is pure; `audit` reads a
cluster.
"""

from atp_stream.oracle.checks import check
from atp_stream.oracle.cutting import cut
from atp_stream.oracle.history import History, Names, Record
from atp_stream.oracle.reading import audit, read
from atp_stream.oracle.report import Report

__all__ = ["History", "Names", "Record", "Report", "audit", "check", "cut", "read"]
