"""Every Python block runs by itself, unless its page states that its blocks build on one another."""

import ast
import asyncio
import inspect
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.servers.server import Server

ROOT = Path(__file__).parents[2]
REDIS = "redis://localhost:6379"
POSTGRESQL = "postgresql://postgres@localhost:5432/postgres"
MONGODB = "mongodb://localhost:27017"
DYNAMODB = "http://localhost:8000"
AZURE = "UseDevelopmentStorage=true"
VAULT = "http://localhost:8200"
VALKEY = "valkey://localhost:6379"
KEYRING = "KeyringStore("
WINDOWS = "WindowsRegistryStore("
CHDB = "ChDBStore("
AEROSPIKE = "AerospikeStore("
MEMCACHED = "MemcachedStore("
FIRESTORE = "FirestoreStore("
ELASTICSEARCH = "http://localhost:9200"
OPENSEARCH = "http://localhost:9201"
S3 = "S3Store("
SERVERS = (REDIS, POSTGRESQL, MONGODB, VALKEY, AZURE, VAULT, DYNAMODB, ELASTICSEARCH, OPENSEARCH)
NEEDS = (*SERVERS, AEROSPIKE, MEMCACHED, KEYRING, WINDOWS, CHDB, FIRESTORE, S3)

CONTINUES = "The blocks on this page build on one another: "
"""What a page says whose blocks are one program in parts."""

_BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


_AT_SERVER = re.compile(rf"(?:{'|'.join(SERVERS)})(/0)?")


def blocks(page: Path) -> list[str]:
    return [textwrap.dedent(code) for _, code in _BLOCK.findall(page.read_text("utf-8"))]


def pages(need: str | None = None) -> list[Path]:
    """Return the pages whose code contains this need, or by default those without needs."""
    found = [*ROOT.glob("docs/**/*.md"), *ROOT.glob("packages/*/README.md")]
    return [page for page in sorted(found) if blocks(page) and _need(page) == need]


def _need(page: Path) -> str | None:
    return next((need for need in NEEDS if any(need in code for code in blocks(page))), None)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


async def run(page: Path, server: Server | None = None) -> None:
    """Run the blocks of a page, each by itself unless they build on one another."""
    continues = CONTINUES in page.read_text("utf-8")
    namespace = _new_namespace()
    for number, block in enumerate(blocks(page)):
        code = block if server is None else _at(server, block)
        if not continues:
            namespace = _new_namespace()
        await _run_block(code, f"{name(page)}[{number}]", namespace)


def _new_namespace() -> dict[str, Any]:
    return {"__name__": "example"}


async def _run_block(code: str, title: str, namespace: dict[str, Any]) -> None:
    if "asyncio.run(" in code:  # a whole program, which has its own event loop
        await asyncio.wait_for(asyncio.to_thread(exec, compile(code, title, "exec"), namespace), timeout=30)
        return
    result = eval(compile(code, title, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), namespace)
    if inspect.isawaitable(result):
        await asyncio.wait_for(result, timeout=30)


def _at(server: Server, code: str) -> str:
    code = _AT_SERVER.sub(server.url, code)
    for port in ("11211", "3000"):
        if port in code:
            code = code.replace(port, str(server.port))
    return code


@pytest.mark.parametrize("page", pages(), ids=name)
async def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    await run(page)


@pytest.mark.parametrize("page", pages(REDIS), ids=name)
async def test_examples_run_with_redis(
    page: Path, redis: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await run(page, redis)


@pytest.mark.parametrize("page", pages(POSTGRESQL), ids=name)
async def test_examples_run_with_postgresql(page: Path, postgresql: Server) -> None:
    await run(page, postgresql)


@pytest.mark.parametrize("page", pages(MEMCACHED), ids=name)
async def test_examples_run_with_memcached(page: Path, memcached: Server) -> None:
    await run(page, memcached)


@pytest.mark.parametrize("page", pages(AEROSPIKE), ids=name)
async def test_examples_run_with_aerospike(page: Path, aerospike: Server) -> None:
    await run(page, aerospike)


@pytest.mark.parametrize("page", pages(MONGODB), ids=name)
async def test_examples_run_with_mongodb(page: Path, mongodb: Server) -> None:
    await run(page, mongodb)


@pytest.mark.parametrize("page", pages(AZURE), ids=name)
async def test_examples_run_with_azure_tables(page: Path, azure_tables: Server) -> None:
    await run(page, azure_tables)


@pytest.mark.parametrize("page", pages(VAULT), ids=name)
async def test_examples_run_with_vault(page: Path, vault: Server) -> None:
    await run(page, Server(f"http://{vault.host}:{vault.port}"))


@pytest.mark.parametrize("page", pages(DYNAMODB), ids=name)
async def test_examples_run_with_dynamodb(page: Path, dynamodb: Server) -> None:
    await run(page, dynamodb)


@pytest.mark.parametrize("page", pages(ELASTICSEARCH), ids=name)
async def test_examples_run_with_elasticsearch(page: Path, elasticsearch: Server) -> None:
    await run(page, elasticsearch)


@pytest.mark.parametrize("page", pages(OPENSEARCH), ids=name)
async def test_examples_run_with_opensearch(page: Path, opensearch: Server) -> None:
    await run(page, opensearch)


@pytest.mark.parametrize("page", pages(VALKEY), ids=name)
async def test_examples_run_with_valkey(page: Path, valkey: Server) -> None:
    await run(page, valkey)


@pytest.mark.usefixtures("firestore")
@pytest.mark.parametrize("page", pages(FIRESTORE), ids=name)
async def test_examples_run_with_firestore(page: Path) -> None:
    await run(page)


@pytest.mark.parametrize("page", pages(S3), ids=name)
async def test_examples_run_with_s3(page: Path, s3: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.servers.s3 import arguments  # noqa: PLC0415 -- its driver is missing on Windows

    place = arguments(s3)
    monkeypatch.setenv("AWS_ENDPOINT_URL", place["endpoint_url"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", place["aws_access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", place["aws_secret_access_key"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", place["region_name"])
    await run(page)


@pytest.mark.usefixtures("keyring")
@pytest.mark.parametrize("page", pages(KEYRING), ids=name)
async def test_examples_run_with_a_keyring(page: Path) -> None:
    await run(page)


@pytest.mark.skipif(sys.platform != "win32", reason="there is no registry")
@pytest.mark.parametrize("page", pages(WINDOWS), ids=name)
async def test_examples_run_on_windows(page: Path) -> None:
    await run(page)


@pytest.mark.skipif(sys.platform == "win32", reason="chDB is not made for Windows")
@pytest.mark.parametrize("page", pages(CHDB), ids=name)
async def test_examples_run_with_chdb(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    await run(page)


def test_links_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_first_block_of_the_readme_is_a_script(tmp_path: Path) -> None:
    script = tmp_path / "first.py"
    script.write_text(blocks(ROOT / "README.md")[0], "utf-8")
    printed = subprocess.run(
        [sys.executable, "-I", script], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert printed[0] == "{'born': 1815, 'name': 'Ada'}"
    assert printed[1].startswith("({'born': 1815, 'name': 'Ada'}, 3")
    assert printed[2:] == ["None", "True"]


def test_the_readme_of_the_core_is_that_of_the_project() -> None:
    assert (ROOT / "packages/core/README.md").read_text("utf-8") == (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("page", sorted(ROOT.glob("packages/*/README.md")), ids=name)
def test_a_readme_says_before_each_block_what_to_install(page: Path) -> None:
    """The install line of a block is between it and the previous block."""
    text = page.read_text("utf-8")
    assert "pip install " in text
    for before in re.split(r"^```python\n.*?^```", text, flags=re.MULTILINE | re.DOTALL)[:-1]:
        assert "pip install " in before


def test_a_readme_on_an_index_has_no_relative_links() -> None:
    for page in ROOT.glob("packages/*/README.md"):
        assert re.findall(r"\]\((?!https://)", page.read_text("utf-8")) == [], name(page)
