"""Bundles of every kind by boto3, on the simulated runtime: what runs of them, and what they are refused for."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.beanstalk import Shop, bundle, option
from tests.running import RunningServer

PYTHON = "64bit Amazon Linux 2023 v4.6.0 running Python 3.13"
NODE = "64bit Amazon Linux 2023 v6.6.0 running Node.js 22"
POLICY = "option_settings:\n  aws:elasticbeanstalk:command:\n    DeploymentPolicy: Bogus\n"
OPTION = "option_settings:\n  aws:elasticbeanstalk:container:python:\n    WSGIPath: app\n"
REFUSED = "Instance deployment failed to extract the source bundle: "


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("bundles") / "state", runtime="simulated", clock="paused")
    yield running
    running.stop()


def zipped(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def files_outside(root: Path) -> list[str]:
    """What hostile bundles of this test would leave."""
    return [str(path) for path in root.rglob("*") if path.name in {"escaped", "zeros"}]


def test_bad_bundles_are_told_and_leave_nothing(shop: Shop) -> None:
    bad = {
        "empty": (zipped(("readme", b"")), ("Instance deployment: Both 'Dockerfile' and 'Dockerrun.aws.json' are missing in your "
                  "source bundle. Include at least one of them. The deployment failed.")),
        "traversal": (zipped(("Dockerfile", b"FROM x"), ("../../../escaped", b"x")), (f"{REFUSED}the name '../../../escaped' "
                      "leads out of the bundle. The deployment failed.")),
        "bomb": (zipped(("zeros", bytes(70 * 1024 * 1024))), f"{REFUSED}it unpacks to more than 64 MB. The deployment failed."),
        "portless": (zipped(("Dockerrun.aws.json", b'{"AWSEBDockerrunVersion": "1", "Image": {"Name": "web:1"}}')),
                     "'Dockerrun.aws.json' in your source bundle names an 'Image' and no 'Ports'"),
        "text": (b"this is no archive", f"{REFUSED}it is not a valid zip archive. The deployment failed."),
        "yaml": (bundle(**{".ebextensions/x.config": "a: [\tb"}), ("The configuration file .ebextensions/x.config in application "
                 "version yaml contains invalid YAML or JSON.")),
        "policy": (bundle(**{".ebextensions/x.config": POLICY}), ("Invalid option value: 'Bogus' (Namespace: "
                   "'aws:elasticbeanstalk:command', OptionName: 'DeploymentPolicy'): Value is not one of the allowed values")),
        "option": (bundle(**{".ebextensions/x.config": OPTION}), ("Invalid option specification (Namespace: "
                   "'aws:elasticbeanstalk:container:python', OptionName: 'WSGIPath'): Unknown configuration setting.")),
    }  # fmt: skip
    for label, (data, _) in bad.items():
        shop.version(label, data)
    shop.create("shop-prod", single=True)
    shop.until("shop-prod")
    for label, (_, text) in bad.items():
        updated = shop.eb.update_environment(EnvironmentName="shop-prod", VersionLabel=label)
        found = shop.until("shop-prod")
        said = shop.messages("shop-prod", updated)
        assert any(message.startswith(text) for message in said), (label, said)
        assert "Failed to deploy application." in said
        assert found["VersionLabel"] == "v1"
        assert shop.get(found["CNAME"])[0] == 200
    assert files_outside(shop.server._state_dir.parent) == []


def test_an_application_that_crashes_is_told_with_its_cause_and_in_the_words_of_aws(shop: Shop) -> None:
    shop.server.admin("POST", "runtime/scripts", {"pattern": "crash:1", "exit_code": 3})
    dockerrun = b'{"AWSEBDockerrunVersion": "1", "Image": {"Name": "crash:1"}, "Ports": [{"ContainerPort": 80}]}'
    shop.version("crash", zipped(("Dockerrun.aws.json", dockerrun)))
    shop.create("shop-crash", single=True)
    shop.until("shop-crash")
    begun = shop.eb.update_environment(EnvironmentName="shop-crash", VersionLabel="crash")
    shop.until("shop-crash")
    (instance,) = shop.instances("shop-crash")
    said = shop.messages("shop-crash", begun)
    assert said[said.index("Successfully pulled crash:1") + 1 : -1] == [
        f"[Instance: {instance}] The application ended with code 3.",
        "Instance deployment: The Docker container unexpectedly ended after it was started.",
        "Instance deployment failed. For details, see 'eb-engine.log'.",
        f"[Instance: {instance}] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error..",
        "Command execution completed on all instances. Summary: [Successful: 0, Failed: 1].",
        f"Unsuccessful command execution on instance id(s) '{instance}'. Aborting the operation.",
        "Failed to deploy application.",
    ]
    assert said[-1].startswith(
        "During an aborted deployment, some instances may have deployed the new application version."
    )


def test_an_application_of_a_language_platform(shop: Shop) -> None:
    shop.version("python", zipped(("application.py", b""), ("Procfile", b"web: python3 application.py")))
    begun = shop.create("shop-python", single=True, VersionLabel="python", SolutionStackName=PYTHON)
    found = shop.until("shop-python")
    said = shop.messages("shop-python", begun)
    assert said[-1] == "Successfully launched environment: shop-python"
    assert "Instance deployment used the commands in your 'Procfile' to initiate startup of your application." in said
    assert not any("Docker" in message or "aws_beanstalk" in message for message in said)
    assert shop.get(found["CNAME"])[0] == 200


def test_static_files_are_the_bundles_and_all_else_is_the_applications(shop: Shop) -> None:
    shop.version("static", bundle(**{"application.py": "", "public/style.css": "of the bundle"}))
    files = option("aws:elasticbeanstalk:environment:proxy:staticfiles", "/assets", "public")
    for name, single in (("shop-alone", True), ("shop-many", False)):
        shop.create(name, files, single=single, VersionLabel="static", SolutionStackName=PYTHON)
        cname = shop.until(name)["CNAME"]
        shop.advance(60)
        assert shop.get(cname, "/assets/style.css") == (200, "of the bundle")
        assert shop.get(cname, "/assets/none")[0] == 404
        status, text = shop.get(cname)
        assert (status, text.startswith("simulated: no container answered this.")) == (200, True)


def test_what_a_language_platform_cannot_start_and_the_image_that_cannot_be_had(shop: Shop) -> None:
    shop.version("nothing", zipped(("index.html", b"")))
    begun = shop.create("shop-node", single=True, VersionLabel="nothing", SolutionStackName=NODE)
    shop.until("shop-node")
    assert any(
        "failed to generate a 'Procfile' for Node.js" in message for message in shop.messages("shop-node", begun)
    )
    shop.server.admin("POST", "runtime/scripts", {"pattern": "node:*", "pull_error": "no route to the registry"})
    shop.version("app", zipped(("app.js", b"")))
    updated = shop.eb.update_environment(EnvironmentName="shop-node", VersionLabel="app")
    shop.until("shop-node")
    said = shop.messages("shop-node", updated)
    assert any(
        message.startswith(
            "The image 'node:22-slim', which stands for the platform 'Node.js 22 running on 64bit Amazon Linux 2023'"
        )
        and "no route to the registry" in message
        for message in said
    ), said


def test_an_environment_without_a_version_runs_the_sample(shop: Shop) -> None:
    settings = [
        {"Namespace": "aws:autoscaling:launchconfiguration", "OptionName": "IamInstanceProfile",
         "Value": "aws-elasticbeanstalk-ec2-role"},
        {"Namespace": "aws:elasticbeanstalk:environment", "OptionName": "EnvironmentType", "Value": "SingleInstance"},
    ]  # fmt: skip
    begun = shop.eb.create_environment(
        ApplicationName="shop", EnvironmentName="shop-sample", SolutionStackName=NODE, OptionSettings=settings
    )
    found = shop.until("shop-sample")
    assert shop.messages("shop-sample", begun)[-1] == "Successfully launched environment: shop-sample"
    assert shop.get(found["CNAME"])[0] == 200
