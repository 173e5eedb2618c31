"""The code that the packages of Elasticsearch and OpenSearch share as equal copies, and its names."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from key_value.aio.stores.elasticsearch.documents import parse_version
from key_value.aio.stores.elasticsearch.names import LONGEST_ID, LONGEST_INDEX, SearchNames
from tests.packaging.environment import ROOT

SHARED = ("answers", "api", "arguments", "documents", "engine", "names")
"""Modules that a third distribution would have, to be released along with the two."""

NAMES = st.text(max_size=300) | st.text("aA%-.~kv5Ss/\\* :é\ud800😀𐐀Σß\0", max_size=300)


def module(package: str, name: str) -> str:
    folder = Path(ROOT) / "packages" / package / "src" / "key_value" / "aio" / "stores" / package
    return (folder / f"{name}.py").read_text().replace(f"stores.{package}", "stores.either")


@pytest.mark.parametrize("name", SHARED)
def test_both_packages_have_the_same(name: str) -> None:
    assert module("elasticsearch", name) == module("opensearch", name)


@given(NAMES)
def test_any_collection_has_an_index_that_it_can_be_read_back_from(collection: str) -> None:
    names = SearchNames("Prefix", None, None)
    stored, _ = names.pair(collection, "k")
    index, alias = names.index(stored), names.alias(stored)
    assert index.startswith("prefix-")
    assert index == index.lower()
    assert len(alias.encode()) <= LONGEST_INDEX
    assert not set(index) & set('\\/*?"<>| ,#:\0\n')
    assert names.collections.try_unsanitize(stored) in (collection, None)


@given(NAMES, NAMES)
def test_two_collections_share_no_index(one: str, other: str) -> None:
    names = SearchNames("p", None, None)
    taken = {names.index(names.collection(name)) for name in (one, other)}
    taken |= {names.alias(names.collection(name)) for name in (one, other)}
    assert len(taken) == (2 if one == other else 4)


@given(NAMES)
def test_any_key_has_an_id(key: str) -> None:
    names = SearchNames("p", None, None)
    _, stored = names.pair("c", key)
    assert 1 <= len(stored.encode()) <= LONGEST_ID
    assert names.keys.try_unsanitize(stored) in (key, None)


@pytest.mark.parametrize(
    ("collection", "index"),
    [
        ("users", "p-users"),
        ("a.b_c-d", "p-a.b_c-d"),
        ("straße é", "p-straße%20é"),
        ("Users", "p-%55sers"),
        ("tools/list", "p-tools%2flist"),
        ("a~kv", "p-a%7e%6b%76"),
    ],
)
def test_the_index_of_a_collection(collection: str, index: str) -> None:
    names = SearchNames("P", None, None)
    assert names.index(names.collection(collection)) == index


@pytest.mark.parametrize(
    ("collection", "key", "location"),
    [
        ("users", "k", None),
        ("users", "50%", None),
        ("Users", "k", ("p-users", "k")),
        ("users", "%ED%A0%80", ("p-users", "%ED%A0%80")),
        ("tools/list", "k", None),
        ("Users", "", None),
        ("Users", "x" * 513, None),
    ],
)
def test_where_0_5_put_an_entry(collection: str, key: str, location: tuple[str, str] | None) -> None:
    names = SearchNames("p", None, None)
    assert names.former_location(names.pair(collection, key)) == location


@pytest.mark.parametrize("text", ["", "a", "a 1", "a 1.", "a x.1", "a 1.1.1", "a 9" + "9" * 40 + ".1"])
def test_what_is_no_version_is_none(text: str) -> None:
    assert parse_version(text) is None
