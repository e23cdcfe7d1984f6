r"""Text that is shown to people: what cannot be seen, or turns lines around, is shown as an escape.

Ids of messages may hold such characters, and are not refused for them: names in Persian need one that has no width.
But whoever reads a log or a terminal must see that `ac\u200bme` is not `acme`.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any, Final, TextIO

_C0: Final = "\x00-\x1f"
_OTHERS: Final = (
    "\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Controls, marks of direction, separators of lines and paragraphs, characters without width, halves of pairs, tags."""

_INVISIBLE: Final = re.compile(f"[{_C0}{_OTHERS}]")
_INVISIBLE_ON_TERMINALS: Final = re.compile(f"[{_OTHERS}]")  # lines, tabs and colours are ours


def visible(text: str) -> str:
    """Return text that stays on one line and shows all that is in it."""
    return _INVISIBLE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


class VisibleStream:
    """A stream to a terminal that shows all that is written to it; in everything else it is that stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text, with escapes for what could not be seen."""
        self._stream.write(_INVISIBLE_ON_TERMINALS.sub(_escape, text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        """Return what the stream has."""
        return getattr(self._stream, name)


@contextmanager
def visible_terminals(out: TextIO, err: TextIO) -> Iterator[None]:
    """Let what goes to terminals be visible; what goes to files and programs stays as it is."""
    with ExitStack() as stack:
        for stream, redirect in ((out, redirect_stdout), (err, redirect_stderr)):
            if stream.isatty():
                stack.enter_context(redirect(VisibleStream(stream)))
        yield
