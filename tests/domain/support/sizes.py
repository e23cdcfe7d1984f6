"""How much is tried: little in the normal run, much in the nightly one, hardly anything of what breaks on purpose."""

import hypothesis
from hypothesis import Phase

PROFILE = hypothesis.settings.get_current_profile_name()
NIGHTLY, BROKEN = PROFILE == "nightly", PROFILE == "mutate"


def nightly(much: int, little: int) -> int:
    """Return `much` in the nightly run, else `little`."""
    return much if NIGHTLY else little


def seeds(much: int, little: int) -> hypothesis.settings:
    """Let so many seeds be tried; a history that dice threw gets no simpler by another seed, so none is looked for."""
    few = max(2, little // 20) if BROKEN else little
    return hypothesis.settings(max_examples=nightly(much, few), phases=[Phase.explicit, Phase.reuse, Phase.generate])
