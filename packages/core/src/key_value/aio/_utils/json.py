"""The JSON of stored values: what `json.dumps(value, sort_keys=True)` writes, read as `json.loads` reads it.

Reading is left to the fastest decoder at hand that has the standard library's semantics: exact integers of
any size, `NaN`, the last of duplicate keys. What such a decoder refuses, the standard library decides.
Writing is always the standard library's: no other encoder gives the same bytes, nor refuses the same values.
"""

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from json import encoder as json_encoder
from typing import Any, TypeAlias

from key_value.aio.errors import DeserializationError, SerializationError

Decoder: TypeAlias = Callable[[str | bytes], object]
Encoder: TypeAlias = Callable[[object], str]

CODECS = ("stdlib", "jiter", "pydantic_core")
"""What the environment variable `PY_KEY_VALUE_JSON` may say."""

_plain_encoder = json.JSONEncoder(sort_keys=True)
_raw_decode = json.JSONDecoder().raw_decode


def dumps(value: object) -> str:
    """Returns the JSON text of a value, keys sorted, ASCII only.

    Raises:
        SerializationError: The value is not JSON, refers to itself, or is nested too deeply.
    """
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise SerializationError(f"Failed to serialize object to JSON: {error}") from error


def loads(text: str | bytes) -> object:
    """Returns the value of a JSON text; bytes are UTF-8.

    Raises:
        DeserializationError: The text is not JSON, or the bytes are not UTF-8.
    """
    try:
        return _decode(text)
    except (ValueError, RecursionError):
        return _loads_slowly(text)


def decoder(codec: str) -> Decoder:
    """Returns a codec's decoder; it may refuse, by ValueError, what the standard library reads."""
    if codec == "stdlib":
        return _decode_one
    from_json: Decoder = import_module(codec).from_json
    # jiter takes bytes alone; pydantic-core takes both, but text must not hold lone surrogates in either.
    return lambda text: from_json(text.encode() if isinstance(text, str) else text)


def select(wanted: str | None) -> str:
    """Returns the codec to use: the one that is wanted by name, else the fastest that is quickly imported.

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


def _loads_slowly(text: str | bytes) -> object:
    try:
        return json.loads(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError) as error:
        raise DeserializationError(f"Failed to deserialize JSON string: {error}") from error


def _decode_one(text: str | bytes) -> object:
    """Decodes what has no white space around it, as all that was stored: `json.loads` looks for it twice."""
    text = text if isinstance(text, str) else text.decode()
    value, end = _raw_decode(text)
    if end != len(text):
        raise ValueError
    return value


def _encoder() -> Encoder:
    """Returns what `JSONEncoder.encode` builds anew, by way of two closures, on every call."""
    make_encoder: Any = getattr(json_encoder, "c_make_encoder", None)
    if make_encoder is None:
        return _plain_encoder.encode
    default, escape = _plain_encoder.default, json_encoder.encode_basestring_ascii

    def encode(value: object) -> str:
        # The dictionary holds the open containers: another thread's would look like circles in a shared one.
        return "".join(make_encoder({}, default, escape, None, ": ", ", ", True, False, True)(value, 0))

    return encode


CODEC = select(os.environ.get("PY_KEY_VALUE_JSON"))
"""The codec in use."""

_encode = _encoder()
_decode = decoder(CODEC)
