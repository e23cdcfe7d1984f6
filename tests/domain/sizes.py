"""How much is tried: little in the normal run, much in the nightly one."""

import hypothesis
from hypothesis import Phase

NIGHTLY = hypothesis.settings.get_current_profile_name() == "nightly"


def nightly(much: int, little: int) -> int:
    """Return `much` in the nightly run, else `little`."""
    return much if NIGHTLY else little


def seeds(much: int, little: int) -> hypothesis.settings:
    """Let so many seeds be tried; a history that dice threw gets no simpler by another seed, so none is looked for."""
    return hypothesis.settings(max_examples=nightly(much, little), phases=[Phase.explicit, Phase.reuse, Phase.generate])
