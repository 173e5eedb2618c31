"""Sanitization as in the 0.5 series, and the naming rule of the current stores."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from key_value.aio._utils import compound, sanitize
from key_value.aio._utils.escaping import EscapingStrategy, differs_in_case
from key_value.aio._utils.sanitization import (
    AlwaysHashStrategy,
    HashExcessLengthStrategy,
    HashFragmentMode,
    HybridSanitizationStrategy,
    PassthroughStrategy,
    SanitizationStrategy,
)
from key_value.aio.errors import InvalidKeyError
from key_value.aio.stores.base import Names

ALPHANUMERIC = string.ascii_letters + string.digits
HYBRID = HybridSanitizationStrategy(allowed_characters=ALPHANUMERIC)


class TestOfTheOldSeries:
    @pytest.mark.parametrize(
        ("strategy", "name", "expected"),
        [
            (HYBRID, "test", "test"),
            (HYBRID, "a b//c", "S_a_b_c-d860b5fe"),
            (HYBRID, "!", "S_-bb7208bc"),
            (HYBRID, "", ""),
            (HYBRID, "test::key", "S_test_key-a2bc4860"),
            (HYBRID, "my-key", "S_my_key-5e78863e"),
            (HYBRID, "c d", "S_c_d-b561f19f"),
            (
                HybridSanitizationStrategy(hash_fragment_mode=HashFragmentMode.ALWAYS),
                "",
                "S_-e3b0c442",
            ),
            (
                HybridSanitizationStrategy(hash_fragment_mode=HashFragmentMode.ALWAYS),
                "test",
                "S_test-9f86d081",
            ),
            (
                HybridSanitizationStrategy(
                    allowed_characters=ALPHANUMERIC, hash_fragment_mode=HashFragmentMode.NEVER
                ),
                "test::key",
                "S_test_key",
            ),
            (
                HybridSanitizationStrategy(
                    allowed_characters=ALPHANUMERIC, hash_fragment_mode=HashFragmentMode.NEVER
                ),
                "!",
                "S_",
            ),
            (HybridSanitizationStrategy(20, ALPHANUMERIC), "x" * 30, "S_xxxxxxxxxxxxxxxxxx"),
            (HybridSanitizationStrategy(20, ALPHANUMERIC), "a b" + "x" * 30, "S_a_bxxxxxx-38169a78"),
            (
                HybridSanitizationStrategy(200, ALPHANUMERIC + "_"),
                "test_collection!@#$%^&*()",
                "S_test_collection_-daf4a2ec",
            ),
            (HybridSanitizationStrategy(200, ALPHANUMERIC + "_"), "co l!", "S_co_l_-d16c4263"),
            (PassthroughStrategy(), "a/b", "a/b"),
            (AlwaysHashStrategy(9), "test", "9f86d0818"),
            (HashExcessLengthStrategy(240), "x" * 240, "x" * 240),
        ],
    )
    def test_golden_values(self, strategy: SanitizationStrategy, name: str, expected: str) -> None:
        assert strategy.sanitize(name) == expected

    def test_what_is_too_long_is_hashed(self) -> None:
        hashed = HashExcessLengthStrategy(240).sanitize("x" * 241)
        assert hashed.startswith("H_")
        assert len(hashed) == 66

    @pytest.mark.parametrize("strategy", [HYBRID, HashExcessLengthStrategy()])
    @pytest.mark.parametrize("name", ["H_a", "S_a"])
    def test_reserved_prefixes(self, strategy: SanitizationStrategy, name: str) -> None:
        with pytest.raises(InvalidKeyError, match="cannot start with reserved prefixes 'H_' or 'S_'"):
            strategy.validate(name)
        assert strategy.try_unsanitize(name) is None
        strategy.validate("a")

    @pytest.mark.parametrize("length", [8, 65])
    def test_hash_lengths(self, length: int) -> None:
        with pytest.raises(ValueError, match=f"greater than 8 and less than 64: {length}"):
            AlwaysHashStrategy(length)

    def test_sanitize_string(self) -> None:
        always = sanitize.HashFragmentMode.ALWAYS
        assert sanitize.sanitize_string("test string", 16, hash_fragment_mode=always) == "test st-d5579c46"
        lower = sanitize.LOWERCASE_ALPHABET
        assert sanitize.sanitize_string("test with spaces", 16, lower) == "test_wi-ed2daf39"
        assert sanitize.sanitize_string("!!", 16, lower) == sanitize.generate_hash_fragment("!!")
        with pytest.raises(ValueError, match="at least 16"):
            sanitize.sanitize_string("a", 15)
        with pytest.raises(ValueError, match="half of max_length"):
            sanitize.sanitize_string("a", 16, hash_fragment_length=9)
        with pytest.raises(ValueError, match="Nothing is left"):
            sanitize.sanitize_string("!", 16, lower, hash_fragment_mode=sanitize.HashFragmentMode.NEVER)

    def test_hash_excess_length(self) -> None:
        assert sanitize.hash_excess_length("é" * 8, 16, length_is_bytes=True) == "é" * 8
        cut = sanitize.hash_excess_length("é" * 9, 17, length_is_bytes=True)
        assert cut == "é" * 4 + sanitize.generate_hash_fragment("é" * 9)

    def test_compound_names(self) -> None:
        assert compound.compound_key("c", "k") == "c::k"
        assert compound.uncompound_key("c::k::l") == ("c", "k::l")
        assert compound.prefix_key("k", "p") == compound.prefix_collection("k", "p") == "p__k"
        assert compound.unprefix_key("p__k", "p") == compound.unprefix_collection("p__k", "p") == "k"
        assert compound.get_collections_from_compound_keys(["b::1", "a::2", "b::3"]) == ["b", "a"]
        assert compound.get_keys_from_compound_keys(["b::1", "a::2", "b::3"], "b") == ["1", "3"]
        with pytest.raises(TypeError, match="String x is not a compound identifier"):
            compound.uncompound_key("x")
        for unprefix in (compound.unprefix_key, compound.unprefix_collection):
            with pytest.raises(ValueError, match="x is not prefixed with p__"):
                unprefix("x", "p")


SURROGATES = st.characters(categories=["Cs"])
NAMES = st.text(st.sampled_from("%25AFEDéa/:.-0") | st.characters() | SURROGATES, max_size=12)
PATHS = EscapingStrategy("[/A]|^\\.", max_bytes=100)


class TestEscaping:
    @given(NAMES, NAMES)
    def test_no_two_names_become_one(self, first: str, second: str) -> None:
        assert (PATHS.sanitize(first) == PATHS.sanitize(second)) == (first == second)

    @given(NAMES)
    def test_comes_back(self, name: str) -> None:
        assert PATHS.try_unsanitize(PATHS.sanitize(name)) == name

    @given(NAMES)
    def test_holds_nothing_unsafe(self, name: str) -> None:
        safe = PATHS.sanitize(name)
        assert "/" not in safe
        assert not safe.startswith(".")
        assert len(safe.encode()) <= 100

    @given(st.text("%25ADF", max_size=10), st.text("%25ADF", max_size=10))
    def test_names_that_look_escaped_stay_apart(self, first: str, second: str) -> None:
        assert (PATHS.sanitize(first) == PATHS.sanitize(second)) == (first == second)

    @pytest.mark.parametrize("name", ["plain", "100%", "100%25", "a%2Fb%", "https%3A%2F%2Fhost", "é", ""])
    def test_leaves_what_is_plain(self, name: str) -> None:
        assert EscapingStrategy().sanitize(name) == name

    @pytest.mark.parametrize(
        ("name", "escaped"),
        [("a/b", "a%2Fb"), ("a%2Fb", "a%252Fb"), (".a", "%2Ea"), ("Aé", "%41é"), ("\ud800", "%ED%A0%80")],
    )
    def test_encodes_only_what_it_must(self, name: str, escaped: str) -> None:
        assert EscapingStrategy("[/A\ud800]|^\\.").sanitize(name) == escaped

    def test_what_is_too_long_is_cut_and_keeps_apart(self) -> None:
        long = PATHS.sanitize("x" * 101)
        assert len(long) == 100
        assert long[:34] == "x" * 34
        assert len({PATHS.sanitize("x" * n) for n in range(99, 200)}) == 101
        assert PATHS.sanitize(long) != long
        assert PATHS.try_unsanitize(long) is None

    def test_a_name_made_to_take_long_does_not(self) -> None:
        name = "%" + "25" * 50_000
        assert EscapingStrategy().try_unsanitize(EscapingStrategy().sanitize(name)) == name


EMPTY = EscapingStrategy(max_bytes=100, escapes_empty=True)


@pytest.mark.parametrize("name", ["", "%-", "%25%2D", "%%-", "%-a", " ", "a" * 200])
def test_the_empty_name_is_escaped_and_no_other_becomes_what_it_is(name: str) -> None:
    assert EMPTY.sanitize(name) != ""
    assert (EMPTY.sanitize(name) == EMPTY.sanitize("")) is (name == "")
    assert EMPTY.try_unsanitize(EMPTY.sanitize(name)) == (name if len(name) <= 100 else None)
    assert EscapingStrategy().sanitize("") == ""


CASE = EscapingStrategy(differs_in_case(), max_bytes=100)
LETTERS = "aAcCéÉkK\u212aiI\u0130\u0131sS\u017f\u00dfΣς\u03c3\u01c5"
CASED = st.text(st.sampled_from(LETTERS + "%25") | st.characters(max_codepoint=0xFFFF), max_size=12)


class TestEscapingOfCase:
    @given(CASED, CASED)
    def test_no_two_names_differ_in_case_only(self, first: str, second: str) -> None:
        for fold in (str.lower, str.upper, _simple_upper):
            same = fold(CASE.sanitize(first)) == fold(CASE.sanitize(second))
            assert same == (first == second)

    @given(CASED, st.data())
    def test_nor_does_a_name_from_an_escaped_one(self, name: str, data: st.DataObject) -> None:
        escaped = CASE.sanitize(name)
        other = "".join(data.draw(st.sampled_from([c, c.lower(), c.upper()])) for c in escaped)
        assert (_simple_upper(CASE.sanitize(other)) == _simple_upper(escaped)) == (other == name)

    @given(CASED)
    def test_comes_back(self, name: str) -> None:
        assert CASE.try_unsanitize(CASE.sanitize(name)) == name

    @pytest.mark.parametrize(
        ("name", "escaped"),
        [
            ("lower é 日本 _-. 1 100% a%20b", "lower é 日本 _-. 1 100% a%20b"),
            ("accessToken", "access%54oken"),
            ("É", "%C3%89"),
            ("%c3%89", "%25c3%2589"),
        ],
    )
    def test_lower_case_stays(self, name: str, escaped: str) -> None:
        assert CASE.sanitize(name) == escaped


def _simple_upper(name: str) -> str:
    """Return the upper case of each letter if it is a single letter; Windows supports no others."""
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in name)


ADDRESSES = Names()


class TestAddress:
    @pytest.mark.parametrize(
        ("collection", "key", "place"),
        [
            ("c", "k", "c::k"),
            ("c", "k::l", "c::k::l"),
            ("c:d", ":k", "c:d:::k"),
            ("c", "", "c::"),
            ("a::b", "k", "a%3A%3Ab::k"),
            ("a:", "k", "a%3A::k"),
            ("50%", "50%", "50%::50%"),
        ],
    )
    def test_is_that_of_the_0_5_series_where_that_is_unambiguous(
        self, collection: str, key: str, place: str
    ) -> None:
        assert ADDRESSES.address(collection, key) == place

    @given(st.tuples(st.text(":%3Aab", min_size=1, max_size=8), st.text(":%3Aab", max_size=8)))
    def test_comes_back(self, place: tuple[str, str]) -> None:
        collection, key = place
        assert ADDRESSES.entry(ADDRESSES.address(collection, key)) == (collection, key)

    def test_of_others_is_not_taken_for_one(self) -> None:
        assert ADDRESSES.entry("no separator") is None
        assert not ADDRESSES.is_of("other::k", "c", "k")

    def test_of_the_0_5_series_is_known_where_it_was_another(self) -> None:
        names = Names(formerly=Names.PLAIN)
        assert names.former("a::k", "a", "k") is None
        assert names.former(names.address("a::b", "k"), "a::b", "k") == "a::b::k"
        assert names.former(names.address("\ud800", "k"), "\ud800", "k") is None
        assert names.starts("a::b", "x") == ["a%3A%3Ab::x", "a::b::"]
        assert names.starts("a", "x*y") == ["a::x"]
        assert names.is_of("a::b::k", "a::b", "k")
        assert not names.is_of("a::b::k", "a", "k")
