"""Lines of the proxy's logs."""

from datetime import UTC, datetime

import pytest

from emulator.balancer.traffic import Asked, Served, read_lines
from emulator.beanstalk.proxy_logs import access_line, error_line

AT = datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)
ASKED = Asked("GET", '/a"b', "HTTP/1.1", "shop.test", "curl/8\n", "", "10.0.0.9", 12, "EOF")
SERVED = Served("listener", "arn:group", "127.0.0.1:32768", 502, 0.0, answered=True, asked=ASKED)


@pytest.mark.parametrize(("behind", "first", "last"), [(True, "127.0.0.1", "10.0.0.9"), (False, "10.0.0.9", "-")])
def test_access(*, behind: bool, first: str, last: str) -> None:
    assert access_line(AT, SERVED, ASKED, behind_balancer=behind) == (
        rf'{first} - - [01/Mar/2026:12:30:05 +0000] "GET /a\x22b HTTP/1.1" 502 12 "-" "curl/8\x0A" "{last}"'
    )


def test_error() -> None:
    assert error_line(AT, SERVED, ASKED) == (
        r'2026/03/01 12:30:05 [error] EOF while reading response header from upstream, client: 10.0.0.9, request: "GET '
        r'/a\x22b HTTP/1.1", upstream: "http://127.0.0.1:32768/a\x22b", host: "shop.test"'
    )


def test_what_an_instances_proxy_answers_for_its_application_is_a_targets_answer() -> None:
    told = b'{"status": 502, "group": "arn:group", "target": "1.2.3.4:5", "listener": "l", "size": 7'
    plain, logged = read_lines(told + b"}\n" + told + b', "uri": "/x", "method": "GET", "error": "EOF"}\n')
    assert (plain.answered, plain.asked) == (False, None)
    assert logged.answered
    assert logged.asked == Asked("GET", "/x", "", "", "", "", "", 7, "EOF")
