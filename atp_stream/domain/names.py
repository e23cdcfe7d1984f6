"""Composite keys: every part is percent-encoded for `%` and `|`, so a key and its parts are a bijection."""


def encode(part: str) -> str:
    """Return `part` fit to stand between two `|`."""
    if "%" in part or "|" in part:
        return part.replace("%", "%25").replace("|", "%7C")
    return part


def decode(part: str) -> str:
    """Return what `encode` was given."""
    if "%" in part:
        return part.replace("%7C", "|").replace("%25", "%")
    return part


def join(*parts: str) -> str:
    """Return the key made of `parts`."""
    return "|".join(map(encode, parts))


def split(key: str) -> list[str]:
    """Return the parts of a key made by `join`."""
    return [decode(part) for part in key.split("|")]
