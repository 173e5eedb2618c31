"""JSON of stored values, written as by `json.dumps(value, sort_keys=True)` and read as by `json.loads`.

Reading uses the fastest available decoder that has the standard library's semantics: exact integers of any
size, `NaN`, and the last of duplicate keys. Input that such a decoder rejects is passed to the standard
library. Writing always uses the standard library: no other encoder produces the same bytes or rejects the
same values.
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
"""Allowed values of the environment variable `PY_KEY_VALUE_JSON`."""

MAXIMUM_DEPTH = 200
"""Maximum nesting of mappings and sequences in a value: as deep as every decoder reads from any stack."""

_plain_encoder = json.JSONEncoder(sort_keys=True)
_compact_encoder = json.JSONEncoder(separators=(",", ":"))
_raw_decode = json.JSONDecoder().raw_decode


def dumps(value: object) -> str:
    """Return a value as ASCII-only JSON text with sorted keys.

    Raises:
        SerializationError: The value is not JSON, contains itself, or is nested too deeply.
    """
    return _encoded(_encode, value)


def _is_too_deep(value: object) -> bool:
    """Return whether a value has more than `MAXIMUM_DEPTH` levels of mappings and sequences."""
    level: list[object] = [value]
    for _ in range(MAXIMUM_DEPTH + 1):
        items = [item for container in level for item in _items(container)]
        # Visit a container only once, however many references to it there are.
        level = list({id(item): item for item in items if _is_container(item)}.values())
        if not level:
            return False
    return True


def _too_deep() -> SerializationError:
    message = f"value is nested in more than {MAXIMUM_DEPTH} levels of mappings and sequences"
    return SerializationError(message)


def dumps_compact(value: object) -> str:
    """Return a value as ASCII-only JSON text without whitespace, with its keys in their order.

    Raises:
        SerializationError: For the same reasons as in `dumps`.
    """
    return _encoded(_compact_encoder.encode, value)


def _encoded(encode: Callable[[object], str], value: object) -> str:
    try:
        text = encode(value)
    except RecursionError as error:
        if _is_too_deep(value):
            raise _too_deep() from error
        # The caller's stack is deep, not the value.
        return _in_a_thread(encode, value)
    except (TypeError, ValueError) as error:
        raise SerializationError(
            json_fault(value) or f"value cannot be serialized to JSON: {error}"
        ) from error
    # A value with fewer brackets, even counting those in strings, cannot be nested that deeply.
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
    """Call a function with a fresh stack."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(work, argument).result()


def loads(text: str | bytes) -> object:
    """Return the value of JSON text; bytes are UTF-8.

    Raises:
        DeserializationError: The text is not JSON, or the bytes are not UTF-8.
    """
    try:
        return _decode(text)
    except (ValueError, RecursionError):
        return _loads_slowly(text)


def decoder(codec: str) -> Decoder:
    """Return a codec's decoder, which may raise ValueError for text that the standard library can read."""
    if codec == "stdlib":
        return _decode_one
    from_json: Decoder = import_module(codec).from_json
    # jiter accepts only bytes; pydantic-core accepts both, but text must not contain lone surrogates in
    # either.
    return lambda text: from_json(text.encode() if isinstance(text, str) else text)


def select(wanted: str | None) -> str:
    """Return the codec to use: the requested one, or the fastest one that is quick to import.

    Importing pydantic-core takes about 20 ms, so by default it is used only if the application has already
    loaded it.
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
            # The caller's stack may be deep, rather than the text.
            return _in_a_thread(json.loads, decoded)
    except (ValueError, RecursionError) as error:
        raise DeserializationError(f"Failed to deserialize JSON string: {error}") from error


def _decode_one(text: str | bytes) -> object:
    """Decode text without surrounding whitespace, as all stored text is: `json.loads` checks for it twice."""
    text = text if isinstance(text, str) else text.decode()
    value, end = _raw_decode(text)
    if end != len(text):
        raise ValueError
    return value


class _Encoder(threading.local):
    """The encoder that `JSONEncoder.encode` rebuilds on every call with two closures; one for each thread.

    It remembers which containers are open, to detect cycles, so threads must not share it, and it must not be
    used again after a failure.
    """

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Reset the open containers."""
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
