"""The availability zones of each region, as moto has them, without the cost of importing EC2."""

_LETTERS = {
    "ap-northeast-1": "acd",
    "ap-northeast-2": "abcd",
    "ca-central-1": "abd",
    "cn-north-1": "ab",
    "us-east-1": "abcdef",
    "us-west-1": "ab",
    "us-west-2": "abcd",
}


def zones_of(region: str) -> list[str]:
    """The zones' names in order; every region that is not listed has `a`, `b` and `c`."""
    return [region + letter for letter in _LETTERS.get(region, "abc")]
