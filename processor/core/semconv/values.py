"""Attribute values as senders really write them, made plain or refused.

Counts arrive as integers, whole doubles and decimal text; details arrive as JSON or as the
printed form of a Python dict. Whatever cannot be read for certain is None, never a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from hashlib import blake2b

from processor.core.money import parse_usd

COUNT_MAX = 10**12
"""Tokens of one kind in one call; more than that is a mistake, or meant to break a sum."""
PLAIN_MAX = COUNT_MAX // 4
"""Counts up to here need no check of their sum."""
TEXT_MAX = 256
"""Characters of an owner, model or id that are kept; what is longer ends in its digest."""
LITERAL_MAX = 64 * 1024
"""Characters of JSON or of a printed dict that are parsed; what is longer is not read."""
USD_MAX = 10**9
"""A single call that is said to cost more is not believed; nano-USD stay within 64 bits."""

Path = tuple[str | int, ...]

_DIGEST_BYTES = 8
_COUNT = re.compile(r"\+?([0-9]{1,19})(?:\.0*)?", re.ASCII)
_LIKE_COUNT = re.compile(r"[~<>+]?[0-9][0-9.,_' ]*(?:[km]|tok|tokens?)?", re.ASCII | re.IGNORECASE)
_NUMPY = re.compile(r"(?:np\.|numpy\.)?u?(?:int|float)[0-9]*\(([^()]*)\)", re.ASCII)
_REPR = re.compile(
    r"""'(?P<single>(?:[^'\\]|\\.)*)'"""
    r"""|"(?:[^"\\]|\\.)*\""""
    r"""|\b(?:None|True|False)\b"""
    r"""|(?:np\.|numpy\.)?u?(?:int|float)[0-9]*\((?P<number>[^()]*)\)"""
    r"""|[()]""",
    re.ASCII | re.DOTALL,
)
_WORDS = {"None": "null", "True": "true", "False": "false", "(": "[", ")": "]"}


def read_count(value: object) -> int | None:
    """Read a number of tokens: a whole number from 0 to `COUNT_MAX`, however it is written."""
    if isinstance(value, str):
        text = value.strip()
        match = _COUNT.fullmatch(text)
        if match is None:
            wrapped = _NUMPY.fullmatch(text)
            match = wrapped and _COUNT.fullmatch(wrapped[1])
        value = int(match[1]) if match else None
    elif isinstance(value, float):
        value = int(value) if value.is_integer() else None
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return int(value) if 0 <= value <= COUNT_MAX else None


def looks_like_count(value: object) -> bool:
    """Whether a number is stated that `read_count` refuses: ``"5,000"``, ``"5k"``, ``1.5``.

    What says that there is none is no number: blanks, ``None``, NaN, and -1.
    """
    if isinstance(value, str):
        text = value.strip()
        return bool(_LIKE_COUNT.fullmatch(text[:TEXT_MAX])) and read_count(text) is None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return value > 0 and read_count(value) is None


def read_seconds(value: object) -> int | None:
    """Read a time in seconds as whole milliseconds, rounded up as providers bill it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        time_s = Decimal(str(value).strip()) if len(str(value)) <= TEXT_MAX else None
    except (InvalidOperation, ValueError):
        return None
    if time_s is None or not time_s.is_finite() or not 0 <= time_s <= COUNT_MAX // 1000:
        return None
    return int((time_s * 1000).to_integral_value(ROUND_CEILING))


def read_nano_usd(value: object) -> int | None:
    """Read an amount of USD, finite and not negative, as nano-USD."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value)) if len(str(value)) <= TEXT_MAX else None
    except (InvalidOperation, ValueError):
        return None
    if amount is None or not amount.is_finite() or not 0 <= amount <= USD_MAX:
        return None
    return parse_usd(amount)


def read_text(value: object) -> str | None:
    """Read a name or id: text that is not blank, or a whole number; bounded in length."""
    if isinstance(value, str):
        text = value.strip()
        if text[:1] == '"':
            text = unquote(text)
    elif isinstance(value, int) and not isinstance(value, bool):
        text = str(value)
    else:
        return None
    return text if 0 < len(text) <= TEXT_MAX else bound(text) or None


def read_tags(value: object) -> str | None:
    """Read one tag or several: text, an array, or a JSON array; several are joined by commas."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        parsed = parse_literal(value)
        value = parsed if isinstance(parsed, list) else value
    if isinstance(value, list | tuple):
        return bound(",".join(filter(None, map(read_text, value)))) or None
    return read_text(value)


def unquote(text: str) -> str:
    """Take off the quotes of a text that was encoded as JSON once too often."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        inner = parse_literal(text)
        return inner.strip() if isinstance(inner, str) else text
    return text


def bound(text: str) -> str:
    """Shorten a long text so that it stays distinct from others that begin alike."""
    if len(text) <= TEXT_MAX:
        return text
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{text[: TEXT_MAX - len(digest) - 1]}~{digest}"


def parse_literal(value: object) -> object:
    """Parse JSON, or the printed form of a Python value; None when it is neither or too long.

    A printed value is turned into JSON word by word: nothing is ever evaluated.
    """
    if not isinstance(value, str):
        return value
    if len(value) > LITERAL_MAX:
        return None
    parsed = _parse_json(value)
    if parsed is None and value.lstrip()[:1] in {"{", "[", "("}:
        parsed = _parse_json(_REPR.sub(_word_as_json, value))
    return parsed


def find(tree: object, path: Path) -> object:
    """Follow a path into parsed JSON; None where it leads nowhere."""
    for step in path:
        if isinstance(step, str):
            tree = tree.get(step) if isinstance(tree, Mapping) else None
        elif isinstance(tree, Sequence) and not isinstance(tree, str) and step < len(tree):
            tree = tree[step]
        else:
            return None
    return tree


def _parse_json(text: str) -> object:
    try:
        tree = json.loads(text)
        return _valid(tree) if "\\u" in text else tree
    except (ValueError, RecursionError):
        return None


def _valid(tree: object) -> object:
    """Parsed JSON without unpaired surrogates, which are no text: nothing could store them."""
    match tree:
        case str():
            return tree.encode("utf-8", "replace").decode()
        case list():
            return [_valid(item) for item in tree]
        case dict():
            return {_valid(name): _valid(item) for name, item in tree.items()}
    return tree


def _word_as_json(match: re.Match[str]) -> str:
    text = match[0]
    if match["single"] is not None:
        return json.dumps(match["single"].replace("\\'", "'"))
    if match["number"] is not None:
        return match["number"]
    return _WORDS.get(text, text)
