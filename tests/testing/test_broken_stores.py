"""Each store that is broken on purpose fails the tests of what it broke, and no others."""

import re
from pathlib import Path

import pytest

from tests.packaging.environment import run

BROKEN = Path(__file__).parent / "broken_stores.py"

# What breaks one promise shows in every test that relies on it.
FAILURES = {
    "ForgetsTheTTL": {
        "test_ttl_is_what_is_left",
        "test_is_gone_after_its_ttl",
        "test_ttl_of_an_expired_entry_is_none",
        "test_a_ttl_is_of_one_entry",
        "test_a_batch_expires_as_one",
        "test_put_replaces_a_longer_ttl",
        "test_delete_of_an_expired_entry_is_false",
        "test_delete_many_does_not_count_expired_entries",
        "test_expired_keys_are_not_listed",
        "test_expired_keys_do_not_use_up_the_limit",
        "test_put_if_absent_takes_the_place_of_an_expired_entry",
        "test_cull_leaves_what_has_not_expired",
        "test_a_large_batch_is_whole",
        "test_a_value_is_never_torn",
    },
    "KeepsAnOldExpiry": {
        "test_put_replaces_a_shorter_ttl",
        "test_put_if_absent_takes_the_place_of_an_expired_entry",
    },
    "CutsATTL": {"test_lives_its_whole_ttl_past_a_full_second"},
    "CountsTheExpired": {"test_delete_of_an_expired_entry_is_false"},
    "ListsTheExpired": {"test_expired_keys_are_not_listed"},
    "CutsTheList": {"test_lists_every_key_of_many"},
    "MixesCollections": {
        "test_no_two_collections_share_an_address",
        "test_collections_are_listed_as_they_were_given",
        "test_keys_are_listed_in_their_own_collection",
        "test_destroy_collection_spares_its_neighbours",
        "test_a_collection_is_destroyed_with_no_other",
    },
    "ReordersABatch": {
        "test_answers_in_the_order_of_the_keys",
        "test_answers_a_repeated_key_each_time",
        "test_a_large_batch_is_whole",
        "test_no_two_keys_share_an_address",
        "test_cull_leaves_what_has_not_expired",
    },
    "ReturnsLiveObjects": {
        "test_a_change_of_what_was_read_stays_outside",
        "test_a_change_of_what_was_written_stays_outside",
        "test_a_key_read_twice_in_a_batch_gives_two_copies",
        "test_one_value_written_under_two_keys_is_two_entries",
        "test_a_tuple_is_read_as_a_list",
        "test_nested_integer_keys_are_read_as_strings",
        "test_reads_a_plain_dict",
    },
    "SwallowsCorruptBytes": {
        "test_what_cannot_be_read_is_an_error",
        "test_a_batch_with_one_unreadable_value_is_an_error",
        "test_an_unreadable_value_can_be_deleted",
    },
    "CreatesByReading": {"test_a_read_creates_no_collection"},
    "ClaimsTwice": {
        "test_put_if_absent_has_one_winner",
        "test_put_if_absent_has_one_winner_among_threads",
    },
    "RoundsIntegers": {"test_reads_the_same_json"},
    "ForgetsThatItIsClosed": {"test_a_closed_store_says_so"},
    "LosesAnAbility": {
        "test_has_the_abilities_that_are_declared_and_no_others",
        "test_cull_of_nothing_is_no_error",
        "test_cull_leaves_what_has_not_expired",
        "test_the_abilities_of_a_closed_store_say_so",
    },
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("store", FAILURES)
def test_a_broken_store_fails_the_tests_of_what_it_broke(store: str) -> None:
    options = [
        "-q",
        "-rf",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-o",
        "addopts=--import-mode=importlib",
    ]
    printed = run("pytest", *options, f"{BROKEN}::Test{store}").stdout
    assert set(re.findall(r"^FAILED .*?::(test_\w+)", printed, re.MULTILINE)) == FAILURES[store], printed
