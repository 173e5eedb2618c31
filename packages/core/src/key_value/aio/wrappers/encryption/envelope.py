"""The stored form of an encrypted value."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

from key_value.aio.errors import CorruptedDataError

DATA = "__encrypted_data__"
VERSION = "__encryption_version__"
KEY_ID = "__encryption_key_id__"


class Envelope(NamedTuple):
    """Encrypted bytes, with the version and the key that they were encrypted with."""

    data: bytes
    version: int
    key_id: str | None = None


def seal(envelope: Envelope) -> dict[str, Any]:
    """Return the fields to store for an envelope."""
    stored: dict[str, Any] = {
        DATA: base64.b64encode(envelope.data).decode(),
        VERSION: envelope.version,
    }
    if envelope.key_id is not None:
        stored[KEY_ID] = envelope.key_id
    return stored


def is_sealed(stored: Mapping[str, Any]) -> bool:
    """Return whether a stored value is encrypted."""
    return DATA in stored


def unseal(stored: Mapping[str, Any]) -> Envelope:
    """Return the envelope of a stored value.

    Raises:
        CorruptedDataError: The stored value is malformed.
    """
    if VERSION not in stored:
        raise CorruptedDataError("missing encryption version key")
    version, data, key_id = stored[VERSION], stored[DATA], stored.get(KEY_ID)
    if not isinstance(version, int) or isinstance(version, bool):
        raise CorruptedDataError(f"expected encryption version to be an int, got {type(version)}")
    if not isinstance(data, str):
        raise CorruptedDataError(f"expected encrypted data to be a str, got {type(data)}")
    if key_id is not None and not isinstance(key_id, str):
        raise CorruptedDataError(f"expected the id of a key to be a str, got {type(key_id)}")
    try:
        return Envelope(base64.b64decode(data, validate=True), version, key_id)
    except (ValueError, binascii.Error) as error:
        raise CorruptedDataError(f"encrypted data is not base64: {error}") from error
