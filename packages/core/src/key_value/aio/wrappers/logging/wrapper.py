"""A wrapper that logs operations and their outcomes."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any, TypeVar

from typing_extensions import override

from key_value.aio._utils.arguments import warns_on_wrong_types
from key_value.aio.protocols.abilities import ABILITIES
from key_value.aio.protocols.key_value import AsyncKeyValue
from key_value.aio.wrappers.base import HITS, Call, Interceptor
from key_value.aio.wrappers.logging.messages import Fields, structured, text

T = TypeVar("T")

KEYS_SHOWN = 5
"""Maximum number of keys that a record of a batch without values lists in its details."""


class LoggingWrapper(Interceptor):
    """A wrapper that logs the start and end of each operation: its keys, outcome, and optionally values.

    Nothing is formatted while the level is disabled. Names are escaped, so that a key cannot start a new line
    in the log.
    """

    @warns_on_wrong_types
    def __init__(
        self,
        key_value: AsyncKeyValue,
        logger: logging.Logger | None = None,
        log_level: int = logging.INFO,
        log_values: bool = False,
        structured_logs: bool = False,
    ) -> None:
        """Wrap a store.

        Args:
            key_value: Store to wrap.
            logger: Logger to use. Defaults to `key_value.logging`.
            log_level: Level of the records; failed operations are logged at this level too.
            log_values: Whether values are logged; they may be secret.
            structured_logs: Whether a record is one JSON object instead of text.
        """
        super().__init__(key_value)
        self.logger = logger or logging.getLogger("key_value.logging")
        self.log_level = log_level
        self.log_values = log_values
        self.structured_logs = structured_logs

    @override
    async def _around(self, call: Call, proceed: Callable[[], Awaitable[T]]) -> T:
        if not self.logger.isEnabledFor(self.log_level):
            return await proceed()
        stored = self._stored(call)
        self._log("Start", call, {**stored, "extra": _details(call)})
        try:
            result = await proceed()
        except Exception as error:
            self._log("Failed", call, {"extra": {"error": type(error).__name__}})
            raise
        self._log("Finish", call, {**stored, **self._found(call, result)})
        return result

    def _stored(self, call: Call) -> Fields:
        """Return the values that an operation stores, if values are logged."""
        if not (self.log_values and call.values):
            return {}
        return {"value": call.values if call.operation == "put_many" else call.values[0]}

    def _found(self, call: Call, result: Any) -> Fields:
        """Return the outcome of an operation."""
        outcome = _OUTCOMES.get(call.operation)
        fields: dict[str, Any] = {"extra": outcome(call, result) if outcome else {}}
        if self.log_values and (read := _VALUES.get(call.operation)) and result is not None:
            value = read(result)
            fields |= {} if value is None else {"value": value}
        return fields

    def _log(self, status: str, call: Call, fields: Fields) -> None:
        write = structured if self.structured_logs else text
        self.logger.log(self.log_level, "%s", write(status, call, fields), stacklevel=4)


def _details(call: Call) -> Mapping[str, Any]:
    """Return the details of an operation's arguments for a record, in addition to its keys."""
    if call.values or call.ttl is not None:
        return {"ttl": call.ttl}
    return {"keys": list(islice(call.keys, KEYS_SHOWN))} if call.operation.endswith("_many") else {}


def _counts(call: Call, results: list[Any]) -> Mapping[str, Any]:
    hits = HITS[call.operation](results)
    return {"hits": hits, "misses": len(results) - hits}


_BY_RESULT: Mapping[str, Callable[[Call, Any], Mapping[str, Any]]] = {
    "value": lambda _, value: {"hit": value is not None},
    "versioned": lambda _, found: {"hit": found is not None},
    "version": lambda _, version: {"stored": version is not None},
    "keys": lambda _, keys: {"listed": len(keys)},
    "collections": lambda _, names: {"listed": len(names)},
    "page": lambda _, page: {"listed": len(page.keys)},
    "done": lambda _, done: {} if done is None else {"done": done},
}

_OUTCOMES: Mapping[str, Callable[[Call, Any], Mapping[str, Any]]] = {
    **{ability.method: _BY_RESULT[ability.gives] for ability in ABILITIES},
    "get": lambda _, value: {"hit": value is not None},
    "ttl": lambda _, found: {"ttl": found[1]},
    "get_many": _counts,
    "ttl_many": _counts,
    "put": lambda call, _: {"ttl": call.ttl},
    "put_many": lambda call, _: {"ttl": call.ttl},
    "put_if_absent": lambda _, stored: {"stored": stored},
    "delete": lambda _, deleted: {"deleted": deleted},
    "delete_many": lambda _, deleted: {"deleted": deleted},
    "delete_if_version": lambda _, deleted: {"deleted": deleted},
    "destroy": lambda _, destroyed: {"destroyed": destroyed},
    "destroy_collection": lambda _, destroyed: {"destroyed": destroyed},
}

_VALUES: Mapping[str, Callable[[Any], Any]] = {
    "get": lambda value: value,
    "ttl": lambda found: found[0],
    **{ability.method: lambda value: value for ability in ABILITIES if ability.gives == "value"},
    **{ability.method: lambda found: found.value for ability in ABILITIES if ability.gives == "versioned"},
}
"""Functions that return the value in the result of each operation that returns one."""
