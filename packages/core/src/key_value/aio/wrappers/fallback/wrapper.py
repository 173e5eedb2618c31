"""A wrapper that uses a second store when the first fails."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from typing_extensions import override

from key_value.aio.protocols.abilities import ABILITIES, Ability
from key_value.aio.protocols.key_value import (
    AsyncDestroyCollectionProtocol,
    AsyncDestroyStoreProtocol,
    AsyncKeyValue,
)
from key_value.aio.wrappers.base import UNREACHABLE, Combiner
from key_value.aio.wrappers.base.abilities import Arguments, call_ability
from key_value.aio.wrappers.base.combiner import Operation
from key_value.aio.wrappers.fallback.replay import Outbox, SourceUnreachableError

T = TypeVar("T")

MAXIMUM_PENDING = 10_000
"""Maximum number of entries waiting to be replayed; beyond it, writes fail as in the primary store."""


class FallbackWrapper(Combiner):
    """A wrapper that uses a second store for reads, and optionally writes, when the first cannot be reached.

    A key that is missing in the first store is missing: the second is read only after an error. If no
    collection is named, both stores use the first one's default collection.

    Entries written to the second store during an outage stay there, and are not visible once the first store
    responds again, unless they are replayed: with `replay_writes`, the next operation that reaches the first
    store first copies them to it, with their remaining TTL, overwriting other writes made in the meantime.
    This process remembers the entries to replay, up to 10 000 of them. While the second store cannot be
    reached either, the first is used without it, and writes of this process to the first are not overwritten
    later.

    `cull`, and all operations whose result is valid in one store only, use the first store alone and fail
    with it: `put_if_absent`, versions and writes by version, `pop`, and `scan`. Drops `destroy` and
    `destroy_collection`: the second store may hold data that others put there.
    """

    drops = frozenset({AsyncDestroyStoreProtocol, AsyncDestroyCollectionProtocol})

    def __init__(
        self,
        primary_key_value: AsyncKeyValue,
        fallback_key_value: AsyncKeyValue,
        fallback_on: tuple[type[Exception], ...] = UNREACHABLE,
        write_to_fallback: bool = False,
        *,
        replay_writes: bool = False,
    ) -> None:
        """Combine two stores.

        Args:
            primary_key_value: Store to use first.
            fallback_key_value: Store to use when the primary fails.
            fallback_on: Errors that count as a failure of the primary.
            write_to_fallback: Whether writes that fail with such an error go to the second store instead.
            replay_writes: Whether those writes are copied to the first store when it is back.

        Raises:
            ValueError: `replay_writes` is set without `write_to_fallback`.
        """
        if replay_writes and not write_to_fallback:
            raise ValueError("replay_writes requires write_to_fallback")
        super().__init__()
        self._wrap(primary_key_value, fallback_key_value)
        self.primary_key_value = primary_key_value
        self.fallback_key_value = fallback_key_value
        self.fallback_on = fallback_on
        self.write_to_fallback = write_to_fallback
        self.replay_writes = replay_writes
        self._outbox = Outbox(MAXIMUM_PENDING)

    @property
    def pending(self) -> int:
        """The number of entries waiting to be replayed."""
        return len(self._outbox)

    async def replay(self) -> int:
        """Copy the entries written to the second store during an outage to the first one now.

        Returns:
            The number of entries copied.

        Raises:
            Exception: One of `fallback_on`, if one of the stores cannot be reached; the remaining entries are
                kept.
        """
        try:
            return await self._replay()
        except SourceUnreachableError as error:
            raise error.__cause__ or error from None

    async def _replay(self) -> int:
        return await self._outbox.empty(self.fallback_key_value, self.primary_key_value, self.fallback_on)

    @override
    async def close(self) -> None:
        try:
            if self.pending:
                await self.replay()
        finally:
            await super().close()

    @override
    def _can_offer(self, protocol: type) -> bool:
        methods = [ability for ability in ABILITIES if ability.protocol is protocol]
        if all(ability.single_store or ability.effect == "destroy" for ability in methods):
            return isinstance(self.wrapped[0], protocol)
        return super()._can_offer(protocol)

    @override
    async def _call_ability(self, ability: Ability, arguments: Arguments) -> Any:
        if ability.effect == "destroy":
            return await self._primary(lambda store: call_ability(store, ability, arguments))
        return await super()._call_ability(ability, arguments)

    @override
    async def _decide(
        self, ability: Ability, keys: Sequence[str], collection: str | None, operation: Operation[T]
    ) -> T:
        written = keys if ability.effect == "write" else ()
        return await self._primary(operation, written, collection, conditional=True)

    @override
    async def _read(self, collection: str | None, operation: Operation[T]) -> T:
        try:
            return await self._primary(operation)
        except self.fallback_on:
            return await operation(self.fallback_key_value)

    @override
    async def _write(self, keys: Sequence[str], collection: str | None, operation: Operation[T]) -> T:
        try:
            return await self._primary(operation, keys, collection)
        except self.fallback_on:
            if not self.write_to_fallback or (self.replay_writes and not self._outbox.has_room(len(keys))):
                raise
            write = partial(operation, self.fallback_key_value)
            return await (self._outbox.add(keys, collection, write) if self.replay_writes else write())

    async def _primary(
        self,
        operation: Operation[T],
        written: Sequence[str] = (),
        collection: str | None = None,
        *,
        conditional: bool = False,
    ) -> T:
        if not self.pending:
            return await operation(self.primary_key_value)
        with suppress(SourceUnreachableError):
            await self._replay()
        write = partial(operation, self.primary_key_value)
        return await self._outbox.supersede(written, collection, write, conditional=conditional)
