"""Language platforms on a real engine with the proxy before them: its files and logs, and requests that count for health."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.beanstalk import Shop, bundle, option
from tests.docker import node_image, python_image
from tests.emulator.runtime import images
from tests.generator import Requests
from tests.running import RunningServer

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]

BASE = "ashore-test-beanstalk-proxies:1"
NOWHERE = "127.0.0.1:1/node:22"
NODE = "64bit Amazon Linux 2023 v6.6.0 running Node.js 22"
NODE_20 = NODE.replace("22", "20")
NODE_BASE = "ashore-test-beanstalk-node:1"
PYTHON = "64bit Amazon Linux 2023 v4.6.0 running Python 3.13"
APPLICATION = """
import json, os
def application(environ, start_response):
    if environ["PATH_INFO"] == "/dies":
        os._exit(1)
    if environ["PATH_INFO"] == "/headers":
        start_response("200 OK", [])
        found = {name: value for name, value in environ.items() if name.startswith("HTTP_X_")}
        return [json.dumps(found).encode()]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"application at {environ['PATH_INFO']}".encode()]
"""
STATIC = "aws:elasticbeanstalk:environment:proxy:staticfiles"
FILES = {
    "public/index.html": "home",
    "public/style.css": "of the bundle",
    "Buildfile": "make: echo built > public/made.txt",
    "application.py": APPLICATION,
    "Procfile": "web: python3 /opt/elasticbeanstalk/ashore/wsgi_server.py application",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Environments `single` and `balanced` run v1."""
    python_image.make(BASE)
    own = json.dumps({"Python": BASE, "Node.js 22": NOWHERE, "Node.js 20": NODE_BASE})
    running = RunningServer(
        tmp_path_factory.mktemp("proxies") / "state", runtime="docker", clock="x20", platform_images=own
    )
    found = Shop(running)
    found.begin(bundle(**FILES), bundle(**{**FILES, "public/style.css": "of v2"}))
    files = option(STATIC, "/assets", "public")
    begun = {
        "single": found.create("single", files, single=True, SolutionStackName=PYTHON),
        "balanced": found.create("balanced", files, SolutionStackName=PYTHON),
    }
    for name, request in begun.items():
        found.wait(name)
        assert found.messages(name, request)[-1] == f"Successfully launched environment: {name}"
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
        shop.server.wait_until(lambda: served(shop, name).get("StatusCodes", {}).get("Status2xx", 0) >= 1)
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


@pytest.mark.parametrize("name", ["single", "balanced"])
def test_static_files_are_served_by_the_proxy_with_what_the_build_has_made(shop: Shop, name: str) -> None:
    cname = shop.environment(name)["CNAME"]
    assert shop.get(cname, "/assets/style.css") == (200, "of the bundle")
    assert shop.get(cname, "/assets/made.txt") == (200, "built\n")
    assert shop.get(cname, "/assets/") == (200, "home")
    assert shop.get(cname, "/assets/none")[0] == 404
    assert shop.get(cname, "/assets/../application.py")[1] != APPLICATION
    headers = json.loads(shop.get(cname, "/headers")[1])
    assert set(headers["HTTP_X_FORWARDED_FOR"].split(", ")) == {"127.0.0.1"}
    assert not any("ASHORE" in name for name in headers)
    assert shop.get(cname, "/assetsof") == (200, "application at /assetsof")
    assert not any("Static files" in text for text in shop.messages(name))
    assert '"GET /assets/none HTTP/1.1" 404 ' in logs(shop, name)["var/log/nginx/access.log"]


@pytest.mark.timeout(180)
def test_no_request_fails_while_instances_with_static_files_are_replaced(shop: Shop) -> None:
    cname = shop.environment("balanced")["CNAME"]
    policy = option("aws:elasticbeanstalk:command", "DeploymentPolicy", "Immutable")
    shop.eb.update_environment(EnvironmentName="balanced", OptionSettings=[policy])
    shop.wait("balanced")
    with Requests(shop.server.port, cname) as requests:
        shop.eb.update_environment(EnvironmentName="balanced", VersionLabel="v2")
        assert shop.wait("balanced")["VersionLabel"] == "v2", shop.messages("balanced")
        shop.server.wait_until(lambda: shop.get(cname, "/assets/style.css") == (200, "of v2"))
    assert requests.seen.keys() == {"application at /"}


def test_a_platform_whose_image_cannot_be_had_is_told_by_name(shop: Shop) -> None:
    shop.version("node", bundle(**{"app.js": ""}))
    begun = shop.create("node", single=True, VersionLabel="node", SolutionStackName=NODE)
    shop.wait("node")
    told = shop.messages("node", begun)
    assert told[-1].startswith("Create environment operation is complete, but with errors.")
    which = (
        f"The image '{NOWHERE}', which stands for the platform 'Node.js 22 running on 64bit Amazon Linux 2023' here, "
    )
    (one,) = (text for text in told if text.startswith(which))
    assert "cannot be had: " in one
    assert one.endswith("Name another in ASHORE_PLATFORM_IMAGES. The deployment failed.")


@pytest.mark.skipif(node_image.NODE is None, reason="this machine has no Node.js")
def test_an_application_of_node_answers_at_its_port(shop: Shop) -> None:
    node_image.make(NODE_BASE)
    program = """require("http").createServer((asked, answer) => answer.end(`node ${asked.url} ${process.env.COLOUR}`))
        .listen(process.env.PORT);"""
    shop.version("app.js", bundle(**{"app.js": program}))
    colour = option("aws:elasticbeanstalk:application:environment", "COLOUR", "green")
    begun = shop.create("node-20", colour, single=True, VersionLabel="app.js", SolutionStackName=NODE_20)
    cname = shop.wait("node-20")["CNAME"]
    assert shop.messages("node-20", begun)[-1] == "Successfully launched environment: node-20"
    assert shop.get(cname, "/hello") == (200, "node /hello green")
    shop.eb.terminate_environment(EnvironmentName="node-20")
    shop.wait("node-20", "Terminated")
    images.remove(NODE_BASE)
