"""Stores from URLs: how parts and parameters are used, and what messages may repeat."""

import logging
import os
import traceback
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from typing_extensions import override

from key_value.aio.errors import StoreURLError
from key_value.aio.stores.base import BytesStore
from key_value.aio.stores.null import NullStore
from key_value.aio.stores.simple import SimpleStore
from key_value.aio.urls import open_store, opening

if TYPE_CHECKING:
    from decimal import Decimal

SECRET = "hunter2"


class Recorder(BytesStore):
    """A store that records the arguments of its constructor."""

    url_parts = (
        ("username", "user"),
        ("password", "password"),
        ("host", "host"),
        ("port", "port"),
        ("path", "path"),
    )

    def __init__(
        self,
        *,
        user: str | None = None,
        password: str | None = None,
        host: str = "localhost",
        port: int = 1234,
        path: Path | str | None = None,
        text: "str | None" = None,
        size: int = 1,
        timeout: float | None = 1.0,
        flag: bool = False,
        flag_or_file: bool | str | None = None,
        mode: Literal["fast", "none"] | None = None,
        number: "Decimal | None" = None,
        blob: bytes = b"",
        **others: Any,
    ) -> None:
        super().__init__(timeout=timeout)
        arguments = locals()
        self.arguments = {name: arguments[name] for name in arguments if name not in ("self", "__class__")}

    @override
    async def _read(self, address: str) -> bytes | None: ...

    @override
    async def _write(self, address: str, data: bytes, ttl: float | None) -> None: ...

    @override
    async def _remove(self, address: str) -> None: ...


class Passer(Recorder):
    """A store whose driver accepts the URL."""

    url_parts = (("url", "url"), ("path", "path"))

    def __init__(self, *, url: str, path: str | None = None, size: int = 1, host: str = "localhost") -> None:
        super().__init__(path=path, size=size, host=host)
        self.url = url


class Picky(Recorder):
    """A store with a required argument."""

    url_parts = (("host", "host"), ("hosts", "hosts"))

    def __init__(self, *, name: str, hosts: str = "", host: str = "") -> None:
        super().__init__(host=host)
        self.hosts = hosts


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("x://", {}),
        ("X://example.com", {"host": "example.com"}),
        ("x://Name_1:80", {"host": "Name_1", "port": 80}),
        ("x://[::1]", {"host": "::1"}),
        ("x://[fe80::1]:5", {"host": "fe80::1", "port": 5}),
        ("x://ada:p%40s%2Fs%3A+@h", {"user": "ada", "password": "p@s/s:+", "host": "h"}),
        ("x://:a:b@h", {"password": "a:b", "host": "h"}),
        ("x:///a.db", {"path": "a.db"}),
        ("x:////var/a%20b%3F.db", {"path": "/var/a b?.db"}),
        ("x:///C:/a.db", {"path": "C:/a.db"}),
        ("x:///~/a.db", {"path": "~/a.db"}),
        ("x://h/a/b", {"host": "h", "path": "a/b"}),
        ("file:///tree", {"path": "/tree"}),
        ("file://localhost/tree", {"path": "/tree"}),
        ("x://?text=a+b%26c", {"text": "a b&c"}),
        ("x://?size=7&timeout=2.5", {"size": 7, "timeout": 2.5}),
        ("x://?timeout=3", {"timeout": 3.0}),
        ("x://?timeout=None", {"timeout": None}),
        ("x://?flag=TRUE", {"flag": True}),
        ("x://?flag=off", {"flag": False}),
        ("x://?flag_or_file=no", {"flag_or_file": False}),
        ("x://?flag_or_file=ca.pem", {"flag_or_file": "ca.pem"}),
        ("x://?mode=fast", {"mode": "fast"}),
        ("x://?mode=none", {"mode": "none"}),
        ("x://?text=none", {"text": "none"}),
        ("x://?user=ada", {"user": "ada"}),
    ],
)
def test_parts_and_parameters_become_arguments(url: str, expected: dict[str, object]) -> None:
    default = Recorder().arguments
    arguments = Recorder.from_url(url).arguments
    assert arguments == {**default, **expected}
    assert [type(arguments[name]) for name in expected] == [type(value) for value in expected.values()]


def test_a_file_on_windows_is_on_a_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as on_windows:
        on_windows.setattr(os, "name", "nt")
        drive = Recorder.from_url("file:///C:/tree").arguments["path"]
        other = Recorder.from_url("file:///tree").arguments["path"]
    assert (drive, other) == ("C:/tree", "/tree")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("x://u:p@h1:1,h2:2/db?a=1&size=2&a=%32", "x://u:p@h1:1,h2:2/db?a=1&a=%32"),
        ("x://h?size=2&host=/socket", "x://h?host=/socket"),
        ("x://h", "x://h"),
    ],
)
def test_a_driver_gets_the_url_without_the_arguments_of_the_store(url: str, expected: str) -> None:
    store = Passer.from_url(url)
    assert store.url == expected
    assert store.arguments["size"] == (2 if "size" in url else 1)
    assert store.arguments["path"] == ("db" if "/db" in url else None)


def test_hosts_are_as_they_stand_in_the_url() -> None:
    assert Picky.from_url("x://h1:1,[::1]?name=n").hosts == "h1:1,[::1]"


@pytest.mark.parametrize(
    ("cls", "url", "message"),
    [
        (Recorder, "x", "A store URL must begin with a scheme, such as sqlite:///app.db"),
        (Recorder, "1://x", "A store URL must begin with a scheme"),
        (Recorder, f"x://?{SECRET}", f"Recorder does not accept the URL parameter '{SECRET}'"),
        (Recorder, "x://?number=1", "Recorder does not accept the URL parameter 'number'"),
        (Recorder, "x://?blob=1", "Recorder does not accept the URL parameter 'blob'"),
        (Recorder, "x://?others=1", "Recorder does not accept the URL parameter 'others'"),
        (Recorder, "x://?size=1&size=1", "The URL contains 'size' more than once"),
        (Recorder, "x://h?host=h", "The URL of Recorder contains 'host' more than once"),
        (Recorder, "x://?size=", "'size' in the URL of Recorder must be a whole number"),
        (Recorder, "x://?timeout=long", "'timeout' in the URL of Recorder must be a number or none"),
        (Recorder, "x://?flag=maybe", "'flag' in the URL of Recorder must be true or false"),
        (Recorder, "x://?mode=slow", "'mode' in the URL of Recorder must be 'fast' or 'none' or none"),
        (
            SimpleStore,
            "simple://h",
            "A URL of SimpleStore does not accept a host: write three slashes before a path",
        ),
        (SimpleStore, "simple:///p", "A URL of SimpleStore does not accept a path"),
        (SimpleStore, "simple://u@", "A URL of SimpleStore does not accept a username"),
        (Picky, "x://h", "The URL of Picky lacks 'name'"),
        (Picky, "x://u@h?name=n", "A URL of Picky does not accept a username"),
    ],
)
def test_what_is_wrong_with_a_url_is_named(cls: type[Recorder], url: str, message: str) -> None:
    with pytest.raises(StoreURLError) as raised:
        cls.from_url(url)
    assert str(raised.value).startswith(message)


def test_a_url_must_be_a_string() -> None:
    wrong: Any = Path("x")
    with pytest.raises(TypeError, match=r"url must be a str, not .*Path"):
        open_store(wrong)


@pytest.mark.parametrize("scheme", ["redis", "postgresql", "mongodb", "x", "unknown", "sqlite", "null"])
@pytest.mark.parametrize(
    "rest",
    [
        f"ada:{SECRET}/7@host",
        f"ada:{SECRET}?7@host",
        f"ada:{SECRET}#7@host",
        f"ada:1/{SECRET}@host",
        f"ada:1?{SECRET}@host",
        f"ada:{SECRET}",
        f"ada:{SECRET}[@host",
        f"ada:{SECRET}@host:port",
        f"ada:{SECRET}@host:99999",
        f"ada:{SECRET}\u2100@host",
        f"ada@x:{SECRET}@host:port",
        f"host?size={SECRET}&size=1",
        f"?max_entries={SECRET}",
    ],
)
def test_no_message_repeats_a_secret(
    scheme: str, rest: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    points = [
        EntryPoint(name, f"{cls.__module__}:{cls.__qualname__}", "key_value.aio.stores")
        for name, cls in {"x": Recorder, "null": NullStore}.items()
    ]
    _install(monkeypatch, points)
    monkeypatch.setattr(EntryPoint, "load", _load)
    with pytest.raises(StoreURLError) as raised:
        open_store(f"{scheme}://{rest}")
    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    # The lines of this file in a traceback contain only the variable of the secret.
    assert SECRET not in shown + caplog.text
    assert raised.value.__context__ is None


def _load(point: EntryPoint) -> type[object]:
    return {"x": Recorder, "null": NullStore}[point.name]


def test_an_unknown_scheme_names_those_that_are_known() -> None:
    with pytest.raises(
        StoreURLError, match=r"store for ftp://; the available schemes are aerospike, .*simple, sqlite"
    ):
        open_store("ftp://example.com")


def _registered(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    points = [EntryPoint("acme", value, "key_value.aio.stores") for value in values]
    _install(monkeypatch, points)


def _install(monkeypatch: pytest.MonkeyPatch, points: list[EntryPoint]) -> None:
    def select(**chosen: Any) -> EntryPoints:
        return EntryPoints(points).select(**chosen)

    monkeypatch.setattr(opening, "entry_points", select)


def test_a_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    _registered(monkeypatch)
    with pytest.raises(StoreURLError, match=r"store for rediss://: pip install py-key-value-aio-redis$"):
        open_store(f"rediss://:{SECRET}@host")


def test_an_entry_point_that_is_listed_twice_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _registered(monkeypatch, *["key_value.aio.stores.null:NullStore"] * 2)
    assert type(open_store("acme://")) is NullStore


def test_two_stores_of_one_scheme_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _registered(monkeypatch, "b:B", "a:A")
    wanted = "Several installed stores use the scheme 'acme': a:A, b:B; call from_url"
    with pytest.raises(StoreURLError, match=wanted):
        open_store("acme://")


@pytest.mark.parametrize("value", ["pathlib:Path", "key_value.aio.urls:open_store"])
def test_an_entry_point_must_be_a_store(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _registered(monkeypatch, value)
    with pytest.raises(StoreURLError, match="which is not a store class"):
        open_store("acme://")


async def test_the_store_is_opened_by_async_with() -> None:
    async with open_store("simple://?max_entries=1") as store:
        await store.put("a", {})
        await store.put("b", {})
        assert await store.get_many(["a", "b"]) == [None, {}]
