"""Messages from the future: one stamped too far ahead of log time would hide all facts until then.

Source: docs/rules/time.md#future.
"""

from atp_stream.domain.errors import Refused
from atp_stream.domain.reasons import Reason
from atp_stream.domain.time_units import US_PER_MS, US_PER_S


def refuse_future(at_us: int, log_time_ms: int, tolerance: int) -> None:
    """Refuse a command stamped `at_us` that is more than `tolerance` (both in microseconds) ahead of log time."""
    if at_us > log_time_ms * US_PER_MS + tolerance:
        ahead_ms, most_s = at_us // US_PER_MS - log_time_ms, tolerance // US_PER_S
        detail = f"stamped {ahead_ms} ms ahead of log time; `future_tolerance` is {most_s} s"
        raise Refused(Reason.FUTURE, detail)
