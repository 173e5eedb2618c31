"""The options that several commands share."""

import click

of_store = click.option(
    "--url",
    "-u",
    envvar="KV_URL",
    show_envvar=True,
    required=True,
    help="The URL of the store, such as sqlite:///app.db; in the environment no other user sees it.",
)

of_collection = click.option(
    "--collection",
    "-c",
    envvar="KV_COLLECTION",
    show_envvar=True,
    help="The collection, if not the store's default.",
)
