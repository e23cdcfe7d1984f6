"""A terminal as far as the demo uses one: what is left on it in the end."""

import re

_PIECE = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|(\n)|(\r)|([^\x1b\r\n]+)")


def screen(written: str, width: int = 80) -> list[str]:
    """Return the lines of an endless terminal of that width, without blanks at their ends."""
    lines = [""]
    row = column = 0
    for numbers, command, down, back, text in _PIECE.findall(written):
        if command == "A":
            row = max(0, row - int(numbers or 1))
        elif command == "K":
            assert numbers == "2"
            lines[row] = ""
        elif down:
            row, column = row + 1, 0
        elif back:
            column = 0
        for character in text:
            if column == width:
                row, column = row + 1, 0
            lines.extend([""] * (row + 1 - len(lines)))
            lines[row] = lines[row][:column].ljust(column) + character + lines[row][column + 1 :]
            column += 1
        lines.extend([""] * (row + 1 - len(lines)))
    return [line.rstrip() for line in lines]
