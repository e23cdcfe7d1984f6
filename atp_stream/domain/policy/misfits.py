"""Where a policy document does not have its form, and what is allowed there, in words for whoever wrote it.

msgspec says which type it met, but neither which tenant, item or channel it was in, nor which values there are.
"""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin

import msgspec

from atp_stream.domain.policy.schema import Document, TenantSection

_WORDS: Final[dict[Any, str]] = {
    int: "a whole number",
    Decimal: "a number",
    str: "text",
    bool: "true or false",
}

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def misfit(plain: Any, form: Any, place: str) -> str | None:
    """Return what is wrong with decoded JSON that is to have the form of a section, at a place; None for nothing."""
    if get_origin(form) is UnionType:
        if plain is None:
            return None
        (form,) = (one for one in get_args(form) if one is not NoneType)
    if isinstance(form, type) and issubclass(form, msgspec.Struct):
        return _of_section(plain, form, place)
    if get_origin(form) is dict:
        return _of_each(plain, get_args(form)[1], place)
    if isinstance(form, type) and issubclass(form, StrEnum):
        allowed = [one.value for one in form]
        return None if plain in allowed else _misfit(place, plain, f"one of {', '.join(allowed)}")
    try:
        msgspec.convert(plain, form)
    except msgspec.ValidationError:
        return _misfit(place, plain, _WORDS.get(form, "of the right kind"))
    return None


def _of_section(plain: Any, form: type[msgspec.Struct], place: str) -> str | None:
    if not isinstance(plain, dict):
        return _misfit(place, plain, "an object")
    parts = {field.name: field.type for field in msgspec.structs.fields(form)}
    for name in plain:
        if name not in parts:
            return _unknown(name, parts, place)
    found = (misfit(value, parts[name], _join(place, name)) for name, value in plain.items())
    return next((one for one in found if one is not None), None)


def _of_each(plain: Any, form: Any, place: str) -> str | None:
    if not isinstance(plain, dict):
        return _misfit(place, plain, "an object")
    found = (misfit(value, form, _join(place, name)) for name, value in plain.items())
    return next((one for one in found if one is not None), None)


def _unknown(name: str, known: dict[str, Any], place: str) -> str:
    for whole, words in ((TenantSection, "a tenant"), (Document, "the whole document")):
        if name in whole.__struct_fields__:
            return f"{_join(place, name)}: is a key of {words}, and not allowed here; allowed are {_listed(known)}"
    return f"{_join(place, name)}: unknown key; allowed are {_listed(known)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _misfit(place: str, plain: Any, wanted: str) -> str:
    shown = repr(plain) if isinstance(plain, str) else _encode(plain).decode()
    return f"{place or 'the document'}: {shown[:100]} is not {wanted}"


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
