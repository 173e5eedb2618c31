"""The codec agrees with the json module on every value and every text, whichever decoder is in use."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from key_value.aio._utils import json_codec as codec
from key_value.aio.errors import DeserializationError, SerializationError

any_text = st.text(st.characters(exclude_categories=()))
scalars = st.none() | st.booleans() | st.integers() | st.integers(-(2**80), 2**80) | st.floats() | any_text


def containers(children: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    keys = st.sampled_from([any_text, st.integers(), st.floats(), st.booleans()])
    objects = keys.flatmap(lambda key: st.dictionaries(key, children, max_size=4))
    return st.lists(children, max_size=4) | st.tuples(children, children) | objects


values = st.recursive(scalars, containers, max_leaves=12)
numbers = st.from_regex(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
tokens = [*'{}[],:"\\/ \t\n\r\v\x00\x1f\x7f\ufeff\xa0\ud800é-+.eE019', "null", "true", "NaN", "Infinity"]
escapes = [
    r"\u0000",
    r"\ud83d",
    r"\ude00",
    r"\u00e9",
    r"\n",
    r"\/",
    r"\x",
    r"\u12",
    '"a"',
    '"b":',
    "nan",
    "😀",
]
soup = st.lists(st.sampled_from([*tokens, *escapes]), max_size=9).map("".join)

AWKWARD = [
    *["-0", "-0.0", "1e22", "1e23", "5e-324", "2.2250738585072011e-308", "1e400", "-1e400", "1e-400", "8.41"],
    *["0.1", "1.2345678901234567", "9007199254740993.0", "1" + "0" * 400 + "e-400", "0e99999999999999999999"],
    *[str(2**63), str(2**64), str(-(2**63) - 1), "9" * 4300, "9" * 4301, "9" * 5000 + ".0"],
    *["01", "1.", ".5", "+1", "-", "1e", "1_0", "0x1", "٣", "-NaN", "inf", "-Infinity", "[NaN]"],
    *[r'"\ud800"', r'"\ud83d\ude00"', r'"\ude00\ud83d"', r'{"\udfff": 1}', '"\ud800"', '"\x00"', r'"\u0000"'],
    *['{"a": 1, "b": 2, "a": 3}', '{"a": 1,}', "[1,]", "{1: 2}", "[1 2]", "// c\n1", ""],
    *[" 1", "1 ", "\t\n\r 1 \r\n\t", "\v1", "1\x00", "\xa01", "\ufeff1", "1 2", "{}x"],
    *["[" * 150 + "]" * 150, "[" * 300 + "]" * 300, "[" * 100_000 + "]" * 100_000, "[" * 100_000],
]


@pytest.fixture(params=codec.CODECS, scope="module")
def loads(request: pytest.FixtureRequest) -> Iterator[str]:
    """Replace the selected decoder by each of the decoders."""
    name: str = request.param
    if name != "stdlib":
        pytest.importorskip(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "_decode", codec.decoder(name))
        yield name


def exact(value: object) -> str:
    """Return a text that also distinguishes 1, 1.0 and True, 0.0 and -0.0, and key order; NaN equals NaN."""
    return json.dumps(value)


def read_by_the_json_module(text: str) -> str | None:
    try:
        return exact(json.loads(text))
    except (ValueError, RecursionError):
        return None


def read(text: str | bytes) -> str | None:
    try:
        return exact(codec.loads(text))
    except DeserializationError:
        return None


@given(values)
@example({"a": {"y": "\u00e9\x7f\ud800", "z": (1, 1e16, 1e-5, float("nan"), -float("inf"))}, "": 2**64})
def test_dumps_gives_the_text_of_the_json_module(value: object) -> None:
    assert codec.dumps(value) == json.dumps(value, sort_keys=True)


@pytest.mark.usefixtures("loads")
@given(values, st.booleans(), st.sampled_from([None, 1]))
def test_loads_reads_what_the_json_module_writes(value: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert read(text) == read_by_the_json_module(text)
    assert codec.dumps(codec.loads(codec.dumps(value))) == codec.dumps(json.loads(json.dumps(value)))


@pytest.mark.usefixtures("loads")
@given(numbers | soup)
def test_loads_reads_and_refuses_what_the_json_module_does(text: str) -> None:
    assert read(text) == read_by_the_json_module(text)


@pytest.mark.usefixtures("loads")
@pytest.mark.parametrize("text", AWKWARD, ids=lambda text: ascii(text)[:24])
def test_loads_agrees_on_awkward_texts(text: str) -> None:
    for wrapped in (text, f"[{text}]", f'{{"a": {text}}}'):
        assert read(wrapped) == read_by_the_json_module(wrapped)


@pytest.mark.usefixtures("loads")
@given(values)
def test_bytes_are_utf_8(value: object) -> None:
    text = json.dumps(value)
    assert read(text.encode()) == read(text)


@pytest.mark.usefixtures("loads")
@pytest.mark.parametrize(
    "data", [b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b"\xef\xbb\xbf1", b"1\x00", b""]
)
def test_bytes_that_are_not_utf_8_json_are_refused(data: bytes) -> None:
    with pytest.raises(DeserializationError, match=r"^Failed to deserialize JSON string: ") as caught:
        codec.loads(data)
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_text_nested_too_deeply_is_refused() -> None:
    with pytest.raises(DeserializationError) as caught:
        codec.loads("[" * 100_000 + "]" * 100_000)
    assert isinstance(caught.value.__cause__, RecursionError)


def circle() -> dict[str, object]:
    value: dict[str, object] = {"big": "x" * 1000}
    value["list"] = [value]
    return value


def nested(depth: int) -> object:
    value: object = 0
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ({"a": {1, 2}}, TypeError),
        ({"a": b"x"}, TypeError),
        ({"a": object()}, TypeError),
        ({"a": {1: 1, "b": 2}}, TypeError),
        ({"a": {(1, 2): 3}}, TypeError),
        (circle(), ValueError),
        ({"a": 10**5000}, ValueError),
        (nested(100_000), RecursionError),
    ],
    ids=["set", "bytes", "object", "mixed keys", "tuple key", "circle", "endless integer", "depth"],
)
def test_what_is_not_json_is_refused(value: object, cause: type[Exception]) -> None:
    with pytest.raises(SerializationError, match=r"^value") as caught:
        codec.dumps(value)
    assert isinstance(caught.value.__cause__, cause)


def test_a_refused_value_leaves_nothing_behind() -> None:
    shared: dict[str, object] = {"a": object()}
    with pytest.raises(SerializationError):
        codec.dumps(shared)
    shared["a"] = 1
    assert codec.dumps(shared) == '{"a": 1}'


def selected_in_a_new_process(wanted: str) -> subprocess.CompletedProcess[str]:
    program = "from key_value.aio._utils.json_codec import CODEC; print(CODEC)"
    environment = {**os.environ, "PY_KEY_VALUE_JSON": wanted}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )


def test_the_environment_names_the_codec() -> None:
    assert selected_in_a_new_process("stdlib").stdout == "stdlib\n"


def test_an_unknown_codec_is_refused() -> None:
    answer = selected_in_a_new_process("orjson")
    assert "PY_KEY_VALUE_JSON must be one of stdlib, jiter, pydantic_core, not 'orjson'" in answer.stderr


@pytest.mark.parametrize(
    ("loaded", "expected"),
    [
        ({"jiter": codec, "pydantic_core": codec}, "jiter"),
        ({"jiter": None, "pydantic_core": codec}, "pydantic_core"),
        ({"jiter": None}, "stdlib"),
    ],
)
def test_the_default_is_the_fastest_that_is_at_hand(
    loaded: dict[str, object], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "pydantic_core", raising=False)
    for name, module in loaded.items():
        monkeypatch.setitem(sys.modules, name, module)
    assert codec.select(None) == expected


def test_an_interpreter_without_the_c_encoder_writes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"b": [1, 1e16, "é"], "a": {"y": None, "x": (True,)}}
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    monkeypatch.setattr(codec, "_encoder", codec._Encoder())
    assert codec.dumps(value) == '{"a": {"x": [true], "y": null}, "b": [1, 1e+16, "\\u00e9"]}'
    with pytest.raises(SerializationError):
        codec.dumps({"a": {1, 2}})
