"""The program `kv` with pipes: its output and its exit codes."""

import asyncio
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest

from key_value.aio.urls import open_store
from tests.cli.conftest import COMMAND, Kv, environment
from tests.servers.server import Server

SECRET = "hunter2"


def fill(url: str, count: int = 3, collection: str | None = None) -> None:
    async def put() -> None:
        async with open_store(url) as store:
            keys = [f"key-{number}" for number in range(count)]
            await store.put_many(keys, [{"n": number} for number in range(count)], collection=collection)

    asyncio.run(put())


def test_the_life_of_an_entry(kv: Kv) -> None:
    value = {"born": 1815, "name": "Ada \N{SNOWMAN}", "odd": "\ud800\x1b[31m"}
    assert kv("put", "ada", json.dumps(value), "-c", "people", "--ttl", "100").returncode == 0
    got = kv("get", "ada", "--collection", "people")
    assert (got.returncode, json.loads(got.stdout), got.stderr) == (0, value, "")
    assert got.stdout.isascii()
    assert got.stdout.count("\n") == 1
    assert 0 < json.loads(kv("ttl", "ada", "-c", "people").stdout) <= 100
    assert kv("get", "ada").returncode == 1
    assert kv("get", "ada", KV_COLLECTION="people").returncode == 0
    deleted = kv("delete", "ada", "ada", "-c", "people")
    assert (deleted.returncode, deleted.stdout) == (0, "1\n")
    gone = kv("ttl", "ada", "-c", "people")
    assert (gone.returncode, gone.stdout, gone.stderr) == (1, "", "kv: There is no such entry\n")


def test_a_value_comes_from_stdin_or_a_file(kv: Kv, tmp_path: Path) -> None:
    file = tmp_path / "value.json"
    file.write_text('{"from": "a file"}')
    assert kv("put", "a", stdin='{"from": "stdin"}').returncode == 0
    assert kv("put", "b", "-", stdin='{"from": "-"}').returncode == 0
    assert kv("put", "c", "--file", str(file)).returncode == 0
    assert [json.loads(kv("get", key).stdout)["from"] for key in "abc"] == ["stdin", "-", "a file"]
    assert kv("ttl", "a").stdout == "null\n"


def test_what_is_listed(kv: Kv, url: str) -> None:
    fill(url, 1500)
    fill(url, 2, "other")
    names = [json.loads(line) for line in kv("keys").stdout.splitlines()]
    assert sorted(names) == sorted(f"key-{number}" for number in range(1500))
    assert len(kv("keys", "--prefix", "key-149").stdout.splitlines()) == 11
    assert kv("collections").stdout == '"default_collection"\n"other"\n'
    assert kv("delete", "key-0", "none", "-c", "other").returncode == 1


def test_put_if_absent(kv: Kv) -> None:
    assert kv("put", "a", '{"n": 1}', "--if-absent").returncode == 0
    second = kv("put", "a", '{"n": 2}', "--if-absent")
    assert (second.returncode, second.stderr) == (1, "kv: The entry already exists\n")
    assert kv("get", "a").stdout == '{"n": 1}\n'


def test_cull(kv: Kv, url: str, tmp_path: Path) -> None:
    async def put() -> None:
        async with open_store(url) as store:
            await store.put("a", {}, ttl=0.001)

    asyncio.run(put())
    time.sleep(0.01)
    assert kv("cull").returncode == 0
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        assert database.execute("SELECT COUNT(*) FROM kv_entries").fetchone() == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["put", "a", f'{{"password": {SECRET}}}'],
            "The value is not JSON: Expecting value at line 1, column",
        ),
        (["put", "a", f'["{SECRET}"]'], "The value must be a JSON object"),
        (["put", "a", "{}", "--ttl", "-1"], "ttl must be a positive, finite number"),
        (["put", "a", "{}", "--file", __file__], "Provide the value either as an argument or with --file"),
        (["put", "a", "[" * 100_000], "The value is nested too deeply"),
        (["put", "a", '{"n": "\\ud800"}', "-u", "duckdb://"], "surrogate"),
        (["get", "a", "-u", f"redis://:{SECRET}/@host"], "The redis URL"),
        (
            ["get", "a", "-u", f"nothing://:{SECRET}@host"],
            "No installed package provides a store for nothing://",
        ),
        (["get", "a", "-u", f"sqlite:///a?timeout={SECRET}"], "'timeout' in the URL of SQLiteStore must be"),
        (["get", "a", "-u", f"memory://?{'max_entries_per_collection'}=0"], "must be 1 or more"),
        (["copy", "memory://", "memory://"], "SOURCE and TARGET are the same store"),
        (["no-such-command"], "No such command"),
        ([f"redis://:{SECRET}@host", "get", "a"], "No such command 'redis://...@host'"),
        (["get", "a", f"redis://:{SECRET}@host"], "Got unexpected extra argument (redis://...@host)"),
        (["put", "a", "{}", "--ttl", "soon"], "Invalid value for '--ttl'"),
        (["get"], "Missing argument"),
    ],
)
def test_wrong_arguments_exit_with_2(kv: Kv, arguments: list[str], message: str) -> None:
    done = kv(*arguments, COLUMNS="200")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert SECRET not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_store_that_fails_exits_with_3(kv: Kv) -> None:
    done = kv("get", "a", KV_URL=f"redis://ada:{SECRET}@127.0.0.1:1?timeout=5")
    assert (done.returncode, done.stdout) == (3, "")
    assert "redis://127.0.0.1:1" in done.stderr
    assert SECRET not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["keys", "collections", "cull"])
def test_a_store_that_lacks_an_ability_exits_with_4(kv: Kv, command: str) -> None:
    done = kv(command, KV_URL="null://")
    assert (done.returncode, done.stdout) == (4, "")
    assert f"NullStore has no {command}" in done.stderr


def test_put_if_absent_needs_the_ability(kv: Kv) -> None:
    assert kv("put", "a", "{}", "--if-absent", KV_URL="null://").returncode == 4


def test_copy_writes_what_it_did(kv: Kv, url: str, tmp_path: Path) -> None:
    fill(url, 2500)
    fill(url, 3, "other")
    target = f"filetree:///{tmp_path}/tree?durability=none"
    done = kv("copy", url, target, "--verify", "--page-size", "700")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "collections": 2,
        "copied": 2503,
        "skipped": 0,
        "expired": 0,
        "verified": 2503,
        "differences": 0,
        "different": [],
    }
    assert kv("get", "key-2499", KV_URL=target).stdout == '{"n": 2499}\n'
    again = kv("copy", "--resume", "-c", "other", KV_TARGET_URL=target)
    assert json.loads(again.stdout) == {"collections": 1, "copied": 0, "skipped": 3, "expired": 0}


def test_copy_goes_on_after_it_was_killed(url: str, kv: Kv, tmp_path: Path) -> None:
    fill(url, 3000)
    target = f"filetree:///{tmp_path}/tree"
    first = subprocess.Popen([*COMMAND, "copy", url, target, "--page-size", "10"], env=environment())
    while first.poll() is None and len(list(tmp_path.glob("tree/*/*.json"))) < 50:
        time.sleep(0.01)
    first.kill()
    first.wait()
    second = json.loads(kv("copy", url, target, "--resume", "--verify").stdout)
    assert second["skipped"] >= 50
    assert second["skipped"] + second["copied"] == 3000
    assert second["differences"] == 0
    assert len(kv("keys", KV_URL=target).stdout.splitlines()) == 3000


def test_doctor(kv: Kv, url: str) -> None:
    done = kv("doctor", "--rounds", "3")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["store"].startswith("SQLiteStore(")
    assert report["keeps"] is True
    assert set(report["median_seconds"]) == {"put", "get", "delete"}
    assert report["abilities"]["scan"] is True
    assert report["facts"]["batch_limit"]["items"] == 1000
    assert kv("collections").stdout == ""


def test_doctor_read_only(kv: Kv, tmp_path: Path) -> None:
    report = json.loads(kv("doctor", "--read-only").stdout)
    assert (report["keeps"], set(report["median_seconds"])) == (None, {"get"})
    assert list(tmp_path.iterdir()) == []


def test_doctor_finds_a_store_that_keeps_nothing(kv: Kv) -> None:
    done = kv("doctor", KV_URL="null://")
    assert done.returncode == 5
    assert json.loads(done.stdout)["keeps"] is False


def test_doctor_of_a_server_that_is_not_there(kv: Kv) -> None:
    done = kv("doctor", f"postgresql://ada:{SECRET}@127.0.0.1:1/d")
    assert (done.returncode, done.stdout) == (3, "")
    assert SECRET not in done.stderr


def test_doctor_of_a_server(kv: Kv, redis: Server) -> None:
    report = json.loads(kv("doctor", redis.url).stdout)
    assert report["keeps"] is True
    assert report["abilities"]["pop"] is True


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_reader_that_ends_is_no_error(url: str) -> None:
    fill(url, 20_000)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*COMMAND, "keys"], env=environment(KV_URL=url), stdout=pipe, stderr=pipe
    ) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        listing.stdout.readline()
        listing.stdout.close()
        assert listing.stderr.read() == b""
    assert listing.returncode == 141


def _heed_interrupts() -> None:
    # A shell without job control makes background processes ignore interrupts.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_exits_with_130(url: str) -> None:
    fill(url, 20_000)
    with subprocess.Popen(
        [*COMMAND, "keys"],
        env=environment(KV_URL=url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_heed_interrupts,  # noqa: PLW1509 -- no other thread holds a lock
    ) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        # The pipe holds fewer lines than there are, so the program cannot have ended.
        listing.stdout.readline()
        listing.send_signal(signal.SIGINT)
        assert len(listing.stdout.readlines()) < 19_999
        assert b"Traceback" not in listing.stderr.read()
    assert listing.returncode == 130


def test_it_is_a_program() -> None:
    program = shutil.which("kv", path=str(Path(sys.executable).parent))
    assert program is not None
    done = subprocess.run([program, "--help"], capture_output=True, text=True, env=environment(), check=True)
    for command in ("get", "put", "delete", "ttl", "keys", "collections", "cull", "copy", "doctor"):
        assert f" {command} " in done.stdout


def test_says_its_version(kv: Kv) -> None:
    done = kv("--version")
    assert (done.returncode, done.stdout) == (0, f"kv {version('py-key-value-aio-cli')}\n")


def test_a_shell_completes_its_commands(kv: Kv) -> None:
    assert "_KV_COMPLETE=bash_complete" in kv(_KV_COMPLETE="bash_source").stdout
    done = kv(_KV_COMPLETE="bash_complete", COMP_WORDS="kv co", COMP_CWORD="1")
    assert done.stdout == "plain,collections\nplain,copy\n"


def test_writes_for_programs_without_what_is_slow_to_import(kv: Kv, url: str) -> None:
    fill(url)
    code = """
import atexit, sys
from key_value.aio.cli import main
atexit.register(lambda: print(sorted({"pydantic", "rich", "typer"} & sys.modules.keys())))
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, "get", "key-1"],
        env=environment(KV_URL=url),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == '{"n": 1}\n[]\n'
