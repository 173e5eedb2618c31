"""Entries in a keyring, here and where the 0.5 series left them."""

from typing import NamedTuple

from key_value.aio.errors import DeserializationError
from key_value.aio.stores.base.documents import is_living, read_head
from key_value.aio.stores.keyring.passwords import Passwords


class Place(NamedTuple):
    """Where an entry is."""

    collection: str
    key: str
    name: str
    """Its name in the keyring."""
    former: str | None
    """The name that the 0.5 series gave it, where that is another."""


def read(passwords: Passwords, place: Place) -> str | None:
    """What is stored for an entry."""
    text = passwords.get(place.name)
    return _read_former(passwords, place) if text is None else text


def write(passwords: Passwords, place: Place, text: str) -> None:
    """Store an entry."""
    passwords.set(place.name, text)
    _delete_former(passwords, place)


def delete(passwords: Passwords, place: Place) -> bool:
    """Remove an entry; True where there was one that had not expired, or that could not be read."""
    try:
        text = read(passwords, place)
    except DeserializationError:
        living = True
    else:
        living = text is not None and is_living(text.encode())
    passwords.delete(place.name)
    _delete_former(passwords, place)
    return living


def _read_former(passwords: Passwords, place: Place) -> str | None:
    """What the 0.5 series stored for this entry, and not for one with other capitals."""
    text = None if place.former is None else passwords.get(place.former)
    if text is None:
        return None
    head = read_head(text.encode())
    return text if (head.collection, head.key) == (place.collection, place.key) else None


def _delete_former(passwords: Passwords, place: Place) -> None:
    if place.former is None:
        return
    try:
        found = _read_former(passwords, place) is not None
    except DeserializationError:
        found = True
    if found:
        passwords.delete(place.former)
