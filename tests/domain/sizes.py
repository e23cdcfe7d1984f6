"""How much is tried: little in the normal run, much in the nightly one."""

from hypothesis import settings

NIGHTLY = settings.get_current_profile_name() == "nightly"


def nightly(much: int, little: int) -> int:
    """Return `much` in the nightly run, else `little`."""
    return much if NIGHTLY else little
