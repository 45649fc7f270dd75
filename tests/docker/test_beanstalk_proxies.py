"""The proxy of instances on a real engine, a language platform behind it: its logs, and requests that count for health."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.beanstalk import Shop, bundle
from tests.docker import python_image
from tests.emulator.runtime import images
from tests.generator import Requests
from tests.running import RunningServer

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group(__name__), pytest.mark.usefixtures("engine")]

BASE = "ashore-test-beanstalk-proxies:1"
PYTHON = "64bit Amazon Linux 2023 v4.6.0 running Python 3.13"
APPLICATION = """
import os
def application(environ, start_response):
    if environ["PATH_INFO"] == "/dies":
        os._exit(1)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"application at {environ['PATH_INFO']}".encode()]
"""
FILES = {
    "application.py": APPLICATION,
    "Procfile": "web: python3 /opt/elasticbeanstalk/ashore/wsgi_server.py application",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Environments `single` and `balanced` run v1."""
    python_image.make(BASE)
    own = json.dumps({"Python": BASE})
    running = RunningServer(
        tmp_path_factory.mktemp("proxies") / "state", runtime="docker", clock="x20", platform_images=own
    )
    found = Shop(running)
    found.begin(bundle(**FILES))
    found.create("single", single=True, SolutionStackName=PYTHON)
    found.create("balanced", SolutionStackName=PYTHON)
    for name in ("single", "balanced"):
        found.wait(name)
        assert found.messages(name)[-1] == f"Successfully launched environment: {name}"
    yield found
    running.stop()
    images.remove(BASE)


def logs(shop: Shop, name: str) -> dict[str, str]:
    """Path → text, of the bundle of the one instance's logs."""
    begun = shop.eb.request_environment_info(EnvironmentName=name, InfoType="bundle")
    shop.server.wait_until(lambda: "Pulled logs for environment instances." in shop.messages(name, begun))
    (found,) = shop.eb.retrieve_environment_info(EnvironmentName=name, InfoType="bundle")["EnvironmentInfo"][-1:]
    with zipfile.ZipFile(io.BytesIO(shop.fetch(found["Message"]))) as archive:
        return {path: archive.read(path).decode() for path in archive.namelist()}


def served(shop: Shop, name: str) -> Any:
    found = shop.eb.describe_instances_health(EnvironmentName=name, AttributeNames=["ApplicationMetrics"])
    return found["InstanceHealthList"][0]["ApplicationMetrics"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("name", "client"), [("single", '127.0.0.1 .* "-"'), ("balanced", '127.0.0.1 .* "127.0.0.1"')])
def test_requests_are_in_the_logs_of_the_proxy_and_count_for_health(shop: Shop, name: str, client: str) -> None:
    cname = shop.environment(name)["CNAME"]
    assert shop.get(cname, "/a?c=1") == (200, "application at /a")
    assert shop.get(cname, "/dies")[0] == 502
    with Requests(shop.server.port, cname) as requests:
        shop.server.wait_until(lambda: served(shop, name).get("RequestCount", 0) >= 1)
    assert served(shop, name)["StatusCodes"]["Status2xx"] >= 1
    found = logs(shop, name)
    access, error = found["var/log/nginx/access.log"].splitlines(), found["var/log/nginx/error.log"].splitlines()
    asked = [line for line in access if '"GET / ' not in line]
    assert len(access) - len(asked) == len(requests.answers)
    form = r"- - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "
    patterns = (
        rf'127.0.0.1 {form}"GET /a\?c=1 HTTP/1.1" 200 17 "-" "-"',
        rf'127.0.0.1 {form}"GET /dies HTTP/1.1" 502 ',
    )
    assert [bool(re.match(pattern, line)) for pattern, line in zip(patterns, asked, strict=True)] == [True] * 2, asked
    assert all(re.fullmatch(client, line) for line in asked)
    assert len(error) == sum(" 502 " in line for line in access) >= 1  # it takes a second to be started again
    assert re.match(
        r'\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[error\] .*, client: 127.0.0.1, request: "GET /dies HTTP/1.1", ', error[0]
    )
    assert "var/log/web.stdout.log" in found
