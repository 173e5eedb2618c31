"""Values and documents as JSON text, encoded once per put and decoded once per get; large ones take turns.

Encoding or decoding 200 KB takes a millisecond or more, and fifty tasks may need it in one turn of the event
loop. So each turn of a loop has a budget of characters, and a task that finds it used up waits for a later
turn. Small values are free.
"""

import asyncio
import marshal
import os
import random
import re
import time
from collections import deque
from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Any, NamedTuple, TypeAlias, cast
from weakref import WeakKeyDictionary

from key_value.aio._utils.json_codec import MAXIMUM_DEPTH, dumps, loads
from key_value.aio._utils.managed_entry import load_from_json
from key_value.aio._utils.time_to_live import parse_epoch

SMALL = 16_384
"""Maximum number of characters of a value that is free."""

BUDGET_PER_TURN = 65_536
"""Characters to encode and decode in one turn of a loop before further large values must wait."""


class _Budget:
    """The budget of one event loop in the current turn, and the tasks waiting for the next turn."""

    def __init__(self) -> None:
        self._spent = 0
        self._is_fresh = True
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._spent >= BUDGET_PER_TURN or self._waiting:
            waiter = loop.create_future()
            self._waiting.append(waiter)
            await waiter

    def charge(self, characters: int, loop: asyncio.AbstractEventLoop) -> None:
        self._spent += characters
        if self._is_fresh:
            self._is_fresh = False
            loop.call_soon(self._next_turn, loop)

    def _next_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._spent = 0
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                loop.call_soon(self._next_turn, loop)
                return
        self._is_fresh = True


budgets: WeakKeyDictionary[asyncio.AbstractEventLoop, _Budget] = WeakKeyDictionary()
"""Budgets of the loops that have seen a large value; nothing waits in other loops."""


async def encode(value: Mapping[str, Any]) -> str:
    """Encode a value as ASCII-only JSON text with sorted keys.

    Raises:
        SerializationError: The value contains something that JSON cannot represent, or is nested too deeply.
    """
    if budgets:
        await wait_for_budget()
    text = dumps(value if isinstance(value, dict) else dict(value))
    if len(text) > SMALL:
        charge(len(text))
    return text


async def decode(text: str | bytes) -> dict[str, Any]:
    """Decode a value from JSON text; bytes are UTF-8.

    Raises:
        DeserializationError: The text is not JSON, or not a JSON object.
    """
    if len(text) > SMALL:
        await admit(len(text))
    return load_from_json(text)


_random = random.Random()  # noqa: S311 -- only needs to differ between writes
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


def write_id() -> str:
    """Return a random ID, unique to each write."""
    return f"{_random.getrandbits(64):016x}"


async def wait_for_budget() -> None:
    """Wait for a turn of this loop with budget left for encoding or decoding."""
    loop = asyncio.get_running_loop()
    budget = budgets.get(loop)
    if budget is not None:
        await budget.wait(loop)


async def admit(characters: int) -> None:
    """Wait until a large value may be decoded, and charge it to the budget."""
    await wait_for_budget()
    charge(characters)


def charge(characters: int) -> None:
    """Charge a large value that was, or is about to be, encoded or decoded."""
    loop = asyncio.get_running_loop()
    budgets.setdefault(loop, _Budget()).charge(characters, loop)


_TEXT = rb'"[^"\\]*(?:\\.[^"\\]*)*"'

# The fields of a document are sorted by name, here as in the 0.5 series.
_HEADER = re.compile(
    rb'\{(?:"collection": (' + _TEXT + rb'), )?(?:"created_at": "[^"]*", )?(?:"expires_at": "([^"]*)", )?'
    rb'(?:"key": (' + _TEXT + rb'), )?"value": '
)
_EXPIRES_AGAIN = b'"expires_at": '


class Header(NamedTuple):
    """The fields of a document other than its value."""

    collection: str | None
    """Collection, if the document records it."""
    key: str | None
    """Key, if the document records it."""
    expires: float | None
    """Expiry time of the entry, in seconds since 1970; None if it never expires."""

    @property
    def is_expired(self) -> bool:
        """Whether the entry has expired."""
        return self.expires is not None and self.expires <= time.time()


def read_header(data: bytes) -> Header:
    """Read the fields that precede the value of a document; in the usual field order the value is not parsed.

    Raises:
        DeserializationError: The bytes are not a document.
    """
    found = _HEADER.match(data)
    # If a field is repeated, JSON uses the last one.
    if found is None or data.find(_EXPIRES_AGAIN, found.end()) >= 0:
        document = load_from_json(data)
        fields = (document.get(name) for name in ("collection", "expires_at", "key"))
        collection, expires, key = (field if isinstance(field, str) else None for field in fields)
    else:
        collection, expires, key = found.groups()
        collection = None if collection is None else _decoded(collection)
        expires = None if expires is None else expires.decode()
        key = None if key is None else _decoded(key)
    return Header(collection, key, None if expires is None else parse_epoch(expires))


def _decoded(text: bytes) -> Any:
    return loads(text) if b"\\" in text else text[1:-1].decode()


# Surrogates as JSON escapes: a whole pair, and half of one. Text after an escaped backslash is neither.
_PAIR = re.compile(r"\\\\|\\ud[89ab]..\\ud[c-f]..")
_HALF = re.compile(r"\\ud[89a-f]")


def has_lone_surrogate(text: str | bytes) -> bool:
    """Return whether ASCII-only JSON text contains half of a surrogate pair."""
    text = text if isinstance(text, str) else text.decode()
    return _HALF.search(text) is not None and _HALF.search(_PAIR.sub(" ", text)) is not None


Snapshot: TypeAlias = bytes | str
"""A private copy of a value, as `marshal` bytes or JSON text."""

_WITHOUT_REFERENCES = 2
"""Version of marshal's format that writes a repeated object out each time."""

_STRING = frozenset({str})
_ATOMS = frozenset({str, float, bool, NoneType})

_LARGEST_INT = 2**63
"""Larger integers are left to JSON, since the interpreter limits the number of digits that may be written."""


async def snapshot(value: Mapping[str, Any]) -> Snapshot:
    """Return a private copy of a value for an in-memory store; `restore` returns the value.

    A value that consists only of JSON's own types is copied with `marshal`, in a fraction of the time that
    JSON takes. Any other value becomes JSON text or is rejected, as in any other store.

    Raises:
        SerializationError: The value contains something that JSON cannot represent, or is nested too deeply.
    """
    if budgets:
        await wait_for_budget()
    copied = (
        marshal.dumps(cast("Any", value), _WITHOUT_REFERENCES)
        if _can_marshal(value)
        else dumps(value if isinstance(value, dict) else dict(value))
    )
    if len(copied) > SMALL:
        charge(len(copied))
    return copied


async def restore(copied: Snapshot) -> dict[str, Any]:
    """Return a new copy of the value of a `snapshot`."""
    if len(copied) > SMALL:
        await admit(len(copied))
    if isinstance(copied, str):
        return load_from_json(copied)
    return marshal.loads(copied)  # noqa: S302  -- only `snapshot` makes these, in this process


def _can_marshal(value: Mapping[str, Any]) -> bool:
    try:
        return _is_plain(value, MAXIMUM_DEPTH)
    except RecursionError:
        # The caller's stack is deep, not the value.
        return False


def _is_plain(value: Any, depth: int) -> bool:
    """Return whether a value is a list or string-keyed dictionary of only atoms and such values."""
    if depth == 0:
        return False
    is_list, is_dictionary = type(value) is list, type(value) is dict
    if not (is_list or (is_dictionary and _STRING.issuperset(map(type, value)))):
        return False
    items: Iterable[Any] = value if is_list else value.values()
    for item in items:
        if type(item) in _ATOMS:
            continue
        if not (-_LARGEST_INT < item < _LARGEST_INT if type(item) is int else _is_plain(item, depth - 1)):
            return False
    return True
