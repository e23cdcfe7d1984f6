"""What is said again and again, once in a while: a fault that lasts must be visible, and must not fill a disk."""

from collections.abc import Hashable

#: What lasts is said so often, where nothing else is known of it.
REPEAT_S = 60.0
#: As many kinds are remembered; the one that was written longest ago is forgotten first.
MAX_KINDS = 1_000


class Repetitions:
    """Decides which occurrences of each kind are written: the first, and then one in every `interval_s`."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._known: dict[Hashable, tuple[float, int]] = {}  # when it was written, and how often it occurred since

    def passed_over(self, kind: Hashable, now_s: float) -> int | None:
        """Count an occurrence; return how many were not written before this one, None if this is not to be written."""
        written_at, passed = self._known.get(kind, (float("-inf"), 0))
        if now_s - written_at < self._interval_s:
            self._known[kind] = (written_at, passed + 1)
            return None
        self._known.pop(kind, None)  # to the end: the newest
        self._known[kind] = (now_s, 0)
        if len(self._known) > MAX_KINDS:
            del self._known[next(iter(self._known))]
        return passed

    def forget(self, kind: Hashable) -> bool:
        """Begin anew with a kind; return whether it had occurred."""
        return self._known.pop(kind, None) is not None
