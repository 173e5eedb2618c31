"""Parse a URL into arguments for a store's constructor."""

import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit, urlunsplit

from key_value.aio.errors import StoreURLError

UrlParts: TypeAlias = Sequence[tuple[str, str]]
"""The parts that a URL may have, and the arguments that they become."""

_HOST = re.compile(r"(?:\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>\d*))?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.IGNORECASE)
_DRIVE = re.compile(r"/[A-Za-z]:")

_WORDS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}

_OF_THE_DRIVER = {"url", "host", "port", "db", "database", "user", "username", "password"}
"""Parameters kept in a URL for the driver, which also accepts them and defines their precedence."""


def constructor_arguments(
    cls: type, url: str, url_parts: UrlParts, read_parts: Callable[[SplitResult], dict[str, Any]]
) -> dict[str, Any]:
    """Return the constructor arguments contained in a URL.

    Args:
        cls: Class of the store.
        url: URL to parse.
        url_parts: Parts that the URL may have.
        read_parts: Called with the URL without the parameters that are arguments; returns the arguments of
            its parts.

    Raises:
        StoreURLError: The URL is not valid for this store.
    """
    parts = split_url(url)
    constructor = _constructor(cls)
    types = _readable(cls, constructor)
    takes_url = _takes(url_parts, "url")
    own, rest = _split_query(parts.query, types.keys() - (_OF_THE_DRIVER if takes_url else ()))
    if rest and not takes_url:
        name = unquote_plus(rest[0].partition("=")[0])
        raise StoreURLError(f"{cls.__name__} does not accept the URL parameter {name!r}")
    arguments = read_parts(parts._replace(query="&".join(rest)))
    if twice := own.keys() & arguments.keys():
        raise StoreURLError(f"The URL of {cls.__name__} contains {min(twice)!r} more than once")
    arguments |= own
    for name, text in arguments.items():
        if isinstance(text, str) and name in types:
            arguments[name] = _read(cls, name, text, types[name])
    for name, parameter in constructor.items():
        if parameter.default is parameter.empty and name not in arguments:
            raise StoreURLError(f"The URL of {cls.__name__} lacks {name!r}")
    return arguments


def part_arguments(cls: type, url: SplitResult, url_parts: UrlParts) -> dict[str, Any]:
    """Return the arguments that the parts of a URL become.

    Raises:
        StoreURLError: The URL has a part that is not in `url_parts`.
    """
    found = _parts(url)
    if not _takes(url_parts, "url"):
        allowed = {"hosts", "url", *(part for part, _ in url_parts)}
        allowed |= {"host", "port"} if _takes(url_parts, "hosts") else set()
        odd = next((part for part in found if part not in allowed), None)
        if odd is not None:
            advice = ": write three slashes before a path, four if it is absolute" if odd == "host" else ""
            raise StoreURLError(f"A URL of {cls.__name__} does not accept a {odd}{advice}")
    return {argument: found[part] for part, argument in url_parts if part in found}


def split_url(url: str) -> SplitResult:
    """Split a URL, and reject one whose password may be in an unexpected place.

    Raises:
        TypeError: The URL is not a str.
        StoreURLError: It is not a URL, or has characters that must be percent-encoded.
    """
    if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance] -- callers may not be typed
        raise TypeError(f"url must be a str, not {type(url).__name__}")
    scheme, separator, _ = url.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme):
        raise StoreURLError("A store URL must begin with a scheme, such as sqlite:///app.db")
    parts = _split(url)
    hosts = "" if parts is None else parts.netloc.rpartition("@")[2]
    if parts is None or parts.fragment or not all(_is_host(host) for host in hosts.split(",")):
        raise StoreURLError(
            f"The {scheme} URL cannot be parsed: a port must be a number below 65536, and special characters "
            "in a user name, password, path or parameter must be percent-encoded: @ as %40, / as %2F, "
            ": as %3A, # as %23, ? as %3F"
        )
    if parts.netloc and "@" in parts.path + parts.query:
        raise StoreURLError(
            f"The {scheme} URL has an @ after its host: percent-encode @ as %40, and / in a password as %2F"
        )
    return parts


def _takes(url_parts: UrlParts, part: str) -> bool:
    return any(part == taken for taken, _ in url_parts)


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:  # Its message contains the password.
        return None


def _is_host(text: str) -> bool:
    found = _HOST.fullmatch(text)
    return found is not None and int(found["port"] or 0) < 65536


def _parts(url: SplitResult) -> dict[str, str]:
    """Return the non-empty parts of a URL."""
    user, _, hosts = url.netloc.rpartition("@")
    username, _, password = user.partition(":")
    host = re.sub(r":\d*\Z", "", hosts)
    port = hosts[len(host) + 1 :]
    path = url.path.removeprefix("/")
    if url.scheme == "file":
        # https://datatracker.ietf.org/doc/html/rfc8089: the path is absolute, and the host is this machine.
        host = host.removeprefix("localhost")
        path = path if os.name == "nt" and _DRIVE.match(url.path) else url.path
    found = {
        "username": unquote(username),
        "password": unquote(password),
        "host": unquote(host.strip("[]")),
        "hosts": hosts,
        "port": port,
        "path": unquote(path),
        "url": urlunsplit(url),
    }
    return {part: text for part, text in found.items() if text}


def _split_query(query: str, names: set[str]) -> tuple[dict[str, str], list[str]]:
    """Return the parameters with the given names, and the rest of the query unchanged."""
    own: dict[str, str] = {}
    rest: list[str] = []
    for parameter in query.split("&"):
        name, _, text = parameter.partition("=")
        name = unquote_plus(name)
        if name not in names:
            rest += [parameter] if parameter else []
        elif name in own:
            raise StoreURLError(f"The URL contains {name!r} more than once")
        else:
            own[name] = unquote_plus(text)
    return own, rest


def _constructor(cls: type) -> dict[str, inspect.Parameter]:
    """Return the parameters of a class's `__init__`."""
    own, *parameters = inspect.signature(cls.__init__).parameters.values()
    variadic = (own.VAR_POSITIONAL, own.VAR_KEYWORD)
    return {parameter.name: parameter for parameter in parameters if parameter.kind not in variadic}


def _readable(cls: type, constructor: Mapping[str, inspect.Parameter]) -> dict[str, tuple[object, ...]]:
    """Return the types of the parameters that can be given as text."""
    namespace: dict[str, Any] = getattr(inspect.unwrap(cls.__init__), "__globals__", {})
    found = {name: _types(parameter.annotation, namespace) for name, parameter in constructor.items()}
    simple: set[object] = {str, Path, int, float, bool}
    return {
        name: types
        for name, types in found.items()
        if any(each in simple or get_origin(each) is Literal for each in types)
    }


def _types(annotation: object, namespace: dict[str, Any]) -> tuple[object, ...]:
    """Return the members of an annotation; () if it refers to names that only type checkers import."""
    if isinstance(annotation, str):
        try:
            annotation = get_type_hints(SimpleNamespace(__annotations__={"_": annotation}), namespace)["_"]
        except NameError:
            return ()
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _read(cls: type, name: str, text: str, types: tuple[object, ...]) -> object:
    """Convert a text to the argument that it represents."""
    choices = [choice for each in types if get_origin(each) is Literal for choice in get_args(each)]
    if text in choices:
        return text
    if bool in types and text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if str in types or Path in types:
        return text
    if NoneType in types and text.lower() == "none":
        return None
    for number in (int, float):
        if number in types and (value := _number(number, text)) is not None:
            return value
    wanted = [repr(choice) for choice in choices]
    wanted += ["true", "false"] if bool in types else []
    wanted += ["a whole number"] if int in types else []
    wanted += ["a number"] if float in types else []
    wanted += ["none"] if NoneType in types else []
    raise StoreURLError(f"{name!r} in the URL of {cls.__name__} must be {' or '.join(wanted)}")


def _number(kind: type[int] | type[float], text: str) -> float | None:
    try:
        return kind(text)
    except ValueError:
        return None
