"""An environment on a real engine: a Dockerfile is built, its container answers under the environment's name, nothing stays."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.contract.beanstalk import Shop, bundle, option
from tests.emulator.runtime import images
from tests.running import RunningServer

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]

BASE = "ashore-test-beanstalk:1"
SLOW = f"""FROM {BASE}
RUN mkdir -p /www/cgi-bin && echo well > /www/index.html && cd /www/cgi-bin \\
    && printf '#!/bin/sh\\nsleep 6\\necho Content-Type: text/plain\\necho\\necho done\\n' > slow && chmod +x slow
EXPOSE 8000
STOPSIGNAL SIGKILL
CMD ["sh", "-c", "echo begins; exec httpd -f -p 8000 -h /www"]
"""
DOCKERFILE = f"""FROM {BASE}
RUN mkdir -p /www && echo VERSION > /www/index.html
EXPOSE 8000
STOPSIGNAL SIGKILL
CMD ["sh", "-c", "echo -n $COLOUR >> /www/index.html; exec httpd -f -p 8000 -h /www"]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    images.make(BASE)
    running = RunningServer(tmp_path / "state", runtime="docker", clock="x20")
    own = _pushed(running)
    found = Shop(running)
    found.begin(
        bundle(Dockerfile=DOCKERFILE.replace("VERSION", "v1")),
        bundle(Dockerfile=DOCKERFILE.replace("VERSION", "v2").replace(BASE, own)),
    )
    yield found
    running.stop()
    images.remove(BASE)
    subprocess.run(["docker", "rmi", own], capture_output=True, check=False)


def _pushed(server: RunningServer) -> str:
    """The base image in the emulated ECR, and no more on the engine; nobody is logged in."""
    host = f"localhost:{server.port}"
    server.client("ecr").create_repository(repositoryName="team/base")
    password = server.run("aws", "ecr", "get-login-password")
    server.run("docker", "login", "-u", "AWS", "--password-stdin", host, stdin=password)
    server.run("docker", "tag", BASE, f"{host}/team/base:1")
    server.run("docker", "push", "-q", f"{host}/team/base:1")
    server.run("docker", "rmi", f"{host}/team/base:1")
    server.run("docker", "logout", host)
    return f"{host}/team/base:1"


def images_of(*environments: dict[str, Any]) -> set[str]:
    """Images built for environments that the engine has."""
    found: set[str] = set()
    for environment in environments:
        label = f"label=ashore.beanstalk.environment={environment['EnvironmentId']}"
        listing = ["docker", "images", "--filter", label, "--quiet"]
        found.update(subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split())
    return found


@pytest.mark.timeout(300)
def test_a_dockerfile_is_built_served_replaced_swapped_and_removed(shop: Shop) -> None:
    properties = {"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "COLOUR", "Value": "blue"}
    begun = shop.create("shop-blue", properties, single=True, CNAMEPrefix="shop")
    blue = shop.wait("shop-blue")
    said = shop.messages("shop-blue", begun)
    assert "Successfully built aws_beanstalk/staging-app" in said
    assert said[-1] == "Successfully launched environment: shop-blue"
    assert shop.get(blue["CNAME"]) == (200, "v1\nblue")
    deployed = shop.eb.update_environment(EnvironmentName="shop-blue", VersionLabel="v2")
    assert shop.wait("shop-blue")["VersionLabel"] == "v2"
    assert shop.messages("shop-blue", deployed)[-1] == "Environment update completed successfully."
    assert shop.get(blue["CNAME"]) == (200, "v2\nblue")
    shop.server.wait_until(lambda: len(images_of(begun)) == 1)  # that of v1 goes
    shop.server.stop()
    assert not images_of(begun)
    shop.server.start()
    shop.server.wait_until(lambda: shop.get(blue["CNAME"]) == (200, "v2\nblue"), 60)  # built again
    green = shop.create("shop-green", CNAMEPrefix="shop-next")
    shop.wait("shop-green")
    assert shop.get(blue["CNAME"]) == (200, "v2\nblue")
    shop.eb.swap_environment_cnames(SourceEnvironmentName="shop-blue", DestinationEnvironmentName="shop-green")
    shop.server.wait_until(lambda: shop.get(blue["CNAME"]) == (200, "v1\n"))
    for name in ("shop-blue", "shop-green"):
        shop.eb.terminate_environment(EnvironmentName=name)
    for name in ("shop-blue", "shop-green"):
        shop.wait(name, "Terminated")
    shop.server.wait_until(lambda: not images_of(begun, green))


def test_what_cannot_be_deployed_is_told_with_its_cause_and_goes_with_a_reset(shop: Shop) -> None:
    shop.version("broken", bundle(Dockerfile=f"FROM {BASE}\nRUN exit 7\nEXPOSE 80\n"))
    begun = shop.create("shop-broken", single=True, VersionLabel="broken")
    shop.wait("shop-broken")
    said = shop.messages("shop-broken", begun)
    assert any("exit 7" in text or "code: 7" in text for text in said), said
    assert "Instance deployment failed to build the Docker image. The deployment failed." in said
    assert said[-1].startswith("Create environment operation is complete, but with errors.")
    shop.version("exits", bundle(Dockerfile=f'FROM {BASE}\nEXPOSE 80\nCMD ["sh", "-c", "sleep 0.5; exit 3"]\n'))
    failed = shop.create("shop-exits", single=True, VersionLabel="exits")
    shop.wait("shop-exits")
    said = shop.messages("shop-exits", failed)
    assert "Create environment operation is complete, but with errors." in said[-1]
    assert any(text.endswith("] The application ended with code 3.") for text in said), said
    assert "Instance deployment: The Docker container unexpectedly ended after it was started." in said
    assert images_of(begun, failed)
    shop.server.admin("POST", "reset")
    shop.server.wait_until(lambda: not images_of(begun, failed))


@pytest.mark.timeout(240)
def test_logs_are_streamed_and_requests_under_way_are_answered_before_scaling_in_ends_their_instance(
    shop: Shop,
) -> None:
    scaling = shop.server.client("autoscaling")
    shop.version("slow", bundle(Dockerfile=SLOW))
    process, group = "aws:elasticbeanstalk:environment:process:default", "aws:autoscaling:asg"
    shop.create(
        "shop-slow",
        option(process, "DeregistrationDelay", "3600"),
        option(group, "MinSize", "2"),
        option("aws:elasticbeanstalk:healthreporting:system", "SystemType", "basic"),
        option("aws:elasticbeanstalk:cloudwatch:logs", "StreamLogs", "true"),
        VersionLabel="slow",
    )
    cname = shop.wait("shop-slow")["CNAME"]
    found = shop.eb.describe_environment_resources(EnvironmentName="shop-slow")["EnvironmentResources"]
    name, before = found["AutoScalingGroups"][0]["Name"], {one["Id"] for one in found["Instances"]}

    where = "/aws/elasticbeanstalk/shop-slow/var/log/eb-docker/containers/eb-current-app/stdouterr.log"
    logs = shop.server.client("logs")

    def written(instance: str) -> list[str]:
        found = logs.get_log_events(logGroupName=where, logStreamName=instance)["events"]
        return [event["message"] for event in found]

    shop.server.wait_until(lambda: all(written(instance) == ["begins"] for instance in before))

    def states() -> dict[str, str]:
        shown = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
        return {one["InstanceId"]: one["LifecycleState"] for one in shown["Instances"]}

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(shop.get, cname, "/cgi-bin/slow") for _ in range(4)]
        shop.server.wait_until(lambda: slow_requests() == 4)
        scaling.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=1, DesiredCapacity=1)
        assert sorted(states().values()) == ["InService", "Terminating"]
        assert [answer.result() for answer in answers] == [(200, "done\n")] * 4
    shop.server.wait_until(lambda: len(states()) == 1, 60)
    assert set(states()) < before
    assert shop.get(cname) == (200, "well\n")


def slow_requests() -> int:
    """Scripts that run in containers of this machine's engine."""
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return sum(line.strip() == "sleep 6" for line in listing.splitlines())
