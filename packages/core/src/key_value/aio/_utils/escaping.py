"""The default naming rule: a name stays as it is where its backend can hold it, and no two become one."""

import re
from functools import cache

from typing_extensions import override

from key_value.aio._utils.sanitization import SanitizationStrategy, sha256_hex

# Halves of surrogate pairs: a Python string may hold one alone, UTF-8 may not.
_SURROGATES = "[\ud800-\udfff]"

_CUT_MARK = "%-"
_CUT = re.compile(_CUT_MARK + "[0-9a-f]{64}$")
_ENCODED = re.compile("(?:%[0-9A-F]{2})+")

_EMPTY = "%-"
"""What stands for the empty name, where that is to be escaped; a name that reads so is escaped too."""

_LAYERS = 8
"""How often a name is unescaped to learn whether it reads like an escaped one."""


class EscapingStrategy(SanitizationStrategy):
    """Percent-encodes what a backend cannot hold, and cuts what is too long.

    A name without such a part is left alone, even one with a percent sign, unless it reads like an escaped
    name: then its percent signs are encoded too, so that no two names become one. A name that is too long is
    cut and given its SHA-256.
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
        """State what the backend cannot hold.

        Args:
            unsafe: A regular expression; each character of a match is encoded. What UTF-8 cannot hold
                is encoded in any case.
            max_bytes: Bytes that a name may have, enough for 80 characters; None sets no limit.
            encoding: The encoding that the backend counts them in.
            ignores_case: Whether the backend takes names that differ in case alone for one: capitals are
                encoded.
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
        # Nothing that reads like an escaped name is without a percent sign.
        is_plain = "%" not in value and (
            (self._ascii_is_safe and value.isascii()) or self._unsafe.search(value) is None
        )
        name = value if is_plain or not self._needs_escaping(value) else self._escape(value)
        if self._max_bytes is None or len(name.encode(self._encoding)) <= self._max_bytes:
            return name
        return self._cut(name)

    @override
    def try_unsanitize(self, value: str) -> str | None:
        """The name that was escaped, or None where it was cut."""
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
    """Return what is unsafe in a backend that ignores case, as a regular expression for `EscapingStrategy`.

    Lower case is left alone. What may be taken for it is found: capitals, other letters with the same
    capital, and the percent sign of what would be an escape if it were in capitals.
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
