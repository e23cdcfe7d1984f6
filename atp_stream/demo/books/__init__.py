"""Books kept apart from the engine: everything is counted again from what the topics hold, by simpler means.

Nothing here imports the rest of the package, so a mistake there cannot repeat itself here. The item log is believed
in two things only: the order of its records, and which input each was made from; what an input says is read from the
input itself, and what follows from it is found by a naive model of one item. `check` is pure; `audit` reads a cluster.
"""

from atp_stream.demo.books.checks import check
from atp_stream.demo.books.history import History, Names, Record
from atp_stream.demo.books.reading import audit, read
from atp_stream.demo.books.report import Report

__all__ = ["History", "Names", "Record", "Report", "audit", "check", "read"]
