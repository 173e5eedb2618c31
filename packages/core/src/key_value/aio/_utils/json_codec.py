"""The JSON of stored values: what `json.dumps(value, sort_keys=True)` writes, read as `json.loads` reads it.

Reading is left to the fastest decoder at hand that has the standard library's semantics: exact integers of
any size, `NaN`, the last of duplicate keys. What such a decoder refuses, the standard library decides.
Writing is always the standard library's: no other encoder gives the same bytes, nor refuses the same values.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from json import encoder as json_encoder
from typing import Any, TypeAlias, TypeVar, cast

from key_value.aio._utils.json_faults import json_fault
from key_value.aio.errors import DeserializationError, SerializationError

T = TypeVar("T")
ResultT = TypeVar("ResultT")

Decoder: TypeAlias = Callable[[str | bytes], object]

CODECS = ("stdlib", "jiter", "pydantic_core")
"""What the environment variable `PY_KEY_VALUE_JSON` may say."""

MAXIMUM_DEPTH = 200
"""Levels of mappings and sequences that a value may have: as many as every decoder reads from any stack."""

_plain_encoder = json.JSONEncoder(sort_keys=True)
_compact_encoder = json.JSONEncoder(separators=(",", ":"))
_raw_decode = json.JSONDecoder().raw_decode


def dumps(value: object) -> str:
    """Return the JSON text of a value, keys sorted, ASCII only.

    Raises:
        SerializationError: The value is not JSON, refers to itself, or is nested too deeply.
    """
    return _encoded(_encode, value)


def _is_too_deep(value: object) -> bool:
    """Return whether a value has more than `MAXIMUM_DEPTH` levels of mappings and sequences."""
    level: list[object] = [value]
    for _ in range(MAXIMUM_DEPTH + 1):
        items = [item for container in level for item in _items(container)]
        # A container that is referred to often is looked at once.
        level = list({id(item): item for item in items if _is_container(item)}.values())
        if not level:
            return False
    return True


def _too_deep() -> SerializationError:
    message = f"value is nested in more than {MAXIMUM_DEPTH} levels of mappings and sequences"
    return SerializationError(message)


def dumps_compact(value: object) -> str:
    """Return the JSON text of a value without white space, its keys in their order, ASCII only.

    Raises:
        SerializationError: As from `dumps`.
    """
    return _encoded(_compact_encoder.encode, value)


def _encoded(encode: Callable[[object], str], value: object) -> str:
    try:
        text = encode(value)
    except RecursionError as error:
        if _is_too_deep(value):
            raise _too_deep() from error
        # Not the value is deep, but the caller's stack.
        return _in_a_thread(encode, value)
    except (TypeError, ValueError) as error:
        raise SerializationError(json_fault(value) or f"value cannot be JSON: {error}") from error
    # Without that many brackets, in strings or not, there is no such depth.
    if text.count("{") + text.count("[") > MAXIMUM_DEPTH and _is_too_deep(value):
        raise _too_deep()
    return text


def _encode(value: object) -> str:
    try:
        return "".join(_encoder.chunks(value, 0))
    except Exception:
        _encoder.renew()
        raise


def _in_a_thread(work: Callable[[T], ResultT], argument: T) -> ResultT:
    """Do something with a stack of its own."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(work, argument).result()


def loads(text: str | bytes) -> object:
    """Return the value of a JSON text; bytes are UTF-8.

    Raises:
        DeserializationError: The text is not JSON, or the bytes are not UTF-8.
    """
    try:
        return _decode(text)
    except (ValueError, RecursionError):
        return _loads_slowly(text)


def decoder(codec: str) -> Decoder:
    """Return a codec's decoder; it may refuse, by ValueError, what the standard library reads."""
    if codec == "stdlib":
        return _decode_one
    from_json: Decoder = import_module(codec).from_json
    # jiter takes bytes alone; pydantic-core takes both, but text must not hold lone surrogates in either.
    return lambda text: from_json(text.encode() if isinstance(text, str) else text)


def select(wanted: str | None) -> str:
    """Return the codec to use: the one that is wanted by name, else the fastest that is quickly imported.

    Importing pydantic-core takes some 20 ms: by default it is used only where the application has it loaded.
    """
    if wanted:
        if wanted not in CODECS:
            raise ValueError(f"PY_KEY_VALUE_JSON must be one of {', '.join(CODECS)}, not {wanted!r}")
        return wanted
    try:
        import_module("jiter")
    except ImportError:
        return "pydantic_core" if "pydantic_core" in sys.modules else "stdlib"
    return "jiter"


def _is_container(item: object) -> bool:
    return isinstance(item, dict | list | tuple)


def _items(container: object) -> Iterable[object]:
    return cast("Iterable[object]", container.values() if isinstance(container, dict) else container)


def _loads_slowly(text: str | bytes) -> object:
    try:
        decoded = text if isinstance(text, str) else text.decode()
        try:
            return json.loads(decoded)
        except RecursionError:
            # Perhaps it is not the text that is deep, but the caller's stack.
            return _in_a_thread(json.loads, decoded)
    except (ValueError, RecursionError) as error:
        raise DeserializationError(f"Failed to deserialize JSON string: {error}") from error


def _decode_one(text: str | bytes) -> object:
    """Decodes what has no white space around it, as all that was stored: `json.loads` looks for it twice."""
    text = text if isinstance(text, str) else text.decode()
    value, end = _raw_decode(text)
    if end != len(text):
        raise ValueError
    return value


class _Encoder(threading.local):
    """What `JSONEncoder.encode` builds anew, by way of two closures, on every call; one for each thread.

    It remembers the containers that are open, to find circles: threads must not share it, nor may it be used
    again after it failed.
    """

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Forget which containers are open."""
        make: Any = getattr(json_encoder, "c_make_encoder", None)
        default, escape = _plain_encoder.default, json_encoder.encode_basestring_ascii
        self.chunks: Callable[[object, int], Iterable[str]] = (
            make({}, default, escape, None, ": ", ", ", True, False, True)
            if make
            else lambda value, _: _plain_encoder.iterencode(value)
        )


CODEC = select(os.environ.get("PY_KEY_VALUE_JSON"))
"""The codec in use."""

_encoder = _Encoder()
_decode = decoder(CODEC)
