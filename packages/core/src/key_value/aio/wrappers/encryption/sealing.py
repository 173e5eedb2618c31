"""The base class of encrypting wrappers, which translates values to and from encrypted JSON."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from key_value.aio._utils.constants import DEFAULT_COLLECTION_NAME
from key_value.aio._utils.json_codec import dumps_compact
from key_value.aio._utils.managed_entry import load_from_json
from key_value.aio.errors import (
    CorruptedDataError,
    DecryptionError,
    EncryptionError,
    EncryptionVersionError,
    ExtraInfoType,
)
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base import Translator
from key_value.aio.wrappers.encryption.envelope import Envelope, is_sealed, seal, unseal

_UNNAMED = (CorruptedDataError, DecryptionError, EncryptionVersionError)
"""Errors that are raised again with the address of their entry."""


class Address(tuple[str, str]):
    """The collection and key of an entry."""

    __slots__ = ()

    def as_bytes(self) -> bytes:
        """Return bytes that are unique to the address."""
        return b"".join(len(part).to_bytes(8, "big") + part for part in map(_utf8, self))


class SealingWrapper(Translator):
    """A wrapper that stores values as encrypted JSON; keys, collections and TTLs stay readable."""

    def __init__(
        self, key_value: AsyncKeyValue, *, raise_on_decryption_error: bool, allow_plaintext: bool
    ) -> None:
        super().__init__(key_value)
        self.raise_on_decryption_error = raise_on_decryption_error
        self.allow_plaintext = allow_plaintext

    @abstractmethod
    async def _encrypt(self, plain: bytes, address: Address) -> Envelope:
        """Hook: encrypt the JSON of a value; any error becomes an `EncryptionError`."""

    @abstractmethod
    async def _decrypt(self, envelope: Envelope, address: Address) -> bytes:
        """Hook: decrypt the JSON of a value; any error becomes a `DecryptionError`."""

    @override
    async def _encode_value(
        self, value: Mapping[str, Any], *, collection: str | None, key: str
    ) -> Mapping[str, Any]:
        plain, address = dumps_compact(dict(value)).encode(), self._address(collection, key)
        try:
            return seal(await self._encrypt(plain, address))
        except EncryptionError:
            raise
        except Exception as error:
            raise EncryptionError("Failed to encrypt value", _where(*address)) from error

    @override
    async def _decode_value(
        self, value: dict[str, Any], *, collection: str | None, key: str
    ) -> dict[str, Any] | None:
        address = self._address(collection, key)
        try:
            return await self._open(value, address)
        except DecryptionError:
            if self.raise_on_decryption_error:
                raise
            return None

    async def _open(self, stored: dict[str, Any], address: Address) -> dict[str, Any]:
        where = _where(*address)
        if not is_sealed(stored):
            if self.allow_plaintext:
                return stored
            raise DecryptionError("The stored value is not encrypted", where)
        try:
            return load_from_json(await self._decrypt(unseal(stored), address))
        except DecryptionError as error:
            if type(error) in _UNNAMED and not error.extra_info:
                raise type(error)(error.message, where) from error
            raise
        except Exception as error:
            raise DecryptionError("Failed to decrypt value", where) from error

    def _address(self, collection: str | None, key: str) -> Address:
        return Address((collection or DEFAULT_COLLECTION_NAME, key))


def _where(collection: str | None, key: str) -> ExtraInfoType:
    return {"collection": collection, "key": key}


def _utf8(name: str) -> bytes:
    return name.encode(errors="surrogatepass")
