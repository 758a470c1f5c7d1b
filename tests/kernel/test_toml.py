"""TOML files with the lines of what is in them."""

import tomllib

import pytest

from mockpay.kernel.errors import Unusable
from mockpay.kernel.toml import read_toml, toml_text

_TEXT = '''\
# [[comments]] = 1
top = """a
b = 3
[x]
"""
[[sellers]] # one
seller_id = "A1 = # ]"
"quoted key".sub = 'a\\'
return_urls = [
  "a",  # b ]
  "b",
]
clock = {mode = "frozen", now = 2026-11-21T15:24:07Z}

  [sellers.settings]
  z = 1.5

  [[sellers.rules]]
  stage = "issuer"
  [sellers.rules.match]
  method='upi'
  [[sellers.rules]]
  stage = \'\'\'x\'\'\'
[[sellers]]
buyers = [
  {email = "a", methods = [
    {kind = "card"},
    {kind = "upi"}
  ]},
  {email = "b"}]
last = 07:32:00'''


def file_of(folder, text):
    path = folder / "a.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def places(value, place=()):
    yield place
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield from places(child, (*place, name))


def test_every_table_key_and_item_has_its_line(tmp_path):
    file = read_toml(file_of(tmp_path, _TEXT))
    assert file.lines.keys() == set(places(file.values)) - {()}
    for place, line in (
        (("top",), 2),
        (("sellers",), 6),
        (("sellers", 0), 6),
        (("sellers", 0, "quoted key", "sub"), 8),
        (("sellers", 0, "return_urls"), 9),
        (("sellers", 0, "return_urls", 1), 11),
        (("sellers", 0, "clock", "now"), 13),
        (("sellers", 0, "settings"), 15),
        (("sellers", 0, "rules", 0, "match", "method"), 21),
        (("sellers", 0, "rules", 1), 22),
        (("sellers", 1), 24),
        (("sellers", 1, "buyers", 0, "methods", 1, "kind"), 28),
        (("sellers", 1, "buyers", 1, "email"), 30),
        (("sellers", 1, "last"), 31),
    ):
        assert file.lines[place] == line, place
    assert read_toml(file_of(tmp_path, _TEXT.replace("\n", "\r\n"))).lines == file.lines


def test_a_refusal_has_the_line_of_the_field_below_its_place_or_of_the_place(tmp_path):
    file = read_toml(file_of(tmp_path, _TEXT))
    for place, field, line in (
        (("sellers", 0, "rules", 0), "match.method", 21),
        (("sellers", 0), "z", 16),
        (("sellers", 0), "nothing.mode", 13),
        (("sellers", 0), "", 6),
        (("sellers", 0), "nothing", 6),
        (("sellers", 1, "clock", "now"), "", 24),
        (("buyers",), "", 1),
    ):
        assert file.refusal("Wrong.", place, field).message == f"{file.path}, line {line}: Wrong.", (place, field)


def test_what_is_no_toml_is_refused_with_its_line(tmp_path):
    for text, words in (
        ("a = 1\nb = \n", ", line 2: Invalid value."),
        ("a = 1\na = 2\n", ", line 2: Cannot overwrite a value."),
        ("a = 1\n\nb", ", line 3: Expected '=' after a key in a key/value pair."),
        (b"a = 1\n\nb = '\xff'", ", line 3: This is not UTF-8."),
        ("a = " + "[" * 100_000, ", line 1: This is nested too deeply."),
    ):
        with pytest.raises(Unusable) as refused:
            read_toml(file_of(tmp_path, text))
        assert refused.value.message.endswith(words)
    with pytest.raises(Unusable, match=r"cannot be read \(Is a directory\)"):
        read_toml(tmp_path)


def test_written_text_is_read_as_the_same_values():
    values = {
        "text": 'a "b"\n\\ ₹ \x7f \x01 🙂',
        "numbers": [1, -2, 0.5, True],
        "odd key = [": {"": "empty"},
        "short": {"a": {"b": 1}},
        "long": {"a": "x" * 100, "deep": {"b": 1}, "tables": [{"c": 1}]},
        "items": [{"name": "first", "items": [{"x": 1}, {}]}, {"name": "second"}],
        "empty": [],
    }
    assert tomllib.loads(toml_text(values)) == values


def test_of_two_fields_of_a_name_the_one_nearer_to_its_place_is_meant(tmp_path):
    file = read_toml(file_of(tmp_path, "[t]\n[t.u]\nb = 1\n[s]\nb = 2\n"))
    assert file.refusal("Wrong.", (), "b").message.endswith(", line 5: Wrong.")
