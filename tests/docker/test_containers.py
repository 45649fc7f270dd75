"""Every member of a container definition that says how it runs, from RegisterTaskDefinition to the engine's container."""

import urllib.request
from typing import Any

import pytest

from tests.docker.engine_stage import Tasks, containers, docker, ids_of, inspect
from tests.running import RunningServer

pytestmark = [pytest.mark.docker]

HTTPD = ["sh", "-c", "echo $HOSTNAME > /index.html; exec httpd -f -p ${PORT:-80} -h /"]
POLITE = ["sh", "-c", "trap 'exit 7' TERM; touch /ready; while true; do sleep 0.1; done"]
DEAF = ["sh", "-c", "trap '' TERM; touch /ready; while true; do sleep 0.1; done"]
READY = {"command": ["CMD", "test", "-e", "/ready"], "interval": 5}


def served(address: str, port: int) -> bool:
    """Whether something serves a page there."""
    with urllib.request.urlopen(f"http://{address}:{port}/", timeout=10) as answer:
        return bool(answer.read())


def host_address(server: RunningServer, task: dict[str, Any]) -> str:
    """The loopback address of the task's host."""
    hosts = {host["arn"]: host["address"] for host in server.admin("GET", "hosts")["hosts"]}
    return str(hosts[task["containerInstanceArn"]])


def test_what_a_definition_says_is_what_the_container_is(tasks: Tasks) -> None:
    tasks.define(
        {
            "entryPoint": ["sh", "-c"], "command": ["sleep 300"], "environment": [{"name": "GREETING", "value": "a=b c"}],
            "cpu": 256, "memory": 64, "memoryReservation": 32, "user": "1234:5678", "workingDirectory": "/bin",
            "ulimits": [{"name": "nofile", "softLimit": 777, "hardLimit": 888}], "hostname": "named",
            "dockerLabels": {"team": "blue"}, "readonlyRootFilesystem": True, "privileged": False,
            "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["NET_RAW"]},
                "tmpfs": [{"containerPath": "/scratch", "size": 4, "mountOptions": ["noexec"]}],
                "devices": [{"hostPath": "/dev/null", "containerPath": "/dev/nothing", "permissions": ["read"]}]},
            "dockerSecurityOptions": ["no-new-privileges"], "dnsSearchDomains": ["example.com"],
            "extraHosts": [{"hostname": "friend", "ipAddress": "10.1.2.3"}], "dnsServers": ["10.9.9.9"],
        },
        networkMode="bridge",
    )  # fmt: skip
    task = tasks.run(overrides={"containerOverrides": [{"name": "app", "command": ["sleep 200"]}]})
    found = inspect(task["containers"][0]["runtimeId"])
    config, host = found["Config"], found["HostConfig"]
    assert (config["Entrypoint"], config["Cmd"]) == (["sh", "-c"], ["sleep 200"])
    assert {"GREETING=a=b c", "AWS_EXECUTION_ENV=AWS_ECS_EC2", "AWS_REGION=us-east-1"} <= set(config["Env"])
    assert (config["User"], config["WorkingDir"], config["Hostname"]) == ("1234:5678", "/bin", "named")
    labels = config["Labels"]
    assert labels["team"] == "blue"
    assert labels["com.amazonaws.ecs.task-arn"] == task["taskArn"]
    assert labels["com.amazonaws.ecs.cluster"] == task["clusterArn"]
    assert labels["ashore.host"] == task["containerInstanceArn"]
    assert (host["CpuShares"], host["Memory"], host["MemoryReservation"]) == (256, 64 << 20, 32 << 20)
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 777, "Hard": 888}]
    assert (host["ReadonlyRootfs"], host["Init"], host["CapDrop"]) == (True, True, ["NET_RAW"])
    assert (host["ExtraHosts"], host["Dns"]) == (["friend:10.1.2.3"], ["10.9.9.9"])
    assert (host["Tmpfs"], host["DnsSearch"]) == ({"/scratch": "size=4m,noexec"}, ["example.com"])
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Devices"] == [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/nothing", "CgroupPermissions": "r"}]
    tasks.stop(task["taskArn"])


def test_static_and_dynamic_ports_are_published_on_the_hosts_address(
    engine_server: RunningServer, tasks: Tasks
) -> None:
    ports = [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}, {"containerPort": 53, "protocol": "udp"}]
    tasks.define(
        {"name": "static", "command": HTTPD, "portMappings": ports[:1]},
        {"name": "dynamic", "command": HTTPD, "portMappings": ports[1:], "environment": [{"name": "PORT", "value": "81"}]},
    )  # fmt: skip
    pair = [tasks.run(), tasks.run()]
    addresses = [host_address(engine_server, task) for task in pair]
    assert len(set(addresses)) == 2, "one host has the port once"
    for task, address in zip(pair, addresses, strict=True):
        shown = containers(task)
        (static,) = shown["static"]["networkBindings"]
        assert static == {"bindIP": address, "containerPort": 80, "hostPort": 8080, "protocol": "tcp"}
        assert served(address, 8080)
        dynamic = {binding["containerPort"]: binding for binding in shown["dynamic"]["networkBindings"]}
        assert {port: binding["protocol"] for port, binding in dynamic.items()} == {81: "tcp", 53: "udp"}
        assert served(address, dynamic[81]["hostPort"])
        tasks.stop(task["taskArn"])


def test_host_mode_and_no_network(tasks: Tasks) -> None:
    port = {"containerPort": 18090}
    command = {"command": HTTPD, "environment": [{"name": "PORT", "value": "18090"}]}
    tasks.define({**command, "portMappings": [port]}, family="host", networkMode="host")
    tasks.define(family="none", networkMode="none")
    host, none = tasks.run(taskDefinition="host"), tasks.run(taskDefinition="none")
    (binding,) = host["containers"][0]["networkBindings"]
    assert (binding["containerPort"], binding["hostPort"]) == (18090, 18090)
    tasks.server.wait_until(lambda: served("127.0.0.1", 18090))
    for task, mode in ((host, "host"), (none, "none")):
        assert inspect(task["containers"][0]["runtimeId"])["HostConfig"]["NetworkMode"] == mode
        tasks.stop(task["taskArn"])
    assert none["containers"][0]["networkBindings"] == []


def test_containers_start_in_the_order_of_their_dependencies(tasks: Tasks) -> None:
    side = {"essential": False}
    tasks.define(
        {**side, "name": "migrate", "command": ["sh", "-c", "sleep 0.3; exit 0"]},
        {**side, "name": "warm", "command": ["sh", "-c", "sleep 0.3; exit 4"]},
        {"name": "database", "command": POLITE, "healthCheck": READY},
        {
            "name": "web",
            "dependsOn": [
                {"containerName": "migrate", "condition": "SUCCESS"},
                {"containerName": "warm", "condition": "COMPLETE"},
                {"containerName": "database", "condition": "HEALTHY"},
            ],
        },
        {"name": "proxy", "dependsOn": [{"containerName": "web", "condition": "START"}]},
    )
    task = tasks.run()
    shown = containers(task)
    found = {name: inspect(container["runtimeId"])["State"] for name, container in shown.items()}
    assert [shown[name]["exitCode"] for name in ("migrate", "warm")] == [0, 4]
    assert max(found["migrate"]["FinishedAt"], found["warm"]["FinishedAt"]) < found["web"]["StartedAt"]
    assert found["database"]["Health"]["Log"][-1]["End"][:23] < found["web"]["StartedAt"]
    assert found["web"]["StartedAt"] < found["proxy"]["StartedAt"]
    assert shown["database"]["healthStatus"] == "HEALTHY"
    assert shown["web"]["healthStatus"] == "UNKNOWN"
    tasks.stop(task["taskArn"])


def test_a_dependency_that_is_not_met_in_time_fails_the_task_if_an_essential_container_needs_it(tasks: Tasks) -> None:
    sick = {"command": ["CMD-SHELL", "exit 1"], "interval": 5, "retries": 1}
    tasks.define(
        {"name": "migrate", "essential": False, "command": ["false"]},
        {"name": "side", "essential": False, "dependsOn": [{"containerName": "migrate", "condition": "SUCCESS"}]},
        {"name": "database", "command": POLITE, "healthCheck": sick, "startTimeout": 2},
        {"name": "web", "dependsOn": [{"containerName": "database", "condition": "HEALTHY"}]},
    )
    ended = tasks.ended()
    shown = containers(ended)
    assert ended["stopCode"] == "TaskFailedToStart"
    assert {name: container["exitCode"] for name, container in shown.items()} == {
        "migrate": 1,
        "side": 143,
        "database": 7,
        "web": 143,
    }
    assert shown["side"]["reason"].endswith("[migrate] for target [side] as dependency did not exit successfully.")
    assert shown["web"]["reason"].endswith("[database] for target [web] has timed out.")
    assert (ended["stoppingAt"] - ended["createdAt"]).total_seconds() >= 2


def test_how_containers_are_stopped_and_what_they_leave(tasks: Tasks) -> None:
    tasks.define(
        {"name": "polite", "command": POLITE, "healthCheck": READY, "stopTimeout": 60},
        {"name": "deaf", "command": DEAF, "healthCheck": READY, "stopTimeout": 2},
        {"name": "brief", "command": ["true"], "essential": False},
    )
    task = tasks.run()
    tasks.server.wait_until(lambda: tasks.show(task["taskArn"])["healthStatus"] == "HEALTHY")
    assert containers(tasks.show(task["taskArn"]))["brief"]["lastStatus"] == "STOPPED"
    stopped = tasks.stop(task["taskArn"])
    assert {name: container["exitCode"] for name, container in containers(stopped).items()} == {
        "polite": 7,
        "deaf": 137,
        "brief": 0,
    }
    assert 2 <= (stopped["stoppedAt"] - stopped["stoppingAt"]).total_seconds() < 30
    assert stopped["stopCode"] == "UserInitiated"
    assert ids_of(task["taskArn"]) == []


@pytest.mark.parametrize(
    ("container", "stop_code", "exit_code", "reason"),
    [
        ({"command": ["sh", "-c", "exit 42"]}, "EssentialContainerExited", 42, None),
        (
            {"command": ["tail", "/dev/zero"], "memory": 8},
            "EssentialContainerExited",
            137,
            "OutOfMemoryError: Container killed due to memory usage",
        ),
        ({"command": ["no-such-program"]}, "TaskFailedToStart", None, "CannotStartContainerError: "),
        ({"image": "localhost:1/missing:1"}, "TaskFailedToStart", None, "CannotPullContainerError: "),
    ],
)
def test_how_tasks_end(
    tasks: Tasks, container: dict[str, Any], stop_code: str, exit_code: int | None, reason: str | None
) -> None:
    tasks.define(container)
    ended = tasks.ended()
    (shown,) = ended["containers"]
    assert (ended["stopCode"], shown.get("exitCode")) == (stop_code, exit_code)
    assert shown.get("reason") is None if reason is None else shown["reason"].startswith(reason)


def test_a_sick_task_is_told_and_left_alone(tasks: Tasks) -> None:
    check = {"command": ["CMD-SHELL", "exit 1"], "interval": 5, "retries": 1}
    tasks.define({"healthCheck": check})
    task = tasks.run()
    assert task["healthStatus"] == "UNKNOWN"
    tasks.server.wait_until(lambda: tasks.show(task["taskArn"])["healthStatus"] == "UNHEALTHY")
    sick = tasks.show(task["taskArn"])
    assert (sick["lastStatus"], sick["containers"][0]["healthStatus"]) == ("RUNNING", "UNHEALTHY")
    tasks.stop(task["taskArn"])


def test_what_dies_or_is_unwanted_while_the_server_is_dead(engine_server: RunningServer, tasks: Tasks) -> None:
    tasks.define({"command": ["sh", "-c", "while ! [ -e /go ]; do sleep 0.1; done; exit 9"]})
    lives, dies = tasks.run(), tasks.run()
    (runtime_id,) = (container["runtimeId"] for container in dies["containers"])
    labels = inspect(runtime_id)["Config"]["Labels"]
    engine_server.kill()
    docker("exec", runtime_id, "touch", "/go")
    docker("wait", runtime_id)
    options = [f"--label=ashore.server={labels['ashore.server']}", "--label=com.amazonaws.ecs.task-arn=gone"]
    docker("run", "-d", "--label=com.amazonaws.ecs.container-name=app", *options, tasks.image, "sleep", "300")
    engine_server.start()
    stopped = tasks.when(dies["taskArn"], "STOPPED")
    assert (stopped["stopCode"], stopped["containers"][0]["exitCode"]) == ("EssentialContainerExited", 9)
    assert tasks.show(lives["taskArn"])["lastStatus"] == "RUNNING"
    assert ids_of("gone") == []
    assert ids_of(dies["taskArn"]) == []
    tasks.stop(lives["taskArn"])


def test_secrets_are_in_the_environment(engine_server: RunningServer, tasks: Tasks) -> None:
    parameters, store = engine_server.client("ssm"), engine_server.client("secretsmanager")
    parameters.put_parameter(Name="/app/password", Value="hunter2", Type="SecureString")
    secret = store.create_secret(Name="database", SecretString='{"user": "me"}')["ARN"]
    role = "arn:aws:iam::000000000000:role/execution"
    sources = {"PASSWORD": "/app/password", "DB_USER": f"{secret}:user::"}
    tasks.define({"secrets": [{"name": k, "valueFrom": v} for k, v in sources.items()]}, executionRoleArn=role)
    task = tasks.run()
    assert {"PASSWORD=hunter2", "DB_USER=me"} <= set(inspect(task["containers"][0]["runtimeId"])["Config"]["Env"])
    tasks.stop(task["taskArn"])
    tasks.define({"secrets": [{"name": "PASSWORD", "valueFrom": "/none"}]}, executionRoleArn=role)
    failed = tasks.ended()
    assert failed["stopCode"] == "TaskFailedToStart"
    assert failed["containers"][0]["reason"].startswith("ResourceInitializationError: unable to pull secrets")


def test_nothing_is_scripted_on_an_engine(engine_server: RunningServer) -> None:
    refused = engine_server.admin("POST", "runtime/scripts", {"pattern": "*"})["detail"]
    assert refused["id"] == "ASH-R002"
    assert "--runtime simulated" in refused["fix"]
