"""What must stand before a worker starts: topics, schemas, and the first records of the item log.

`initialise` makes what is missing and changes nothing that exists; what differs is reported.
"""

from atp_stream.provision.initialise import initialise
from atp_stream.provision.item_log import apply_policy, resume_item
from atp_stream.provision.report import Finding, ProvisionError, Report, Verdict
from atp_stream.provision.sources import reset_source
from atp_stream.provision.topics import administration

__all__ = [
    "Finding",
    "ProvisionError",
    "Report",
    "Verdict",
    "administration",
    "apply_policy",
    "initialise",
    "reset_source",
    "resume_item",
]
