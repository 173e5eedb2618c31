"""A FastMCP server behind an OAuth proxy; its options are a JSON object on standard input."""

# pyright: basic, reportMissingImports=false, reportGeneralTypeIssues=false

import json
import os
import sys

options = json.load(sys.stdin)
os.environ["FASTMCP_HOME"] = options["home"]

import uvicorn  # noqa: E402 -- FastMCP reads the environment when it is imported
from cryptography.fernet import Fernet  # noqa: E402
from fastmcp import FastMCP  # noqa: E402
from fastmcp.server.auth import AccessToken, TokenVerifier  # noqa: E402
from fastmcp.server.auth.oauth_proxy import OAuthProxy  # noqa: E402
from fastmcp.server.middleware.caching import ResponseCachingMiddleware  # noqa: E402
from typing_extensions import override  # noqa: E402

from key_value.aio.urls import open_store  # noqa: E402
from key_value.aio.wrappers.encryption import FernetEncryptionWrapper  # noqa: E402


class Upstream(TokenVerifier):
    """Accept the tokens of the test's provider."""

    @override
    async def verify_token(self, token: str) -> AccessToken | None:
        if token.startswith("issued-upstream-"):
            return AccessToken(token=token, client_id="upstream", scopes=["read"])
        return None


storage = None
if options["store"] is not None:
    key = Fernet(options["storage_key"])
    storage = FernetEncryptionWrapper(
        open_store(options["store"]), fernet=key, raise_on_decryption_error=False
    )
proxy = OAuthProxy(
    upstream_authorization_endpoint=f"{options['upstream']}/authorize",
    upstream_token_endpoint=f"{options['upstream']}/token",
    upstream_client_id="test",
    upstream_client_secret="a secret of the test",
    token_verifier=Upstream(required_scopes=["read"]),
    base_url=options["public"],
    jwt_signing_key="a signing key of the test",
    client_storage=storage,
)
mcp = FastMCP("sums", auth=proxy)
mcp.add_middleware(ResponseCachingMiddleware())


@mcp.tool
def add(first: int, second: int) -> int:
    return first + second


uvicorn.run(mcp.http_app(stateless_http=True), host="127.0.0.1", port=options["port"], log_level="warning")
