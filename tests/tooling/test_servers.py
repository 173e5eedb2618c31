"""The fixtures of `tests/servers` work as documented."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import RedisError

from tests.servers.processes import binary, running
from tests.servers.redis import call
from tests.servers.server import Server, UnavailableError, provided


@contextmanager
def _unavailable() -> Generator[Server]:
    raise UnavailableError("no such binary")
    yield


@pytest.mark.parametrize("run", [1, 2])
def test_redis_is_empty_for_each_test(redis: Server, run: int) -> None:
    assert call(redis, "DBSIZE") == 0
    call(redis, "SET", "key", "value")


def test_redis_tls_asks_for_its_certificate_and_password(redis_tls: Server) -> None:
    assert call(redis_tls, "PING") is True
    with pytest.raises(RedisError, match="CERTIFICATE_VERIFY_FAILED"):
        call(Server(redis_tls.url.partition("?")[0]), "PING")
    with pytest.raises(RedisError, match="authenticat"):
        call(Server(redis_tls.url.replace(f":{redis_tls.password}@", "")), "PING")


def test_redis_cluster_owns_every_slot(redis_cluster: Server) -> None:
    info = call(redis_cluster, "CLUSTER INFO")
    assert isinstance(info, dict)
    assert info["cluster_size"] == "3"
    assert info["cluster_slots_ok"] == "16384"


def test_a_given_url_is_used_and_nothing_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KV_TEST_REDIS_URL", "redis://:pw@example.org:7000/3?ssl_ca_certs=ca.pem")
    with provided("redis", _unavailable) as server:
        assert (server.host, server.port, server.password) == ("example.org", 7000, "pw")
        assert server.option("ssl_ca_certs") == "ca.pem"


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_server_that_cannot_run_fails_in_ci_and_skips_elsewhere(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.delenv("KV_TEST_REDIS_URL", raising=False)
    monkeypatch.setenv("CI", ci)
    said = "no redis: no such binary; or set KV_TEST_REDIS_URL"
    with pytest.raises(outcome, match=said), provided("redis", _unavailable):
        pass


def test_a_missing_binary_is_named() -> None:
    with pytest.raises(UnavailableError, match="no-such-server is not installed"):
        binary("no-such-server")


def test_a_process_runs_until_the_block_ends(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = (
        f"import os, pathlib, signal; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); signal.pause()"
    )
    with running([sys.executable, "-c", script], directory=tmp_path, ready=lambda: _written(pid)):
        os.kill(int(pid.read_text()), 0)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def _written(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def test_a_process_that_ends_early_gives_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such option')"]
    said = "exited with 1: no such option"
    with (
        pytest.raises(UnavailableError, match=said),
        running(command, directory=tmp_path, ready=lambda: False),
    ):
        pass
