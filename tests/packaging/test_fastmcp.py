"""FastMCP beside our wheels: its types, the programs of the guide, and an OAuth proxy with two replicas."""

import asyncio
import base64
import hashlib
import json
import re
import secrets
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

import aiohttp
import pytest
from aiohttp import web

from tests.packaging.environment import Environment
from tests.packaging.workspace import CORE, DISTRIBUTIONS, ROOT
from tests.servers.processes import free_port, running

T = TypeVar("T")
R = TypeVar("R")

REPLICA = Path(__file__).parent / "third_party" / "oauth_replica.py"
GUIDE = (ROOT / "docs" / "guides" / "fastmcp.md").read_text("utf-8")
BACKENDS = ("filetree", "memory", "redis", "sqlite")

CLIENTS = 10
CALLBACK = "http://localhost:1/callback"
STORAGE_KEY = base64.urlsafe_b64encode(bytes(32)).decode()
UPSTREAM_TOKEN = "issued-upstream-"
"""Begins every token of the test's OAuth provider."""

ITS_TYPES = """
import asyncio
from datetime import datetime

from fastmcp import Client, Context, FastMCP
from fastmcp.server.middleware.caching import ResponseCachingMiddleware
from fastmcp.tools.base import ToolResult
from mcp.shared.auth import OAuthClientInformationFull
from pydantic import AnyHttpUrl, BaseModel

from key_value.aio.adapters.pydantic import PydanticAdapter
from key_value.aio.stores.memory import MemoryStore


class User(BaseModel):
    name: str
    since: datetime


mcp = FastMCP("test")
mcp.add_middleware(ResponseCachingMiddleware())
calls = []


@mcp.tool
async def remember(ctx: Context) -> str:
    await ctx.set_state("user", User(name="Ada", since=datetime(1815, 12, 10)))
    return str(await ctx.get_state("user"))


@mcp.tool
def measured() -> ToolResult:
    calls.append(1)
    return ToolResult(content="x", meta={"at": datetime(2026, 1, 2), "tags": {"one"}})


async def main():
    async with Client(mcp) as client:
        assert (await client.call_tool("remember")).data == "{'name': 'Ada', 'since': '1815-12-10T00:00:00'}"
        for _ in range(2):
            assert (await client.call_tool("measured")).meta["at"] == "2026-01-02T00:00:00"
    assert calls == [1]
    # As the client of OAuth stores one that was registered by hand.
    clients = PydanticAdapter(MemoryStore(), OAuthClientInformationFull)
    await clients.put("c", OAuthClientInformationFull(client_id="c", redirect_uris=[AnyHttpUrl("http://localhost:1/cb")]))
    assert str((await clients.get("c")).redirect_uris[0]) == "http://localhost:1/cb"


asyncio.run(main())
"""
"""What FastMCP stores that its types leave open."""


@pytest.fixture(scope="module")
def fastmcp(tmp_path_factory: pytest.TempPathFactory, dist: Path) -> Environment:
    """Return an environment with the current FastMCP.

    It requires `py-key-value-aio<0.6`, so a backend must not require a later core.
    """
    environment = Environment(tmp_path_factory.mktemp("fastmcp") / "venv", dist)
    backends = [DISTRIBUTIONS[f"{CORE}-{name}"] for name in BACKENDS]
    environment.install_beside("fastmcp", DISTRIBUTIONS[CORE], *backends)
    return environment


def test_fastmcp_is_installed_beside_a_backend(fastmcp: Environment) -> None:
    assert {"fastmcp", CORE, f"{CORE}-redis"} <= fastmcp.installed()
    done = fastmcp.execute("import fastmcp.server.event_store, key_value.aio.stores.redis")
    assert done.returncode == 0, done.stderr


def test_fastmcp_stores_what_its_types_leave_open(fastmcp: Environment) -> None:
    done = fastmcp.execute(ITS_TYPES)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", re.findall(r"^```py\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL))
def test_a_program_of_the_guide_runs(program: str, fastmcp: Environment) -> None:
    names = re.findall(r'os\.environ\["(\w+)"\]', program)
    given = {**dict.fromkeys(names, "given"), "STORAGE_KEY": STORAGE_KEY}
    done = fastmcp.execute(f"import os\nos.environ |= {given}\n{program}")
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Login:
    """A client that has registered, and its last tokens."""

    client_id: str
    access_token: str
    refresh_token: str


class Proxy:
    """The replicas behind one address: requests go to them in turn, as through a load balancer."""

    def __init__(self, public: str, ports: list[int], session: aiohttp.ClientSession) -> None:
        self._public = public
        self._ports = ports
        self._session = session
        self._requests = count()

    async def request(self, method: str, target: str, **options: Any) -> tuple[int, str, str]:
        """Send a request to the next replica; return the status, the text and the location of a redirect."""
        port = self._ports[next(self._requests) % len(self._ports)]
        headers = {
            "Host": urlsplit(self._public).netloc,
            "Origin": self._public,
            **options.pop("headers", {}),
        }
        url = f"http://localhost:{port}{target.removeprefix(self._public)}"
        if target.startswith("http") and not target.startswith(self._public):
            url, headers = target, {}
        async with self._session.request(
            method, url, headers=headers, allow_redirects=False, **options
        ) as response:
            return response.status, await response.text(), response.headers.get("Location", "")

    async def log_in(self, name: str) -> Login:
        """Register a client, let its user consent, and exchange the code, which is valid once."""
        metadata = {
            "client_name": name,
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "scope": "read",
        }
        status, text, _ = await self.request("POST", "/register", json=metadata)
        assert status == 201, text
        client_id = json.loads(text)["client_id"]

        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "state": "s",
            "scope": "read",
        }
        _, _, consent = await self.request("GET", f"/authorize?{urlencode(query)}")
        _, page, _ = await self.request("GET", consent)
        fields = dict(re.findall(r'name="(txn_id|csrf_token)" value="([^"]+)"', page))
        _, _, location = await self.request("POST", consent, data={**fields, "action": "approve"})
        while not location.startswith(CALLBACK):
            status, text, location = await self.request("GET", location)
            assert 300 <= status < 400, text

        code = parse_qs(urlsplit(location).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "code": code,
            "code_verifier": verifier,
        }
        login = await self._exchange(form)
        for _ in range(2):
            assert (await self.request("POST", "/token", data=form))[0] in (400, 401)
        return login

    async def refresh(self, login: Login) -> Login:
        """Exchange a refresh token for new tokens."""
        form = {
            "grant_type": "refresh_token",
            "client_id": login.client_id,
            "refresh_token": login.refresh_token,
        }
        return await self._exchange(form)

    async def call_tool(self, login: Login, first: int) -> None:
        """Call the tool with the access token."""
        headers = {
            "Authorization": f"Bearer {login.access_token}",
            "Accept": "application/json, text/event-stream",
        }
        params = {"name": "add", "arguments": {"first": first, "second": 1}}
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        status, text, _ = await self.request("POST", "/mcp", headers=headers, json=call)
        assert (status, f'"text":"{first + 1}"' in text) == (200, True), text

    async def _exchange(self, form: dict[str, str]) -> Login:
        status, text, _ = await self.request("POST", "/token", data=form)
        assert status == 200, text
        tokens = json.loads(text)
        return Login(form["client_id"], tokens["access_token"], tokens["refresh_token"])


@asynccontextmanager
async def upstream(port: int) -> AsyncGenerator[None]:
    """Run an OAuth provider that authorizes everybody."""

    async def authorize(request: web.Request) -> web.Response:
        query = urlencode({"code": secrets.token_hex(8), "state": request.query["state"]})
        return web.Response(status=302, headers={"Location": f"{request.query['redirect_uri']}?{query}"})

    async def token(_: web.Request) -> web.Response:
        access, refresh = (UPSTREAM_TOKEN + secrets.token_hex(16) for _ in range(2))
        lasting = {"token_type": "Bearer", "expires_in": 3600, "scope": "read"}
        return web.json_response({"access_token": access, "refresh_token": refresh, **lasting})

    app = web.Application()
    app.router.add_get("/authorize", authorize)
    app.router.add_post("/token", token)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "localhost", port).start()
        yield
    finally:
        await runner.cleanup()


@contextmanager
def replicas(
    environment: Environment, ports: Sequence[int], folder: Path, options: dict[str, Any]
) -> Generator[Sequence["subprocess.Popen[bytes]"]]:
    """Run FastMCP at each port, and yield the processes."""
    command = [str(environment.python), "-I", str(REPLICA)]
    with ExitStack() as stack:
        processes: list[subprocess.Popen[bytes]] = []
        for port in ports:
            (directory := folder / str(port)).mkdir(exist_ok=True)
            given = json.dumps({**options, "port": port})
            replica = running(command, directory=directory, ready=partial(answers, port), given=given)
            processes.append(stack.enter_context(replica))
        yield processes


def answers(port: int) -> bool:
    """Return whether a replica is ready."""
    try:
        with urlopen(f"http://localhost:{port}/.well-known/oauth-authorization-server"):
            return True
    except URLError:
        return False


@pytest.mark.parametrize("store", ["default", "sqlite", pytest.param("redis", marks=pytest.mark.server)])
def test_replicas_share_the_storage_of_an_oauth_proxy(
    store: str, fastmcp: Environment, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Clients log in, call tools and refresh their tokens at either replica, also after both were killed."""
    (data := tmp_path / "data").mkdir()
    urls = {"default": None, "sqlite": f"sqlite:///{data}/oauth.db"}
    first, second, third, public = (free_port() for _ in range(4))
    options: dict[str, Any] = {
        "home": str(data),
        "store": urls[store] if store in urls else request.getfixturevalue(store).url,
        "storage_key": STORAGE_KEY,
        "public": f"http://localhost:{public}",
        "upstream": f"http://localhost:{third}",
    }

    async def use(proxy: Proxy, number: int) -> Login:
        login = await proxy.log_in(f"client {number}")
        for _ in range(3):
            await proxy.call_tool(login, number)
            login = await proxy.refresh(login)
        return login

    async def all_together(each: Callable[[Proxy, T], Awaitable[R]], arguments: Iterable[T]) -> list[R]:
        async with upstream(third), aiohttp.ClientSession() as session:
            proxy = Proxy(options["public"], [first, second], session)
            return await asyncio.gather(*(each(proxy, argument) for argument in arguments))

    with replicas(fastmcp, [first, second], tmp_path, options) as processes:
        logins = asyncio.run(all_together(use, range(CLIENTS)))
        for process in processes:
            process.kill()
    with replicas(fastmcp, [first, second], tmp_path, options):
        asyncio.run(all_together(Proxy.refresh, logins))
    assert all(UPSTREAM_TOKEN.encode() not in file.read_bytes() for file in data.rglob("*") if file.is_file())
