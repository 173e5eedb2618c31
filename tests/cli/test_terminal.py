"""The program `kv` in a terminal: colours, tables and the progress of a copy."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from key_value.aio.urls import open_store
from tests.cli.conftest import COMMAND, environment

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals", allow_module_level=True)

import pty

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[a-zA-Z])")


def in_terminal(*arguments: str, **variables: str) -> tuple[int, str]:
    """Run `kv` in a pseudo-terminal, and return its exit code and its whole output."""
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env=environment(TERM="xterm-256color", COLUMNS="100", **variables),
    )
    os.close(inner)
    written = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux reports a closed other end this way.
            break
        if not part:
            break
        written += part
    os.close(terminal)
    return process.wait(), written.decode().replace("\r\n", "\n")


def fill(url: str, *keys: str) -> None:
    async def put() -> None:
        async with open_store(url) as store:
            await store.put_many(list(keys), [{"text": "é\x1b[2J\x9b2J", "n": 1}] * len(keys))

    asyncio.run(put())


def test_a_value_is_indented_in_colours_and_obeyed_by_no_terminal(url: str) -> None:
    fill(url, "a")
    code, written = in_terminal("get", "a", KV_URL=url)
    assert code == 0
    assert "\x1b[" in written
    assert "\x1b[2J" not in written
    assert "\x9b" not in written
    plain = _ESCAPES.sub("", written)
    assert plain == '{\n  "n": 1,\n  "text": "é\\u001b[2J\\u009b2J"\n}\n'


def test_keys_are_plain_unless_that_is_unsafe(url: str) -> None:
    fill(url, "plain é", "\x1b[2J", " spaced", "", '"quoted"', "[red]")
    code, written = in_terminal("keys", KV_URL=url)
    assert code == 0
    assert sorted(written.splitlines()) == sorted(
        ["plain é", '"\\u001b[2J"', '" spaced"', '""', '"\\"quoted\\""', "[red]"]
    )


def test_ttl_is_for_people(url: str) -> None:
    fill(url, "a")
    assert in_terminal("ttl", "a", KV_URL=url) == (0, "never expires\n")


def test_no_colour_is_obeyed(url: str) -> None:
    fill(url, "a")
    code, written = in_terminal("get", "a", KV_URL=url, NO_COLOR="1")
    assert code == 0
    assert "\x1b[3" not in written


def test_copy_shows_its_progress_and_a_table(url: str, tmp_path: Path) -> None:
    fill(url, *(f"key-{number}" for number in range(2000)))
    code, written = in_terminal("copy", url, f"sqlite:///{tmp_path}/b.db", "--verify")
    plain = _ESCAPES.sub("", written)
    assert code == 0
    assert '"default_collection"' in plain
    assert "2,000 entries" in plain
    assert re.search(r"copied +2,000 *\n", plain)
    assert re.search(r"verified +2,000 *\n", plain)


def test_doctor_shows_tables(url: str) -> None:
    code, written = in_terminal("doctor", KV_URL=url)
    plain = _ESCAPES.sub("", written)
    assert code == 0
    assert "SQLiteStore(" in plain
    assert re.search(r"put_if_absent +yes", plain)
    assert re.search(r"get +[\d.,]+ ms", plain)


def test_an_error_has_no_traceback_and_no_password() -> None:
    code, written = in_terminal("get", "a", KV_URL="redis://ada:hunter2@127.0.0.1:1")
    assert code == 3
    assert _ESCAPES.sub("", written).startswith("kv: ")
    assert "hunter2" not in written
    assert "Traceback" not in written
