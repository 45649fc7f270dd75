"""Elastic Beanstalk's roles where permissions are enforced: passed by the caller, trusted, and with what they need."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.beanstalk import PROFILE, Shop, option
from tests.contract.identities import User, denials
from tests.eb_cli import EbCli
from tests.running import RunningServer

ACCOUNT = "000000000000"
SERVICE_ROLE = "aws-elasticbeanstalk-service-role"
ARN = f"arn:aws:iam::{ACCOUNT}:role/{SERVICE_ROLE}"
WEB_TIER = "arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier"
MANAGED = "aws:elasticbeanstalk:managedactions"
UNABLE = f'Unable to assume role "{ARN}". Verify that the role exists and is configured correctly.'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("roles") / "state"
    running = RunningServer(folder, runtime="simulated", clock="paused", iam="strict")
    yield running
    running.stop()


def trust(service: str, **condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **condition}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def service_role(shop: Shop, service: str = "elasticbeanstalk.amazonaws.com") -> dict[str, str]:
    """Make the service role as AWS's console does; the option that names it."""
    condition = {"StringEquals": {"sts:ExternalId": "elasticbeanstalk"}}
    document = trust(service, Condition=condition)
    shop.server.client("iam").create_role(RoleName=SERVICE_ROLE, AssumeRolePolicyDocument=document)
    return option("aws:elasticbeanstalk:environment", "ServiceRole", SERVICE_ROLE)


def health(shop: Shop) -> Any:
    return shop.eb.describe_environment_health(EnvironmentName="shop-prod", AttributeNames=["All"])


def test_a_service_role_must_trust_the_service(shop: Shop) -> None:
    begun = shop.create("shop-prod", service_role(shop, "ec2.amazonaws.com"), single=True)
    shop.until("shop-prod")
    assert shop.messages("shop-prod", begun)[-2:] == [UNABLE, "Failed to launch environment."]


def test_a_service_role_that_trusts_no_more_suspends_health(shop: Shop) -> None:
    shop.server.client("iam").attach_role_policy(RoleName=PROFILE, PolicyArn=WEB_TIER)
    shop.create("shop-prod", service_role(shop), single=True)
    shop.until("shop-prod")
    shop.advance(130)
    assert health(shop)["HealthStatus"] == "Ok"
    iam = shop.server.client("iam")
    iam.update_assume_role_policy(RoleName=SERVICE_ROLE, PolicyDocument=trust("ec2.amazonaws.com"))
    shop.advance(130)
    assert (health(shop)["HealthStatus"], health(shop)["Causes"]) == ("Suspended", [UNABLE])


def test_instances_that_may_not_report_send_no_data(shop: Shop) -> None:
    iam = shop.server.client("iam")
    iam.attach_role_policy(RoleName=PROFILE, PolicyArn=WEB_TIER)
    shop.create("shop-prod", single=True)
    shop.until("shop-prod")
    shop.advance(130)
    assert health(shop)["HealthStatus"] == "Ok"
    iam.detach_role_policy(RoleName=PROFILE, PolicyArn=WEB_TIER)
    shop.advance(600)
    found = health(shop)
    assert (found["HealthStatus"], found["Color"]) == ("NoData", "Grey")
    assert found["Causes"] == ["None of the instances are sending data."]
    (instance,) = shop.eb.describe_instances_health(EnvironmentName="shop-prod", AttributeNames=["All"])[
        "InstanceHealthList"
    ]
    assert instance["Causes"][0].startswith("No data. Last seen ")
    (told,) = denials(shop.server)
    assert (told["action"], told["enforced"]) == ("elasticbeanstalk:PutInstanceStatistics", True)
    assert told["resource"].endswith(":environment/shop/shop-prod")
    iam.attach_role_policy(RoleName=PROFILE, PolicyArn=WEB_TIER)
    shop.advance(130)
    assert health(shop)["HealthStatus"] == "Ok"


def test_the_caller_must_be_let_pass_both_roles(shop: Shop) -> None:
    alice, named = User(shop.server), service_role(shop)
    alice.may({"Action": "elasticbeanstalk:*"})
    eb = alice.client("elasticbeanstalk")
    wanted = {
        "ApplicationName": "shop",
        "EnvironmentName": "shop-prod",
        "SolutionStackName": "64bit Amazon Linux 2023 v4.6.0 running Docker",
        "OptionSettings": [named, option("aws:autoscaling:launchconfiguration", "IamInstanceProfile", PROFILE)],
    }
    passed: list[dict[str, Any]] = []
    for role, service in ((ARN, "elasticbeanstalk"), (f"arn:aws:iam::{ACCOUNT}:role/{PROFILE}", "ec2")):
        with pytest.raises(ClientError) as denied:
            eb.create_environment(**wanted)
        error = denied.value.response
        assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("AccessDenied", 403)
        assert f"{alice.arn} is not authorized to perform: iam:PassRole on resource: {role} because" in str(
            denied.value
        )
        condition = {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
        passed.append({"Action": "iam:PassRole", "Resource": role, "Condition": condition})
        alice.may(*passed, name="pass")
    assert eb.create_environment(**wanted)["Status"] == "Launching"


def test_a_managed_update_needs_a_role_that_may_update(shop: Shop) -> None:
    now = datetime.fromisoformat(shop.server.admin("POST", "clock", {"advance": 0})["now"])
    start = (now + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
    settings = [
        service_role(shop),
        option(MANAGED, "ManagedActionsEnabled", "true"),
        option(MANAGED, "PreferredStartTime", start.strftime("%a:%H:%M")),
        option(f"{MANAGED}:platformupdate", "UpdateLevel", "minor"),
        option("aws:elasticbeanstalk:healthreporting:system", "SystemType", "enhanced"),
    ]
    stack = "64bit Amazon Linux 2023 v4.5.0 running Docker"
    shop.create("shop-prod", *settings, single=True, SolutionStackName=stack)
    shop.until("shop-prod")
    shop.advance((start - now).total_seconds() + 60)
    found = shop.eb.describe_environment_managed_action_history(EnvironmentName="shop-prod")
    (item,) = found["ManagedActionHistoryItems"]
    assert (item["Status"], item["FailureType"]) == ("Failed", "PermissionsError")
    assert f"assumed-role/{SERVICE_ROLE}/managed-updates is not authorized" in item["FailureDescription"]


def test_the_eb_cli_is_told_what_its_user_lacks(shop: Shop, tmp_path: Path) -> None:
    alice = User(shop.server)
    project, home = tmp_path / "project", tmp_path / "home"
    project.mkdir()
    home.mkdir()
    cli = EbCli(shop.server, project, home, alice.key["AccessKeyId"], alice.key["SecretAccessKey"])
    denied = cli.attempt("platform", "list", "--region", "us-east-1")
    assert denied.code != 0
    assert f"Operation Denied. User: {alice.arn} is not authorized to perform: elasticbeanstalk:" in flat(denied.screen)
    alice.may({"Action": ["elasticbeanstalk:List*", "elasticbeanstalk:Describe*"]})
    assert "tomcat-11-corretto-21" in cli.run("platform", "list", "--region", "us-east-1")


def flat(screen: str) -> str:
    """What was said, without the terminal's line breaks."""
    return " ".join(screen.split())
