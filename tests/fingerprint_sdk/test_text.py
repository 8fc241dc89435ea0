"""What strangers wrote is shown, never obeyed."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fingerprint_sdk as fp
from fingerprint_sdk.text import cell, encodable, visible


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain name.png", "plain name.png"),
        ("naïve 日本 ひ क्‍ष.png", "naïve 日本 ひ क्‍ष.png"),
        ("Screenshot 3.04\u202fPM", "Screenshot 3.04\u202fPM"),
        ("red\x1b[31m", r"red\x1b[31m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        (
            "two\r\nlines\ttab\x0b\x0c\x85\u2028\u2029",
            r"two\r\nlines\ttab\x0b\x0c\x85\u2028\u2029",
        ),
        ("\x9b31m", r"\x9b31m"),
        ("exe.\u202egnp.png", r"exe.\u202egnp.png"),
        ("\u2066a\u2069\u061c\u200e\u200f", r"\u2066a\u2069\u061c\u200e\u200f"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        (b"caf\xe9 \xff\x1b".decode(errors="surrogateescape"), r"caf\xe9 \xff\x1b"),
        ("\ud800", r"\ud800"),
        ("tag\U000e0041", r"tag\U000e0041"),
    ],
)
def test_what_does_not_print_is_written_out(given: str, shown: str) -> None:
    assert visible(given) == shown


@given(st.text(st.characters()))
def test_any_text_becomes_one_line_of_letters(text: str) -> None:
    shown = visible(text)
    assert all(one.isprintable() or one.isspace() or one in "\u200c\u200d" for one in shown)
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert visible(shown) == shown


@pytest.mark.parametrize(
    "formula", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "\r=1", "＝1", "\n-1"]
)
def test_a_cell_is_no_formula(formula: str) -> None:
    assert cell(formula) == "'" + visible(formula)


@given(st.text(st.characters()))
def test_a_cell_comes_back_from_csv_as_one_cell_that_is_no_formula(text: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow([cell(text), "next"])
    assert list(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [[cell(text), "next"]]
    assert not cell(text).lstrip().startswith(tuple("=+-@＝＋－＠"))
    assert cell("name (1) - copy.png") == "name (1) - copy.png"


def test_letters_that_a_terminal_lacks_are_written_out() -> None:
    assert encodable("é€", "latin-1") == r"é\u20ac"
    assert encodable("é€", None) == "é€"


def test_a_message_is_one_line_whatever_it_names() -> None:
    error = fp.ImageError("no \x1b[31m\n\u202epicture")
    assert str(error) == r"no \x1b[31m\n\u202epicture"
    assert f"{error}" == str(error)
    assert error.args == ("no \x1b[31m\n\u202epicture",)
