"""Which version is newer: tables of each packager's own documentation, and order itself."""

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.ecr.scanning.versions import COMPARE

VERSION = r"([0-9]:)?[0-9]{1,3}([.+~][0-9a-z]{1,3}){0,3}(-[0-9]{1,2}([.+~][0-9a-z]{1,3}){0,2})?"
"""Versions as Debian has them."""

TABLE = {
    "dpkg": [
        *("1.0~rc1", "1.0~rc1-1", "1.0", "1.0-1", "1.0-1+b1", "1.0-1.1", "1.0a-1", "1.0+dfsg-1", "1.1", "1.9", "1.10"),
        *("2.0~~", "2.0~", "2.0", "1:0.1"),
    ],
    "rpm": [
        "1.0~rc1-1",
        "1.0-1",
        "1.0-1.el9",
        "1.0-1.el9_2",
        "1.0-2.el9",
        "1.0^git1-1",
        "1.0.1-1",
        "1.10-1",
        "1:0.9-1",
    ],
    "apk": ["1.0_alpha1", "1.0_beta2", "1.0_rc1-r0", "1.0", "1.0-r1", "1.0_p1", "1.0a", "1.0.1", "1.2", "1.10"],
    "npm": [
        *("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"),
        *("1.0.1", "1.2.0", "1.10.0", "2.0.0"),
    ],
    "pypi": ["1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1.1", "1.10", "1!0.1"],
}
EQUAL = [
    *(("dpkg", "1.0", "0:1.0-0"), ("rpm", "1.0-1", "0:1.0-1"), ("npm", "v1.0.0", "1.0.0+build")),
    *(("pypi", "1.0.0", "1"), ("pypi", "1.0-1", "1.0.post1"), ("pypi", "1.0c1", "1.0RC1")),
]


@pytest.mark.parametrize("kind", TABLE)
def test_each_list_is_in_order(kind: str) -> None:
    versions, compare = TABLE[kind], COMPARE[kind]
    for index, older in enumerate(versions):
        assert compare(older, older) == 0
        for newer in versions[index + 1 :]:
            assert compare(older, newer) < 0, (older, newer)
            assert compare(newer, older) > 0, (older, newer)


@pytest.mark.parametrize(("kind", "left", "right"), EQUAL)
def test_equal(kind: str, left: str, right: str) -> None:
    assert COMPARE[kind](left, right) == 0


@given(st.sampled_from(sorted(COMPARE)), st.text(max_size=12), st.text(max_size=12))
def test_any_two_texts_have_one_order(kind: str, left: str, right: str) -> None:
    forth, back = COMPARE[kind](left, right), COMPARE[kind](right, left)
    assert (forth > 0, forth < 0) == (back < 0, back > 0)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="this machine has no dpkg")
@settings(max_examples=60)
@given(st.from_regex(VERSION, fullmatch=True), st.from_regex(VERSION, fullmatch=True))
def test_dpkg_itself_agrees(left: str, right: str) -> None:
    relation = {-1: "lt", 0: "eq", 1: "gt"}[max(-1, min(1, COMPARE["dpkg"](left, right)))]
    assert subprocess.run(["dpkg", "--compare-versions", left, relation, right], check=False).returncode == 0
