"""What programs on an instance are told of it."""

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from emulator.context import Context
from emulator.ecs.clusters import ensure_default_cluster
from emulator.ecs.container_instances import HostSpec, add_host
from emulator.ecs.instance_metadata import Subject, Tree, is_good, look_up, new_token, subject_of, tree_of
from emulator.neighbours.ports import Instance, InstanceProfile, RoleCredentials
from tests.emulator.ecs.control_plane import ACCOUNT, REGION, control_plane
from tests.emulator.playing import playing

PROFILE = InstanceProfile(f"arn:aws:iam::{ACCOUNT}:instance-profile/web", "AIPA1", f"arn:aws:iam::{ACCOUNT}:role/x/web")
KEYS = RoleCredentials("key", "secret", "token")


def subject(context: Context, *, tokens: bool = False) -> Subject:
    host = add_host(context, ensure_default_cluster(context), HostSpec("t3.large", f"{REGION}a", "ec2"))
    instance = Instance(
        host.ec2_instance_id, "t3.large", f"{REGION}a", "running", host.private_ip, "vpc-1", "subnet-1", "ami-1", "#!/bin/sh",
        None, PROFILE, tokens,
    )  # fmt: skip
    return Subject(ACCOUNT, REGION, host, instance)


def test_the_tree_has_what_is_known() -> None:
    with control_plane().transaction(ACCOUNT, REGION) as context:
        about = subject(context)
        tree = tree_of(about, context.now, KEYS)
        assert look_up(tree, "") == "dynamic/\nmeta-data/\nuser-data"
        assert look_up(tree, "meta-data/instance-id") == about.host.ec2_instance_id
        assert look_up(tree, "meta-data/placement/") == "availability-zone\nregion"
        assert look_up(tree, "meta-data/iam/security-credentials/") == "web"
        credentials = json.loads(look_up(tree, "meta-data/iam/security-credentials/web") or "")
        assert (credentials["Code"], credentials["AccessKeyId"], credentials["Token"]) == ("Success", "key", "token")
        identity = json.loads(look_up(tree, "dynamic/instance-identity/document") or "")
        assert (identity["accountId"], identity["instanceType"]) == (ACCOUNT, "t3.large")
        assert look_up(tree, "user-data") == "#!/bin/sh"
        assert look_up(tree, "meta-data/public-ipv4") is None
        assert look_up(tree, "meta-data/instance-id/more") is None


def test_a_host_without_an_instance_has_no_role() -> None:
    with control_plane().transaction(ACCOUNT, REGION) as context:
        about = Subject(ACCOUNT, REGION, subject(context).host, None)
        tree = tree_of(about, context.now, None)
        assert look_up(tree, "meta-data/iam/info") is None
        assert not about.tokens_required


def test_a_token_is_good_for_its_instance_and_its_time() -> None:
    async def play() -> None:
        async with playing() as stage:
            with stage.emulator.transaction(ACCOUNT, REGION) as context:
                one, other = subject(context), subject(context)
                token = new_token(context, one, 60)
                assert is_good(context, one, token)
                assert not is_good(context, other, token)
            for seconds, good in ((59, True), (1, False)):
                await stage.advance(seconds)
                with stage.emulator.transaction(ACCOUNT, REGION) as context:
                    assert is_good(context, one, token) is good

    asyncio.run(play())


def test_nobody_guesses_a_token() -> None:
    with control_plane().transaction(ACCOUNT, REGION) as context:
        about = subject(context)
        seal = new_token(context, about, 60).partition("-")[2]

        @given(st.text())
        def guess(text: str) -> None:
            assert not is_good(context, about, text)
            assert not is_good(context, about, f"{text}-{seal}")

        guess()


_NAMES = st.sampled_from(["a", "b", "c"])
_TREES: st.SearchStrategy[Tree] = st.recursive(
    st.dictionaries(_NAMES, st.text()), lambda inner: st.dictionaries(_NAMES, st.text() | inner)
)


@given(_TREES)
def test_every_name_that_a_folder_lists_can_be_looked_up(tree: Tree) -> None:
    folders = [""]
    while folders:
        folder = folders.pop()
        for name in filter(None, (look_up(tree, folder) or "").split("\n")):
            assert look_up(tree, f"{folder}{name}") is not None
            folders += [f"{folder}{name}"] if name.endswith("/") else []


def test_tasks_on_a_host_have_its_instance_and_no_task_has_none() -> None:
    async def play() -> None:
        async with playing() as stage:
            stage.define()
            arn = await stage.run()
            host = stage.task(arn)["containerInstanceArn"]
            with stage.emulator.transaction(ACCOUNT, REGION) as context:
                found = subject_of(context, arn)
                assert found is not None
                assert (found.account, found.host.arn) == (ACCOUNT, host)
                assert subject_of(context, f"{arn}0") is None

    asyncio.run(play())
