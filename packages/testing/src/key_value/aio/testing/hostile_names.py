"""Names that backends, paths, patterns and queries could misinterpret; all of them are valid keys."""

_LONG = "x" * 4_999

HOSTILE_NAMES: tuple[str, ...] = (
    # white space and control characters
    *(" ", " a", "a ", "a b", "\t", "\n", "a\nb", "a\r\nb", "\x00", "a\x00b", "a\x00", "\x1b[0m", "\x7f"),
    # separators of addresses, and their escapes
    *(":", "::", ":::", "a:", "a::", ":a", "::a", "a::b", "a:::b", "a%3A%3Ab", "a%3a%3ab", "a\\:\\:b"),
    *("%", "%%", "%3A", "%25", "%00", "%s", "%1", "+", "a+b", "&amp;", "\\u0000", "=3A"),
    # paths and files
    *(
        "/",
        "a/b",
        "a//b",
        "/a",
        "a/",
        ".",
        "..",
        "...",
        "../a",
        "a/../b",
        "./a",
        "~",
        "a\\b",
        "C:\\a",
        ".a",
        "a.",
    ),
    *(
        "CON",
        "con",
        "nul",
        "aux.txt",
        "a.json",
        "info",
        "a-info",
        "a-info.json",
        "-a",
        "--",
        "a|b",
        "<a>",
        '"a"',
    ),
    # patterns
    *("*", "?", "a*", "a?", "[a]", "[", "]", "[^a]", "{a,b}", "^a$", "a_", "a%", "_", "(a)"),
    # queries and documents
    *(
        "'",
        '"',
        "`",
        "' OR '1'='1",
        "';--",
        "$a",
        "a$b",
        "a.b",
        "$",
        "#",
        "a#b",
        "@",
        "null",
        "None",
        "true",
        "0",
    ),
    *("00", "1e3", "NaN", "undefined", "__proto__", "_id", "id", "version"),
    # prefixes with a meaning to a wrapper or a sanitiser
    *("H_a", "S_a", "H_", "__", "__a__", "a__b", "a__", "__b", "S_a_b-c14cddc0"),
    # letters that fold, compose or sort as equal
    *("name", "Name", "NAME", "k", "K", "\u212a", "ss", "\u00df", "SS", "i", "\u0130", "\u0131", "I"),
    *("\u00e9", "e\u0301", "\u00e5", "\u212b", "\ufb01", "fi"),
    # other Unicode
    *("日本語", "مرحبا", "😀", "👩\u200d👩\u200d👧", "a\u200bb", "\ufeff", "\u202ea", "\uffff", "\U0010ffff"),
    *("\ud800", "\udfff", "a\ud800b", "\ude00\ud83d", "?\ufffd"),
    # names that differ only at the end
    *(f"{'x' * (length - 1)}{end}" for length in (255, 256, 300, 1_000) for end in "ab"),
    *(_LONG, f"{_LONG}a", f"{_LONG}b", "é" * 2_000, "é" * 1_999 + "e", "😀" * 200, "😀" * 200 + "\x00"),
)

# Two (collection, key) pairs each, which could be mapped to the same address.
AMBIGUOUS_PAIRS: tuple[tuple[tuple[str, str], tuple[str, str]], ...] = (
    (("a::b", "c"), ("a", "b::c")),
    (("a:", "b"), ("a", ":b")),
    (("a:", ":b"), ("a", "::b")),
    (("a::", "b"), ("a", "::b")),
    (("a::", "b"), ("a:", ":b")),
    (("a:::b", "c"), ("a", ":b::c")),
    (("a%3A%3Ab", "c"), ("a::b", "c")),
    (("a%3A", "c"), ("a:", "c")),
    (("a%253A", "c"), ("a%3A", "c")),
    (("a%", "3Ab"), ("a:", "b")),
    (("a/b", "c"), ("a", "b/c")),
    (("a/", "b"), ("a", "/b")),
    (("a", "../b/c"), ("b", "c")),
    (("a/../b", "c"), ("b", "c")),
    (("a", "./c"), ("a", "c")),
    (("a__b", "c"), ("a", "b__c")),
    (("a_", "_c"), ("a", "__c")),
    (("a.b", "c"), ("a", "b.c")),
    (("a-b", "c"), ("a", "b-c")),
    (("ab", "c"), ("a", "bc")),
    (("Users", "c"), ("users", "c")),
    (("users", "C"), ("users", "c")),
    (("a/b", "c"), ("a_b", "c")),
    (("a b", "c"), ("a_b", "c")),
    (("a", "b/c"), ("a", "b_c")),
)


def label(name: str) -> str:
    """Return a test case name for a hostile name, in characters that every terminal and report supports."""
    text = ascii(name)
    return text if len(text) <= 40 else f"{len(name)}-long-ending-{name[-1]!a}"
