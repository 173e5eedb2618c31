"""What the encrypting wrappers have in common, whatever they encrypt with."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from key_value.aio._utils.arguments import check_collection
from key_value.aio._utils.json_codec import dumps_compact
from key_value.aio._utils.managed_entry import load_from_json
from key_value.aio.errors import DecryptionError, EncryptionError, ExtraInfoType
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base import Translator
from key_value.aio.wrappers.base.wrapper import default_collection_of
from key_value.aio.wrappers.encryption.envelope import Envelope, is_sealed, seal, unseal


class Place(tuple[str, str]):
    """The collection and key of an entry."""

    __slots__ = ()

    def as_bytes(self) -> bytes:
        """The same bytes for no other place."""
        return b"".join(len(part).to_bytes(8, "big") + part for part in map(_utf8, self))


class SealingWrapper(Translator):
    """Stores values as encrypted JSON; keys, collections and times to live stay readable."""

    def __init__(
        self, key_value: AsyncKeyValue, *, raise_on_decryption_error: bool, allow_plaintext: bool
    ) -> None:
        super().__init__(key_value)
        self.raise_on_decryption_error = raise_on_decryption_error
        self.allow_plaintext = allow_plaintext

    @abstractmethod
    async def _encrypt(self, plain: bytes, place: Place) -> Envelope:
        """Hook: encrypt the JSON of a value; any error becomes an `EncryptionError`."""

    @abstractmethod
    async def _decrypt(self, envelope: Envelope, place: Place) -> bytes:
        """Hook: decrypt it; any error becomes a `DecryptionError`."""

    @override
    async def _encode_value(
        self, value: Mapping[str, Any], *, collection: str | None, key: str
    ) -> Mapping[str, Any]:
        plain, place = dumps_compact(dict(value)).encode(), self._place(collection, key)
        try:
            return seal(await self._encrypt(plain, place))
        except EncryptionError:
            raise
        except Exception as error:
            raise EncryptionError("Failed to encrypt value", _where(*place)) from error

    @override
    async def _decode_value(
        self, value: dict[str, Any], *, collection: str | None, key: str
    ) -> dict[str, Any] | None:
        place = self._place(collection, key)
        try:
            return await self._open(value, place)
        except DecryptionError:
            if self.raise_on_decryption_error:
                raise
            return None

    async def _open(self, stored: dict[str, Any], place: Place) -> dict[str, Any]:
        where = _where(*place)
        if not is_sealed(stored):
            if self.allow_plaintext:
                return stored
            raise DecryptionError("The stored value is not encrypted", where)
        envelope = unseal(stored)
        try:
            return load_from_json(await self._decrypt(envelope, place))
        except DecryptionError:
            raise
        except Exception as error:
            raise DecryptionError("Failed to decrypt value", where) from error

    def _place(self, collection: str | None, key: str) -> Place:
        check_collection(collection)
        return Place((collection or default_collection_of(self.key_value), key))


def _where(collection: str | None, key: str) -> ExtraInfoType:
    return {"collection": collection, "key": key}


def _utf8(name: str) -> bytes:
    return name.encode(errors="surrogatepass")
