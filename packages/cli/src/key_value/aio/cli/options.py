"""Options shared by several commands."""

import click

of_store = click.option(
    "--url",
    "-u",
    envvar="KV_URL",
    show_envvar=True,
    required=True,
    help="URL of the store, such as sqlite:///app.db; other users cannot see it in the environment.",
)

of_collection = click.option(
    "--collection",
    "-c",
    envvar="KV_COLLECTION",
    show_envvar=True,
    help="Collection name; by default, the store's default collection.",
)
