"""The arguments that both stores have in common."""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any


def prefix_of(index_prefix: str | None, index: str | None) -> str:
    """Return the prefix of index names, for which there are two arguments.

    Raises:
        ValueError: Neither or both arguments are given.
    """
    if (index_prefix is None) is (index is None):
        raise ValueError("Provide index_prefix, or its alias index")
    return index_prefix or index or ""


def location_of(urls: Sequence[str], index_prefix: str) -> str:
    """Return the location of a store, without the passwords of its URLs."""
    shown = ",".join(re.sub("//[^/]*@", "//", url) for url in urls)
    return f"{shown}/{index_prefix}-*"


def authorization_of(
    api_key: str | tuple[str, str] | None, basic_auth: tuple[str, str] | None, bearer_auth: str | None
) -> str | None:
    """Return the authorization header; the drivers ignore some credentials, or cannot encode non-ASCII ones.

    Raises:
        ValueError: Several kinds of credentials are given.
    """
    given = [value for value in (api_key, basic_auth, bearer_auth) if value is not None]
    if len(given) > 1:
        raise ValueError("Provide only one of api_key, basic_auth and bearer_auth")
    if bearer_auth is not None:
        return f"Bearer {bearer_auth}"
    if basic_auth is not None:
        return f"Basic {_encoded(basic_auth)}"
    if api_key is not None:
        return f"ApiKey {api_key if isinstance(api_key, str) else _encoded(api_key)}"
    return None


def _encoded(pair: tuple[str, str]) -> str:
    return b64encode(":".join(pair).encode()).decode()


def options_of(
    authorization: str | None, ca_certs: str | None, verify_certs: bool, further: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the arguments of a client; the further options come first."""
    options = dict(further or {})
    if authorization is not None:
        options["headers"] = {**(options.get("headers") or {}), "authorization": authorization}
    if ca_certs is not None:
        options["ca_certs"] = ca_certs
    if not verify_certs:
        options |= {"verify_certs": False, "ssl_show_warn": False}
    return options
