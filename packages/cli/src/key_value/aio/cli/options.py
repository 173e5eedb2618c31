"""The options that several commands share."""

from typing import Annotated, TypeAlias

import typer

Url: TypeAlias = Annotated[
    str,
    typer.Option(
        "--url",
        "-u",
        envvar="KV_URL",
        help="The URL of the store, such as sqlite:///app.db; in the environment no other user sees it.",
    ),
]

Collection: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--collection", "-c", envvar="KV_COLLECTION", help="The collection, if not the store's default."
    ),
]
