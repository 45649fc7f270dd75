"""A server that enforces permissions (`iam=strict`): who calls, what its policies allow, and how a refusal is told."""

import http.client
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.contract.identities import User, denials, document, make_role
from tests.running import RunningServer

ACCOUNT = "000000000000"
CLUSTER = f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    found = RunningServer(tmp_path_factory.mktemp("iam") / "state", runtime="simulated", iam="strict")
    yield found
    found.stop()


@pytest.fixture
def server(running: RunningServer) -> RunningServer:
    """The module's server, emptied."""
    running.admin("POST", "reset")
    return running


def refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str, int]:
    """Code, message and status."""
    found = error.value.response
    return found["Error"]["Code"], found["Error"]["Message"], found["ResponseMetadata"]["HTTPStatusCode"]


def test_roots_may_do_everything(server: RunningServer) -> None:
    assert server.client("ecs").list_clusters()["clusterArns"] == []
    assert server.client("ecs", "111122223333").list_clusters()["clusterArns"] == []
    assert denials(server) == []
    told = {item["name"]: item["value"] for item in server.admin("GET", "status")["settings"]}
    assert told["iam"] == "strict"


def test_a_user_may_what_its_policies_allow(server: RunningServer) -> None:
    alice = User(server)
    ecs = alice.client("ecs")
    with pytest.raises(ClientError) as denied:
        ecs.create_cluster(clusterName="demo")
    sentence = (
        f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: ecs:CreateCluster on resource: *"
        " because no identity-based policy allows the ecs:CreateCluster action"
    )
    assert refused(denied) == ("AccessDeniedException", sentence, 400)
    assert denials(server) == [
        {
            "principal": alice.arn,
            "action": "ecs:CreateCluster",
            "resource": "*",
            "statement": "none allows it",
            "enforced": True,
            "message": sentence,
        }
    ]
    alice.may(
        {"Action": "ecs:*"}, {"Sid": "Keep", "Effect": "Deny", "Action": "ecs:Delete*", "Resource": f"{CLUSTER}/prod*"}
    )
    for name in ("demo", "prod"):
        ecs.create_cluster(clusterName=name)
    ecs.delete_cluster(cluster="demo")
    with pytest.raises(ClientError, match=r"cluster/prod with an explicit deny in an identity-based policy"):
        ecs.delete_cluster(cluster=f"{CLUSTER}/prod")
    assert denials(server)[-1]["statement"] == "statement Keep of inline policy own of user alice"


def test_groups_managed_policies_and_their_versions(server: RunningServer) -> None:
    iam, alice = server.client("iam"), User(server)
    iam.create_group(GroupName="staff")
    iam.add_user_to_group(GroupName="staff", UserName="alice")
    made = iam.create_policy(PolicyName="ecs", PolicyDocument=document({"Action": "ecs:ListClusters"}))["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="staff", PolicyArn=made)
    ecs = alice.client("ecs")
    ecs.list_clusters()
    nothing = document({"Action": "s3:*"})
    iam.create_policy_version(PolicyArn=made, PolicyDocument=nothing, SetAsDefault=True)
    with pytest.raises(ecs.exceptions.ClientError, match="no identity-based policy allows"):
        ecs.list_clusters()
    iam.attach_user_policy(UserName="alice", PolicyArn="arn:aws:iam::aws:policy/AmazonECS_FullAccess")
    ecs.list_clusters()
    iam.update_access_key(UserName="alice", AccessKeyId=alice.key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        ecs.list_clusters()


def test_a_session_is_bounded_by_its_roles_boundary_and_its_own_policy(server: RunningServer) -> None:
    iam, role = server.client("iam"), make_role(server, "runner", {"Action": "ecs:*"})

    def session(**given: str) -> Any:
        made = server.client("sts").assume_role(RoleArn=role, RoleSessionName="one", **given)["Credentials"]
        return boto3.client(
            "ecs",
            region_name="us-east-1",
            endpoint_url=server.url,
            aws_access_key_id=made["AccessKeyId"],
            aws_secret_access_key=made["SecretAccessKey"],
            aws_session_token=made["SessionToken"],
        )

    session().list_clusters()
    who = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/runner/one is not authorized to perform: ecs:ListClusters"
    with pytest.raises(ClientError, match=rf"{who} on resource: \* because no session policy allows"):
        session(Policy=document({"Action": "ecs:DescribeClusters"})).list_clusters()
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=document({"Action": "s3:*"}))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="runner", PermissionsBoundary=bound)
    with pytest.raises(ClientError, match=rf"{who} on resource: \* because no permissions boundary allows"):
        session().list_clusters()


@pytest.mark.parametrize(
    ("service", "call", "unknown", "wrong"),
    [
        ("ecs", "list_clusters", ("UnrecognizedClientException", 400), ("InvalidSignatureException", 400)),
        ("ecr", "describe_repositories", ("UnrecognizedClientException", 400), ("InvalidSignatureException", 400)),
        ("elasticbeanstalk", "describe_applications", ("InvalidClientTokenId", 403), ("SignatureDoesNotMatch", 403)),
        ("iam", "list_users", ("InvalidClientTokenId", 403), ("SignatureDoesNotMatch", 403)),
        ("sqs", "list_queues", ("UnrecognizedClientException", 400), ("InvalidSignatureException", 400)),
        ("s3", "list_buckets", ("InvalidAccessKeyId", 403), ("SignatureDoesNotMatch", 403)),
        ("ec2", "describe_instances", ("AuthFailure", 401), ("AuthFailure", 401)),
        ("lambda", "list_functions", ("UnrecognizedClientException", 403), ("InvalidSignatureException", 403)),
    ],
)
def test_keys_and_signatures(
    server: RunningServer, service: str, call: str, unknown: tuple[str, int], wrong: tuple[str, int]
) -> None:
    alice = User(server)
    for key, expected in (("AKIAQAAAAAAAEXAMPLE2", unknown), (alice.key["AccessKeyId"], wrong)):
        with pytest.raises(ClientError) as error:
            getattr(server.client(service, key), call)()
        code, message, status = refused(error)
        assert (code, status) == expected
        assert message
    assert [item["error"] for item in denials(server)] == [unknown[0], wrong[0]]


def test_a_session_token_must_come_with_its_key(server: RunningServer) -> None:
    role = make_role(server, "runner", {"Action": "*"})
    made = server.client("sts").assume_role(RoleArn=role, RoleSessionName="one")["Credentials"]
    with pytest.raises(ClientError, match="The security token included in the request is invalid"):
        server.client("ecs", made["AccessKeyId"], secret=made["SecretAccessKey"]).list_clusters()


def test_expired_sessions(server: RunningServer) -> None:
    role = make_role(server, "runner", {"Action": "*"})
    made = server.client("sts").assume_role(RoleArn=role, RoleSessionName="one", DurationSeconds=900)["Credentials"]
    ecs = boto3.client(
        "ecs",
        region_name="us-east-1",
        endpoint_url=server.url,
        aws_access_key_id=made["AccessKeyId"],
        aws_secret_access_key=made["SecretAccessKey"],
        aws_session_token=made["SessionToken"],
    )
    ecs.list_clusters()
    server.admin("POST", "clock", {"advance": 901})
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        ecs.list_clusters()


def test_users_of_another_account_act_there(server: RunningServer) -> None:
    bob = User(server, "bob", "111122223333")
    bob.may({"Action": "ecs:*"})
    bob.client("ecs").create_cluster(clusterName="bobs")
    assert server.client("ecs").list_clusters()["clusterArns"] == []
    assert server.client("ecs", "111122223333").list_clusters()["clusterArns"] == [
        "arn:aws:ecs:us-east-1:111122223333:cluster/bobs"
    ]


def test_conditions(server: RunningServer) -> None:
    alice = User(server)
    alice.may(
        {"Action": "ecs:CreateCluster", "Condition": {"StringEquals": {"aws:RequestTag/team": "${aws:username}"}}},
        {"Action": "ecs:UpdateCluster", "Condition": {"StringEquals": {"aws:ResourceTag/team": "alice"}}},
        {"Action": "ecs:ListTasks", "Condition": {"ArnEquals": {"ecs:cluster": f"{CLUSTER}/mine"}}},
        {"Action": "ecs:ListClusters", "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}},
    )
    ecs, mine = alice.client("ecs"), [{"key": "team", "value": "alice"}]
    ecs.create_cluster(clusterName="mine", tags=mine)
    ecs.update_cluster(cluster="mine", settings=[{"name": "containerInsights", "value": "disabled"}])
    ecs.list_tasks(cluster="mine")
    alice.client("ecs", "eu-west-1").list_clusters()
    server.client("ecs").create_cluster(clusterName="other")
    for call in (
        lambda: ecs.create_cluster(clusterName="theirs", tags=[{"key": "team", "value": "bob"}]),
        lambda: ecs.update_cluster(cluster="other"),
        ecs.list_tasks,
        ecs.list_clusters,
    ):
        with pytest.raises(ClientError, match="no identity-based policy allows"):
            call()


def test_roles_are_passed(server: RunningServer) -> None:
    role, alice = make_role(server, "app"), User(server)
    definition = {"family": "web", "containerDefinitions": [{"name": "c", "image": "i", "memory": 64}]}
    alice.may({"Action": "ecs:*"})
    ecs = alice.client("ecs")
    ecs.register_task_definition(**definition)
    with pytest.raises(ClientError) as denied:
        ecs.register_task_definition(**definition, taskRoleArn=role)
    assert refused(denied)[1] == (
        f"User: {alice.arn} is not authorized to perform: iam:PassRole on resource: {role}"
        " because no identity-based policy allows the iam:PassRole action"
    )
    condition = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    alice.may({"Action": "iam:PassRole", "Resource": role, "Condition": condition}, name="pass")
    ecs.register_task_definition(**definition, taskRoleArn=role)


def test_a_task_definition_is_what_run_task_needs(server: RunningServer) -> None:
    alice = User(server)
    definition = {"family": "web", "containerDefinitions": [{"name": "c", "image": "i", "memory": 64}]}
    arn = server.client("ecs").register_task_definition(**definition)["taskDefinition"]["taskDefinitionArn"]
    server.client("ecs").create_cluster(clusterName="default")
    alice.may({"Action": "ecs:RunTask", "Resource": f"{arn.rpartition(':')[0]}:2"})
    with pytest.raises(ClientError, match=f"ecs:RunTask on resource: {arn} because"):
        alice.client("ecs").run_task(taskDefinition="web")
    alice.may({"Action": "ecs:RunTask", "Resource": f"{arn.rpartition(':')[0]}:*"})
    with pytest.raises(ClientError, match="No Container Instances were found in your cluster"):
        alice.client("ecs").run_task(taskDefinition="web")


def test_elastic_beanstalk(server: RunningServer) -> None:
    alice = User(server)
    eb = alice.client("elasticbeanstalk")
    arn = f"arn:aws:elasticbeanstalk:us-east-1:{ACCOUNT}:application/shop"
    with pytest.raises(ClientError) as denied:
        eb.create_application(ApplicationName="shop")
    code, message, status = refused(denied)
    assert (code, status) == ("AccessDenied", 403)
    assert f"elasticbeanstalk:CreateApplication on resource: {arn} because" in message
    alice.may({"Action": "elasticbeanstalk:*Application*", "Resource": arn})
    eb.create_application(ApplicationName="shop", Tags=[{"Key": "team", "Value": "a"}])
    eb.describe_applications(ApplicationNames=["shop"])
    with pytest.raises(ClientError, match=r"application/\* because"):
        eb.describe_applications()
    with pytest.raises(ClientError, match="elasticbeanstalk:AddTags"):
        eb.update_tags_for_resource(ResourceArn=arn, TagsToAdd=[{"Key": "a", "Value": "b"}])


def test_a_repositorys_policy_takes_part(server: RunningServer) -> None:
    alice, root = User(server), server.client("ecr")
    root.create_repository(repositoryName="team/app")
    ecr = alice.client("ecr")
    with pytest.raises(ClientError, match=r"ecr:GetAuthorizationToken on resource: \* because no identity-based"):
        ecr.get_authorization_token()
    asked: dict[str, Any] = {"repositoryName": "team/app"}
    with pytest.raises(
        ClientError, match=r"ecr:ListImages on resource: .*:repository/team/app because no identity-based"
    ):
        ecr.list_images(**asked)
    assert len(denials(server)) == 2
    statement = {"Effect": "Allow", "Principal": {"AWS": alice.arn}, "Action": "ecr:ListImages"}
    root.set_repository_policy(repositoryName="team/app", policyText=json.dumps({"Statement": [statement]}))
    assert ecr.list_images(**asked)["imageIds"] == []  # granted to the user's own ARN: no identity policy is needed
    alice.may({"Action": "ecr:*"})
    deny = {**statement, "Sid": "Shut", "Effect": "Deny"}
    root.set_repository_policy(repositoryName="team/app", policyText=json.dumps({"Statement": [deny]}))
    with pytest.raises(ClientError, match="with an explicit deny in a resource-based policy"):
        ecr.list_images(**asked)
    assert denials(server)[-1]["statement"] == "statement Shut of the policy of repository team/app"
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException):
        ecr.list_images(repositoryName="nothing")
    alice.may({"Action": "s3:*"})
    with pytest.raises(ClientError, match="AccessDeniedException"):
        ecr.list_images(repositoryName="nothing")  # who may not ask does not learn that there is none


def test_neighbours_are_asked_for_too(server: RunningServer) -> None:
    root, alice = server.client("s3"), User(server)
    for bucket in ("mine", "other"):
        root.create_bucket(Bucket=bucket)
    alice.may(
        {"Action": ["s3:PutObject", "s3:GetObject"], "Resource": "arn:aws:s3:::mine/*"},
        {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::mine"},
        {"Action": "sqs:SendMessage", "Resource": f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"},
    )
    s3 = alice.client("s3")
    s3.put_object(Bucket="mine", Key="a b/c", Body=b"x")
    assert s3.get_object(Bucket="mine", Key="a b/c")["Body"].read() == b"x"
    assert s3.list_objects_v2(Bucket="mine")["KeyCount"] == 1
    with pytest.raises(ClientError) as denied:
        s3.put_object(Bucket="other", Key="k", Body=b"x")
    code, message, status = refused(denied)
    assert (code, status) == ("AccessDenied", 403)
    assert (
        f"{alice.arn} is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::other/k because" in message
    )
    with pytest.raises(ClientError, match="s3:DeleteObject"):
        s3.delete_object(Bucket="mine", Key="a b/c")
    shut = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::mine/*"}
    root.put_bucket_policy(Bucket="mine", Policy=json.dumps({"Version": "2012-10-17", "Statement": [shut]}))
    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        s3.get_object(Bucket="mine", Key="a b/c")
    queues = {name: server.client("sqs").create_queue(QueueName=name)["QueueUrl"] for name in ("jobs", "others")}
    sqs = alice.client("sqs")
    sqs.send_message(QueueUrl=queues["jobs"], MessageBody="x")
    with pytest.raises(
        ClientError, match=f"sqs:SendMessage on resource: arn:aws:sqs:us-east-1:{ACCOUNT}:others because"
    ):
        sqs.send_message(QueueUrl=queues["others"], MessageBody="x")
    with pytest.raises(ClientError, match="iam:CreateUser"):
        alice.client("iam").create_user(UserName="eve")
    assert alice.client("sts").get_caller_identity()["Arn"] == alice.arn
    with pytest.raises(ClientError, match="ec2:DescribeInstances"):
        alice.client("ec2").describe_instances()


def test_an_address_of_s3_carries_its_makers_permissions(server: RunningServer) -> None:
    server.client("s3").create_bucket(Bucket="mine")
    server.client("s3").put_object(Bucket="mine", Key="k", Body=b"content")
    alice = User(server)
    address = alice.client("s3").generate_presigned_url("get_object", {"Bucket": "mine", "Key": "k"})
    assert fetched(address)[0] == 403
    alice.may({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::mine/*"})
    assert fetched(address) == (200, b"content")
    assert fetched(address.replace("/mine/k", "/mine/other"))[0] == 403
    assert fetched(f"{server.url}/mine/k")[0] == 403  # nobody signed it


def fetched(address: str) -> tuple[int, bytes]:
    """Status and body of what is at an address."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_a_role_must_trust_who_assumes_it(server: RunningServer) -> None:
    alice, iam = User(server), server.client("iam")

    def trust(principal: dict[str, str]) -> str:
        statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        return json.dumps({"Version": "2012-10-17", "Statement": statement})

    service = trust({"Service": "ecs-tasks.amazonaws.com"})
    role = iam.create_role(RoleName="app", AssumeRolePolicyDocument=service)["Role"]["Arn"]
    alice.may({"Action": "sts:AssumeRole"})
    sts = alice.client("sts")
    with pytest.raises(ClientError, match=r"because no role trust policy allows the sts:AssumeRole action"):
        sts.assume_role(RoleArn=role, RoleSessionName="one")
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    assert sts.assume_role(RoleArn=role, RoleSessionName="one")["Credentials"]
    alice.may({"Action": "s3:*"})
    with pytest.raises(ClientError, match=r"because no identity-based policy allows the sts:AssumeRole action"):
        sts.assume_role(RoleArn=role, RoleSessionName="one")


def test_time_is_the_emulators(server: RunningServer) -> None:
    now = datetime.fromisoformat(server.admin("POST", "clock", {"advance": 0})["now"])
    alice = User(server)
    until = {"DateLessThan": {"aws:CurrentTime": (now + timedelta(hours=1)).isoformat()}}
    alice.may({"Action": "ecs:ListClusters", "Condition": until})
    alice.client("ecs").list_clusters()
    server.admin("POST", "clock", {"advance": 3601})
    with pytest.raises(ClientError, match="no identity-based policy allows"):
        alice.client("ecs").list_clusters()


def test_requests_that_nobody_signed(server: RunningServer) -> None:
    headers = {
        "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.ListClusters",
        "Content-Type": "application/x-amz-json-1.1",
    }
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", "/", "{}", headers)
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["__type"]) == (400, "MissingAuthenticationTokenException")
    connection.close()


def registry_says(server: RunningServer, ecr: Any, method: str, path: str) -> tuple[int, str]:
    """Status and message of the registry's answer to who has this client's password."""
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request(method, f"/v2/{path}", headers={"Authorization": f"Basic {token}"})
    answer = connection.getresponse()
    found = json.loads(answer.read() or b"{}")
    connection.close()
    return answer.status, found["errors"][0]["message"] if "errors" in found else ""


def test_the_registry_asks_who_the_password_is_for(server: RunningServer) -> None:
    alice = User(server)
    server.client("ecr").create_repository(repositoryName="team/app")
    alice.may({"Action": "ecr:GetAuthorizationToken"})
    ecr = alice.client("ecr")
    arn = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository"
    for method, path, action, resource in (
        ("POST", "team/app/blobs/uploads/", "InitiateLayerUpload", "team/app"),
        ("GET", "team/app/manifests/v1", "BatchGetImage", "team/app"),
        ("GET", "team/app/tags/list", "ListImages", "team/app"),
        ("GET", "nothing/tags/list", "ListImages", "nothing"),
        ("GET", "_catalog", "DescribeRepositories", "*"),
    ):
        status, message = registry_says(server, ecr, method, path)
        assert status == 403
        assert (
            f"{alice.arn} is not authorized to perform: ecr:{action} on resource: {arn}/{resource} because" in message
        )
    alice.may({"Action": "ecr:*"})
    assert registry_says(server, ecr, "POST", "team/app/blobs/uploads/") == (202, "")
    assert registry_says(server, ecr, "GET", "nothing/tags/list")[0] == 404
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    server.client("iam").delete_user_policy(UserName="alice", PolicyName="own")
    server.client("iam").delete_access_key(UserName="alice", AccessKeyId=alice.key["AccessKeyId"])
    server.client("iam").delete_user(UserName="alice")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/v2/team/app/tags/list", headers={"Authorization": f"Basic {token}"})
    assert connection.getresponse().status == 403  # the password still holds, but its principal may nothing any more
    connection.close()
