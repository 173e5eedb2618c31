"""Values and documents as JSON text, encoded once per put and decoded once per get, the large ones in turn.

To encode or decode 200 KB takes a millisecond or more, and fifty tasks may want it in one turn of the event
loop. So each turn of a loop has a budget of characters; a task that finds it spent waits for a later turn.
Small values are free.
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
"""Characters up to which a value is free."""

BUDGET_PER_TURN = 65_536
"""Characters that are encoded and decoded in one turn of a loop, before the next value waits."""


class _Budget:
    """What one event loop has left to spend in this turn, and the tasks that wait for the next turn."""

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
"""Those of the loops in which there was a large value: nothing waits in the others."""


async def encode(value: Mapping[str, Any]) -> str:
    """Return a value as JSON text, its keys sorted, ASCII only.

    Raises:
        SerializationError: The value holds something that JSON cannot, or is nested too deeply.
    """
    if budgets:
        await wait_for_budget()
    text = dumps(value if isinstance(value, dict) else dict(value))
    if len(text) > SMALL:
        charge(len(text))
    return text


async def decode(text: str | bytes) -> dict[str, Any]:
    """Return the value of a JSON text; bytes are UTF-8.

    Raises:
        DeserializationError: The text is not JSON, or not an object.
    """
    if len(text) > SMALL:
        await admit(len(text))
    return load_from_json(text)


_random = random.Random()  # noqa: S311 -- two writes must differ, that is all
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


def write_id() -> str:
    """Return a random text that no other write has."""
    return f"{_random.getrandbits(64):016x}"


async def wait_for_budget() -> None:
    """Wait for a turn of this loop in which something may still be encoded or decoded."""
    loop = asyncio.get_running_loop()
    budget = budgets.get(loop)
    if budget is not None:
        await budget.wait(loop)


async def admit(characters: int) -> None:
    """Wait until a large value may be decoded, and count it."""
    await wait_for_budget()
    charge(characters)


def charge(characters: int) -> None:
    """Count a large value that was, or is about to be, encoded or decoded."""
    loop = asyncio.get_running_loop()
    budgets.setdefault(loop, _Budget()).charge(characters, loop)


_TEXT = rb'"[^"\\]*(?:\\.[^"\\]*)*"'

# The fields of a document are sorted by their names, here as in the 0.5 series.
_HEADER = re.compile(
    rb'\{(?:"collection": (' + _TEXT + rb'), )?(?:"created_at": "[^"]*", )?(?:"expires_at": "([^"]*)", )?'
    rb'(?:"key": (' + _TEXT + rb'), )?"value": '
)
_EXPIRES_AGAIN = b'"expires_at": '


class Header(NamedTuple):
    """The fields of a document beside its value."""

    collection: str | None
    """The collection, if the document names it."""
    key: str | None
    """The key, if the document names it."""
    expires: float | None
    """When the entry expires, in seconds since 1970; None if it never does."""

    @property
    def is_expired(self) -> bool:
        """Whether the entry has expired."""
        return self.expires is not None and self.expires <= time.time()


def read_header(data: bytes) -> Header:
    """Read the fields of a document that precede its value; in the usual order the value is not read.

    Raises:
        DeserializationError: It is not a document.
    """
    found = _HEADER.match(data)
    # Where a field is there twice, JSON's last one counts.
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


# Surrogates as JSON writes them: a whole pair, and half of one. What follows an escaped backslash is neither.
_PAIR = re.compile(r"\\\\|\\ud[89ab]..\\ud[c-f]..")
_HALF = re.compile(r"\\ud[89a-f]")


def has_lone_surrogate(text: str | bytes) -> bool:
    """Return whether JSON text, ASCII only, has half of a surrogate pair."""
    text = text if isinstance(text, str) else text.decode()
    return _HALF.search(text) is not None and _HALF.search(_PAIR.sub(" ", text)) is not None


Snapshot: TypeAlias = bytes | str
"""A private copy of a value, by `marshal` or as JSON text."""

_WITHOUT_REFERENCES = 2
"""The version of marshal's format in which what occurs twice is copied twice."""

_STRING = frozenset({str})
_ATOMS = frozenset({str, float, bool, NoneType})

_LARGEST_INT = 2**63
"""Larger integers are left to JSON: the interpreter limits how many digits may be written."""


async def snapshot(value: Mapping[str, Any]) -> Snapshot:
    """Return a private copy of a value for a store in memory; `restore` returns the value.

    A value of nothing but JSON's own types is copied by `marshal`, in a fraction of the time that JSON takes.
    Anything else becomes JSON text, as in any store, or is refused as it is there.

    Raises:
        SerializationError: The value holds something that JSON cannot, or is nested too deeply.
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
    """Return the value of a `snapshot`, a fresh one each time."""
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
    """Whether it is a list, or a dictionary with strings for keys, of nothing but such and atoms."""
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
