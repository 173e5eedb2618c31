"""The default naming rule: keep names that the backend can hold, and never map two names to the same one."""

import re
from functools import cache

from typing_extensions import override

from key_value.aio._utils.sanitization import SanitizationStrategy, sha256_hex

# Surrogates: a Python string may contain half of a pair, UTF-8 may not.
_SURROGATES = "[\ud800-\udfff]"

_CUT_MARK = "%-"
_CUT = re.compile(_CUT_MARK + "[0-9a-f]{64}$")
_ENCODED = re.compile("(?:%[0-9A-F]{2})+")

_EMPTY = "%-"
"""Replacement for the empty name, if it must be escaped; a name that looks like it is escaped as well."""

_LAYERS = 8
"""Maximum number of times a name is unescaped to check whether it looks like an escaped one."""


class EscapingStrategy(SanitizationStrategy):
    """A strategy that percent-encodes characters that a backend cannot hold, and cuts long names.

    A name without such characters is left unchanged, even one with a percent sign, unless it looks like an
    escaped name: then its percent signs are encoded too, so that two names never become the same one. A name
    that is too long is cut, and its SHA-256 is appended.
    """

    def __init__(
        self,
        unsafe: str | None = None,
        *,
        max_bytes: int | None = None,
        encoding: str = "utf-8",
        ignores_case: bool = False,
        escapes_empty: bool = False,
    ) -> None:
        """Initialize with the limits of the backend.

        Args:
            unsafe: Regular expression; each character of a match is encoded. Characters that UTF-8 cannot
                encode are always encoded.
            max_bytes: Maximum size of a name in bytes, enough for 80 characters; None sets no limit.
            encoding: Encoding in which the backend counts these bytes.
            ignores_case: Whether the backend treats names that differ only in case as equal; if so, capitals
                are encoded.
            escapes_empty: Whether the backend cannot hold the empty name.
        """
        also = [differs_in_case()] if ignores_case else []
        also += [rf"\A{_EMPTY}\Z"] if escapes_empty else []
        found = "|".join([*([unsafe] if unsafe else []), *also, _SURROGATES])
        self._unsafe = re.compile(found)
        self._unsafe_or_percent = re.compile(f"{found}|%")
        self._max_bytes = max_bytes
        self._encoding = encoding
        self._empty = _EMPTY if escapes_empty else ""
        self._ascii_is_safe = found == _SURROGATES

    @override
    def validate(self, value: str) -> None:
        return None

    @override
    def sanitize(self, value: str) -> str:
        if not value:
            return self._empty
        # A name that looks like an escaped one always contains a percent sign.
        is_plain = "%" not in value and (
            (self._ascii_is_safe and value.isascii()) or self._unsafe.search(value) is None
        )
        name = value if is_plain or not self._needs_escaping(value) else self._escape(value)
        if self._max_bytes is None or len(name.encode(self._encoding)) <= self._max_bytes:
            return name
        return self._cut(name)

    @override
    def try_unsanitize(self, value: str) -> str | None:
        """Return the name that was escaped, or None if it was cut."""
        if value == self._empty:
            return ""
        if "%" not in value:
            return value
        if self._max_bytes is not None and _CUT.search(value):
            return None
        original = _unescape(value)
        return original if self._needs_escaping(original) and self._escape(original) == value else value

    def _needs_escaping(self, name: str) -> bool:
        for _ in range(_LAYERS):
            if self._unsafe.search(name) or (self._max_bytes is not None and _CUT.search(name)):
                return True
            if "%" not in name:
                return False
            original = _unescape(name)
            if original == name or self._escape(original) != name:
                return False
            name = original
        return True

    def _escape(self, name: str) -> str:
        return self._unsafe_or_percent.sub(lambda found: _percent_encode(found[0]), name)

    def _cut(self, name: str) -> str:
        end = _CUT_MARK + sha256_hex(name)
        room = (self._max_bytes or 0) - len(end.encode(self._encoding))
        return name.encode(self._encoding)[:room].decode(self._encoding, errors="ignore") + end


@cache
def differs_in_case() -> str:
    """Return a regular expression for `EscapingStrategy` of what is unsafe in a backend that ignores case.

    Lower case is left unchanged. The expression matches everything that could be taken for it: capitals,
    other letters with the same capital, and the percent sign of a sequence that would be an escape in
    capitals.
    """
    letters = (chr(code) for code in range(0x10000) if not 0xD800 <= code <= 0xDFFF)
    return f"%(?=[0-9][a-f]|[a-f][0-9a-f])|[{''.join(c for c in letters if c.upper().lower() != c)}]"


def _percent_encode(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode(errors="surrogatepass"))


def _unescape(name: str) -> str:
    return _ENCODED.sub(_percent_decode, name)


def _percent_decode(found: re.Match[str]) -> str:
    try:
        return bytes.fromhex(found[0].replace("%", "")).decode(errors="surrogatepass")
    except UnicodeDecodeError:
        return found[0]
