"""Each store that is broken on purpose fails the tests of its defect; every night also: and no others."""

import re
import sys
from pathlib import Path

import pytest

from key_value.aio.testing.suites.base import nightly
from tests.packaging.environment import run

BROKEN = Path(__file__).parent / "broken_stores.py"

# A broken guarantee fails every test that relies on it.
FAILURES: dict[str, set[str]] = {
    "ForgetsTheTTL": {
        "test_a_batch_expires_as_one",
        "test_a_large_batch_is_whole",
        "test_a_timedelta_is_a_ttl",
        "test_a_touched_entry_is_gone_after_its_new_ttl",
        "test_a_ttl_is_of_one_entry",
        "test_a_value_is_never_torn",
        "test_an_expired_entry_has_no_version",
        "test_cull_leaves_what_has_not_expired",
        "test_delete_many_does_not_count_expired_entries",
        "test_delete_of_an_expired_entry_is_false",
        "test_expired_keys_are_not_listed",
        "test_expired_keys_do_not_use_up_the_limit",
        "test_is_gone_after_its_ttl",
        "test_pop_of_an_expired_entry_is_none",
        "test_put_if_absent_takes_the_place_of_an_expired_entry",
        "test_put_if_version_sets_the_ttl",
        "test_put_replaces_a_longer_ttl",
        "test_reads_a_value_with_its_version_and_ttl",
        "test_scan_lists_no_expired_key",
        "test_the_version_of_an_expired_entry_matches_nothing",
        "test_touch_resurrects_no_expired_entry",
        "test_touch_sets_the_ttl_and_keeps_the_value",
        "test_touch_takes_a_timedelta",
        "test_ttl_is_what_is_left",
        "test_ttl_of_an_expired_entry_is_none",
        "test_writes_free_what_has_expired",
    },
    "KeepsAnOldExpiry": {
        "test_an_entry_that_was_renewed_is_not_freed",
        "test_put_if_absent_takes_the_place_of_an_expired_entry",
        "test_put_if_version_returns_the_next_version",
        "test_put_replaces_a_shorter_ttl",
        "test_touch_makes_an_entry_live_for_ever",
    },
    "CutsATTL": {"test_lives_its_whole_ttl_past_a_full_second"},
    "CountsTheExpired": {"test_delete_of_an_expired_entry_is_false"},
    "ListsTheExpired": {"test_expired_keys_are_not_listed"},
    "CutsTheList": {"test_lists_every_key_of_many"},
    "MixesCollections": {
        "test_a_collection_is_destroyed_with_no_other",
        "test_collections_are_listed_as_they_were_given",
        "test_keys_are_listed_in_their_own_collection",
        "test_no_two_collections_share_an_address",
        "test_scan_lists_a_collection_of_any_name",
    },
    "ReordersABatch": {
        "test_a_delete_that_was_given_up_removes_no_later_value",
        "test_a_failed_write_harms_none_beside_it",
        "test_a_large_batch_is_whole",
        "test_a_write_that_was_given_up_replaces_no_later_one",
        "test_answers_a_repeated_key_each_time",
        "test_answers_in_the_order_of_the_keys",
        "test_cull_leaves_what_has_not_expired",
        "test_no_two_keys_share_an_address",
        "test_touch_brings_back_no_older_value",
        "test_writes_free_what_has_expired",
    },
    "ReturnsLiveObjects": {
        "test_a_change_of_what_was_read_stays_outside",
        "test_a_change_of_what_was_written_stays_outside",
        "test_a_key_read_twice_in_a_batch_gives_two_copies",
        "test_a_tuple_is_read_as_a_list",
        "test_nested_integer_keys_are_read_as_strings",
        "test_one_value_written_under_two_keys_is_two_entries",
        "test_reads_a_plain_dict",
    },
    "SwallowsCorruptBytes": {
        "test_a_batch_with_one_unreadable_value_is_an_error",
        "test_a_value_of_a_foreign_type_fails_its_batch",
        "test_a_value_of_a_foreign_type_is_an_error",
        "test_a_value_of_a_foreign_type_is_an_error_for_reads_at_once",
        "test_a_value_of_a_foreign_type_is_no_claim",
        "test_an_unreadable_value_can_be_deleted",
        "test_what_cannot_be_read_is_an_error",
    },
    "CreatesByReading": {"test_a_read_creates_no_collection"},
    "ClaimsTwice": {"test_put_if_absent_has_one_winner", "test_put_if_absent_has_one_winner_among_threads"},
    "RoundsIntegers": {"test_reads_the_same_json"},
    "ForgetsThatItIsClosed": {"test_a_closed_store_says_so"},
    "LosesAnAbility": {
        "test_cull_leaves_what_has_not_expired",
        "test_cull_of_nothing_is_no_error",
        "test_has_the_abilities_that_are_declared_and_no_others",
        "test_the_abilities_of_a_closed_store_say_so",
    },
    "VersionsOfTheValue": {
        "test_a_stale_version_matches_nothing",
        "test_a_touched_entry_keeps_versions_apart",
        "test_equal_values_at_once_have_versions_of_their_own",
        "test_the_version_of_an_expired_entry_matches_nothing",
    },
    "RestartsItsVersions": {"test_a_stale_version_matches_nothing"},
    "ComparesTooEarly": {"test_additions_by_many_tasks_are_all_counted"},
    "PopsTwice": {"test_no_value_is_popped_twice_beside_puts", "test_pop_has_one_winner"},
    "TouchesTheExpired": {"test_touch_resurrects_no_expired_entry"},
    "TouchesByWriting": {"test_touch_resurrects_no_deleted_entry"},
    "CutsATouch": {"test_touch_sets_the_ttl_and_keeps_the_value"},
    "ScansPatterns": {"test_a_prefix_is_taken_literally"},
    "ScansByOffset": {"test_scan_lists_what_stays_while_others_come_and_go"},
    "TakesAnyCursor": {"test_a_cursor_of_another_scan_is_a_value_error"},
    "TakesANameAtItsWord": {
        "test_a_key_of_a_subclass_is_its_plain_text",
        "test_a_name_of_a_subclass_is_found_after_close",
        "test_listed_keys_are_plain",
        "test_put_if_absent_takes_a_subclass_for_its_text",
    },
    # From Python 3.12 on, the depth that the json module takes does not depend on the caller's stack.
    "LeavesDepthToTheStack": set()
    if sys.version_info >= (3, 12)
    else {
        "test_the_limit_is_the_same_for_a_deep_writer",
        "test_what_is_too_deep_to_read_is_refused",
    },
    "MissesTheForeign": {
        "test_a_batch_with_one_unreadable_value_is_an_error",
        "test_a_value_of_a_foreign_type_fails_its_batch",
        "test_a_value_of_a_foreign_type_is_an_error",
        "test_a_value_of_a_foreign_type_is_an_error_for_reads_at_once",
        "test_what_cannot_be_read_is_an_error",
    },
    "NamesNoFailedKey": {"test_a_failed_batch_names_its_keys"},
    "WritesLate": {
        "test_a_write_that_was_given_up_is_not_seen_after_a_delete",
        "test_a_write_that_was_given_up_replaces_no_later_one",
    },
    "RaisesTheDriversErrors": {"test_a_failed_write_harms_none_beside_it"},
    "WaitsForAnotherLoop": {"test_a_first_call_that_its_loop_cut_off_hangs_no_other"},
    "RefusesAChild": {"test_a_fork_during_writes_hangs_no_child", "test_a_forked_child_works_or_is_refused"},
    "KeepsAThread": {"test_closed_stores_keep_no_thread_and_no_descriptor"},
    "RemembersTheDeleted": {"test_deleted_entries_keep_no_memory"},
    "ReclaimsNothing": {"test_writes_free_what_has_expired"},
    "ReclaimsTheRenewed": {"test_an_entry_that_was_renewed_is_not_freed"},
    "StaysRelative": {
        "test_a_relative_path_is_resolved_when_it_is_given",
        "test_a_store_stays_when_the_directory_changes",
    },
}


@pytest.fixture(scope="module")
def failed() -> dict[str, set[str]]:
    """Return the failing tests of each broken store; one process runs all of them, to save startup time.

    Only the nightly profile also runs the tests that pass: they are most of the suite, for each store.
    """
    failing = [f"{BROKEN}::Test{store}::{test}" for store, tests in FAILURES.items() for test in tests]
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
    printed = run("pytest", *options, "--tb=no", *([BROKEN] if nightly() else failing)).stdout
    tests: dict[str, set[str]] = {}
    for store, test in re.findall(r"^FAILED .*?::Test(\w+)::(test_\w+)", printed, re.MULTILINE):
        tests.setdefault(store, set()).add(test)
    assert re.search(r"\d+ failed, \d+ passed" if nightly() else r"\d+ failed", printed), printed
    return tests


@pytest.mark.timeout(3_600 if nightly() else 300)
@pytest.mark.parametrize("store", FAILURES)
def test_a_broken_store_fails_the_tests_of_what_it_broke(store: str, failed: dict[str, set[str]]) -> None:
    assert failed.get(store, set()) == FAILURES[store]
