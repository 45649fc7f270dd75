"""How severe a vulnerability is: CVSS v3 base scores (the specification, §7.1) and the words for them. Pure."""

import math
from typing import Any

_WORDS = {"CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"}
_SYNONYMS = {"MODERATE": "MEDIUM", "IMPORTANT": "HIGH", "NEGLIGIBLE": "INFORMATIONAL", "UNIMPORTANT": "INFORMATIONAL"}
_METRICS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}


def base_score(vector: str) -> float | None:
    """The score of `CVSS:3.x/AV:N/…`; None for what is no such vector."""
    name, _, rest = vector.partition("/")
    if not name.startswith("CVSS:3"):
        return None
    given = dict(part.partition(":")[::2] for part in rest.split("/"))
    try:
        values = {metric: options[given[metric]] for metric, options in _METRICS.items()}
        changed = {"U": False, "C": True}[given["S"]]
        privileges = _PRIVILEGES[given["S"]][given["PR"]]
    except KeyError:
        return None
    loss = 1 - (1 - values["C"]) * (1 - values["I"]) * (1 - values["A"])
    impact = 7.52 * (loss - 0.029) - 3.25 * (loss - 0.02) ** 15 if changed else 6.42 * loss
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * values["AV"] * values["AC"] * privileges * values["UI"]
    return _rounded_up(min((1.08 if changed else 1.0) * (impact + exploitability), 10.0))


def severity_of(entry: dict[str, Any]) -> tuple[str, str | None, float | None]:
    """The word, the CVSS v3 vector and its score of an OSV entry. The publisher's own word goes before the score's."""
    vector = next((item["score"] for item in entry.get("severity", []) if item.get("type") == "CVSS_V3"), None)
    score = base_score(vector) if isinstance(vector, str) else None
    own = str((entry.get("database_specific") or {}).get("severity", "")).upper()
    word = _SYNONYMS.get(own, own)
    if word not in _WORDS:
        word = "UNDEFINED" if score is None else word_of(score)
    return word, vector if score is not None else None, score


def word_of(score: float) -> str:
    """CVSS's qualitative rating (§5), with AWS's word for `None`."""
    limits = ((9.0, "CRITICAL"), (7.0, "HIGH"), (4.0, "MEDIUM"), (0.1, "LOW"))
    return next((word for limit, word in limits if score >= limit), "INFORMATIONAL")


def _rounded_up(value: float) -> float:
    """To one decimal, as CVSS 3.1 rounds: free of floating point's last digit."""
    whole = round(value * 100_000)
    return whole / 100_000 if not whole % 10_000 else (math.floor(whole / 10_000) + 1) / 10
