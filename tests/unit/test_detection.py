"""The format of an object, how its records lie and which keys they carry, from its first bytes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loglode.errors import UsageError
from loglode.formats import FORMATS, look, own_format

CLF = b'127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 5\n'
JSON = b'{"timestamp": "2026-03-04T05:06:07Z", "status": 200}\n'
SAMPLE_BYTES = 1 << 16
BOM = "\ufeff".encode()


@pytest.mark.parametrize(
    ("sample", "name"),
    [
        (CLF, "combined"), (b"v.example:80 " + CLF, "combined"), (b"Error\n" + CLF * 3, "combined"),
        (JSON * 3 + CLF, "json"), (CLF * 3 + JSON, "combined"), (b"", "json"), (b"\n \n", "json"),
        (b"# a header\n" * 5 + CLF * 9, "combined"), (b"# a header\n" * 9 + CLF * 2, "combined"),
        (b"# a header\n" * 9 + JSON * 2, "json"), (BOM + CLF, "combined"), (BOM + JSON, "json"), (BOM, "json"),
        (b"neither\nnor\n", "json"), (b"\x00\xff" * 99, "json"), (CLF.rstrip(), "combined"),
        (CLF.replace(b"- - [", b'- fr\\"ank [') * 2, "combined"), (CLF.replace(b"- - [", b"- two words ["), "combined"),
        (b'a - - [] "GET / HTTP/1.1" 200 5\n', "json"), (b'[x] "GET / HTTP/1.1" 200 5\n', "json"),
        ((CLF * 2000)[:SAMPLE_BYTES], "combined"), ((JSON * 2000)[:SAMPLE_BYTES], "json"),
        ((CLF[:-8] + b"x" * 99_999)[:SAMPLE_BYTES], "combined"), (b'{\n "a": 1\n}\n{\n "a": 2\n}\n', "json"),
        # The first 50 lines decide, each by itself.
        (JSON * 50 + CLF * 60, "json"), (CLF + JSON * 3, "json"), (CLF + b'[{"a": 1}]\n' * 2, "json"),
        (b'{"path": "' + CLF.replace(b'"', b'\\"').strip() + b'"}\n', "json"),
    ],
)  # fmt: skip
def test_detection(sample: bytes, name: str) -> None:
    assert look(sample).format.name == name


def test_a_named_format_is_taken() -> None:
    for name, fmt in FORMATS.items():
        assert look(CLF, name).format is look(JSON, name).format is fmt
    with pytest.raises(UsageError, match="unknown format 'nginx'") as error:
        look(CLF, "nginx")
    assert all(name in (error.value.hint or "") for name in ("auto", *FORMATS))


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ('{"a":1}\n{"b":2}\n', "lines"), ('{"a":1}{"b":2}', "values"), ('{\n"a":1\n}\n{\n"b":2\n}', "values"),
        ('[{"a":1},{"b":2}]', "array"), ('\ufeff [\n  {"a":1},\n  {"b":2}\n]', "array"), ('[{"a":' + "1" * 99, "array"),
        ("[1,\n2]", "array"), ("[]", "array"), ("[1]\n[2]", "lines"), ("[2026-03-04 05:06] text", "lines"),
        ("[Thu Oct 13] [x] y", "lines"), ('[{"a":oops\n{"b":2}\n', "lines"), ('[{"a":1} {"b":2}', "lines"),
        ('{"a":\n{"b":2}\n{"c":3}', "lines"), ("", "lines"), ("{", "lines"), ("[" * 100_000, "lines"),
        ('{"a":' * 100_000, "lines"),
    ],
)  # fmt: skip
def test_layouts(text: str, layout: str) -> None:
    assert look(text.encode(), "json").layout == layout


def test_keys_of_the_first_lines() -> None:
    assert look(b'\xef\xbb\xbf{"a":1,"b":{"c":2}}\nbroken\n[1]\n{"d":').keys == {"a", "b"}


@given(
    sample=st.binary(max_size=300) | st.text(st.sampled_from('[]{}":, \\\na1'), max_size=300).map(str.encode)
)
def test_any_sample_has_a_format(sample: bytes) -> None:
    for fmt in FORMATS.values():
        assert 0 <= fmt.sniff(sample) <= 1
    assert look(sample).format in FORMATS.values()


HOSTILE = [
    *(text for text in ("[", "{", '"', " ", "\\", "]", "[ ", '] "', '[{"a":', '{"a":', "[]", "{}", ": ", "1", "\n", "a ", '\\"')),
    '{"a": "b", "path": "/' + "[" * 4000,
    "a b " + "[x " * 4000,
    "{\n" * 100,
]  # fmt: skip


def cost(sample: bytes) -> float:
    """Processor time of a detection: the least of some, so that other work on the machine does not count."""
    costs = []
    for _ in range(5):
        begun = time.thread_time()
        look(sample)
        costs.append(time.thread_time() - begun)
    return min(costs)


@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
def test_detection_is_linear(piece: str) -> None:
    """Eight times the sample costs about eight times the work; of anything quadratic it is 64 times."""
    small, large = (
        (piece * (size // len(piece) + 1)).encode()[:size] for size in (SAMPLE_BYTES // 8, SAMPLE_BYTES)
    )
    least = 0.0005  # what detection costs at least, whatever the sample
    assert cost(large) < 24 * max(cost(small), least)


def test_a_pattern_of_the_user_may_begin_with_a_time() -> None:
    own = own_format('$time_iso8601 $remote_addr "$request" $status $body_bytes_sent')
    lines = "".join(f'2026-10-05T08:15:0{n}+00:00 192.0.2.{n} "GET /a HTTP/1.1" 200 5\n' for n in range(5))
    assert look(lines.encode(), own=own).format is own
