"""Which of two versions is the newer, by the rules of each kind of package. Pure.

Each function returns a negative number, zero or a positive one, as `cmp` of old did.
"""

import re
from collections.abc import Callable, Mapping
from itertools import zip_longest

Compare = Callable[[str, str], int]
_SEMVER = re.compile(r"[v=]?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+.*)?")
_PEP440 = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[._-]?(?P<pre>alpha|beta|preview|pre|a|b|c|rc)[._-]?(?P<pre_number>\d*))?"
    r"(?:(?:[._-]?(?:post|rev|r)[._-]?|-)(?P<post>\d*))?"
    r"(?:[._-]?dev[._-]?(?P<dev>\d*))?(?:\+.*)?",
    re.IGNORECASE,
)
_APK_SUFFIXES = {"alpha": -4, "beta": -3, "pre": -2, "rc": -1, "": 0, "cvs": 1, "svn": 2, "git": 3, "hg": 4, "p": 5}


def compare_dpkg(left: str, right: str) -> int:
    """Debian policy §5.6.12: epoch, upstream version, revision; `~` sorts before the end, letters before the rest."""
    for first, second in zip(_dpkg_parts(left), _dpkg_parts(right), strict=True):
        if order := _dpkg_text(first, second):
            return order
    return 0


def compare_rpm(left: str, right: str) -> int:
    """Epoch, version, release, each by `rpmvercmp`."""
    for first, second in zip(_rpm_parts(left), _rpm_parts(right), strict=True):
        if order := _rpm_text(first, second):
            return order
    return 0


def compare_apk(left: str, right: str) -> int:
    """Numbers, a letter, suffixes such as `_rc1`, and the package's own revision `-r2`."""
    return _order(_apk_key(left), _apk_key(right))


def compare_semver(left: str, right: str) -> int:
    """Semantic Versioning §11; what is none comes first."""
    return _order(_semver_key(left), _semver_key(right))


def compare_pep440(left: str, right: str) -> int:
    """PEP 440, local versions apart; what is none comes first."""
    return _order(_pep440_key(left), _pep440_key(right))


COMPARE: Mapping[str, Compare] = {
    "dpkg": compare_dpkg,
    "apk": compare_apk,
    "rpm": compare_rpm,
    "pypi": compare_pep440,
    "npm": compare_semver,
}
"""Kind of package → how its versions compare."""


def _order(left: tuple[object, ...], right: tuple[object, ...]) -> int:
    return (left > right) - (left < right)


def _dpkg_parts(version: str) -> tuple[str, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return epoch, upstream, revision or "0"


def _dpkg_text(left: str, right: str) -> int:
    """Runs of other characters and of digits in turn."""
    parts = zip_longest(re.findall(r"(\D*)(\d*)", left), re.findall(r"(\D*)(\d*)", right), fillvalue=("", ""))
    for (text, digits), (other_text, other_digits) in parts:
        for one, other in zip_longest(text, other_text, fillvalue=""):
            if order := _weight(one) - _weight(other):
                return order
        if order := int(digits or 0) - int(other_digits or 0):
            return order
    return 0


def _weight(character: str) -> int:
    if character == "~":
        return -1
    if not character:
        return 0
    return ord(character) if character.isalpha() else ord(character) + 256


def _rpm_parts(version: str) -> tuple[str, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    number, _, release = rest.partition("-")
    return epoch, number, release


def _rpm_text(left: str, right: str) -> int:
    first, second = (re.findall(r"\d+|[a-zA-Z]+|[~^]", text) for text in (left, right))
    for one, other in zip_longest(first, second, fillvalue=""):
        if one == other:
            continue
        if "~" in {one, other}:
            return -1 if one == "~" else 1
        if "^" in {one, other}:  # newer than nothing, older than anything else
            return 1 if (one == "^") != bool(one and other) else -1
        if one.isdigit() and other.isdigit():
            if order := int(one) - int(other):
                return order
            continue
        if one.isdigit() != other.isdigit() or not one or not other:
            return 1 if one.isdigit() or not other else -1
        return 1 if one > other else -1
    return 0


def _apk_key(version: str) -> tuple[object, ...]:
    text, _, revision = version.partition("-r")
    base, *suffixes = text.split("_")
    found = re.fullmatch(r"([\d.]*)([a-z]?)", base)
    numbers = [int(part) for part in (found[1] if found else base).split(".") if part.isdigit()]
    marks = [re.fullmatch(r"([a-z]*)(\d*)", suffix) for suffix in suffixes]
    ranks = [(_APK_SUFFIXES.get(mark[1], 0), int(mark[2] or 0)) for mark in marks if mark is not None]
    return (numbers, found[2] if found else "", [*ranks, (0, 0)], int(revision) if revision.isdigit() else 0)


def _semver_key(version: str) -> tuple[object, ...]:
    found = _SEMVER.fullmatch(version.strip())
    if found is None:
        return (-1,)
    numbers = [int(part or 0) for part in found.group(1, 2, 3)]
    if found[4] is None:
        return (0, numbers, 1, [])
    marks = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in found[4].split(".")]
    return (0, numbers, 0, marks)


def _pep440_key(version: str) -> tuple[object, ...]:
    found = _PEP440.fullmatch(version.strip())
    if found is None:
        return (-1,)
    release = [int(part) for part in found["release"].split(".")]
    while release and not release[-1]:
        release.pop()
    pre = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}.get(
        (found["pre"] or "").lower(), (found["pre"] or "").lower()
    )
    post, dev = found["post"], found["dev"]
    if pre:
        stage: tuple[object, ...] = (0, pre, int(found["pre_number"] or 0))
    elif post is None and dev is not None:
        stage = (-1, "", 0)
    else:
        stage = (1, "", 0)
    after = -1 if post is None else int(post or 0)
    until = (1, 0) if dev is None else (0, int(dev or 0))
    return (int(found["epoch"] or 0), release, stage, after, until)
