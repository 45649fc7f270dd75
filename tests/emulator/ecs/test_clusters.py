"""Clusters and their capacity providers."""

from typing import Any

import pytest

from emulator.context import Context
from emulator.ecs.account_settings import put_account_setting_default
from emulator.ecs.clusters import (
    create_cluster,
    delete_cluster,
    describe_clusters,
    ensure_default_cluster,
    find_cluster,
    list_clusters,
    put_cluster_capacity_providers,
    update_cluster_settings,
)
from emulator.ecs.errors import (
    ClusterContainsContainerInstancesException,
    ClusterContainsTasksException,
    ClusterNotFoundException,
    InvalidParameterException,
    ResourceInUseException,
)
from emulator.emulator import Emulator
from emulator.state.ecs import ContainerInstanceRow
from tests.emulator.ecs.control_plane import ACCOUNT, PREFIX, REGION, add_hosts, add_task


def test_creating_a_cluster_again_gives_the_same_one(context: Context) -> None:
    first = create_cluster(context, {"clusterName": "lab", "tags": [{"key": "team", "value": "a"}]})
    assert create_cluster(context, {"clusterName": "lab"}) == first
    assert first["cluster"]["clusterArn"] == f"{PREFIX}cluster/lab"
    assert first["cluster"]["tags"] == [{"key": "team", "value": "a"}]


def test_a_deleted_cluster_is_described_but_neither_found_nor_listed_and_can_be_created_anew(context: Context) -> None:
    create_cluster(context, {"clusterName": "lab", "tags": [{"key": "team", "value": "a"}]})
    assert delete_cluster(context, {"cluster": "lab"})["cluster"]["status"] == "INACTIVE"
    assert describe_clusters(context, {"clusters": ["lab"]})["clusters"][0]["status"] == "INACTIVE"
    assert list_clusters(context, {}) == {"clusterArns": []}
    with pytest.raises(ClusterNotFoundException, match="Cluster not found"):
        find_cluster(context, "lab")
    assert create_cluster(context, {"clusterName": "lab"})["cluster"]["tags"] == []


def test_an_arn_must_be_the_clusters_own(context: Context) -> None:
    row = ensure_default_cluster(context)
    assert find_cluster(context, row.arn) is row
    for arn in (f"{PREFIX}service/default", row.arn.replace(ACCOUNT, "9" * 12), row.arn.replace(REGION, "us-east-1")):
        with pytest.raises(ClusterNotFoundException):
            find_cluster(context, arn)


def test_a_cluster_in_use_cannot_be_deleted(server: Emulator) -> None:
    (host,) = add_hosts(server)
    with server.transaction(ACCOUNT, REGION) as context:
        with pytest.raises(ClusterContainsContainerInstancesException):
            delete_cluster(context, {"cluster": "default"})
        add_task(context, host, capacity_provider="FARGATE")
        context.session.get_one(ContainerInstanceRow, host).status = "INACTIVE"
        with pytest.raises(ClusterContainsTasksException):
            delete_cluster(context, {"cluster": "default"})


def test_counts_and_statistics_are_those_of_the_rows(server: Emulator) -> None:
    (host,) = add_hosts(server)
    with server.transaction(ACCOUNT, REGION) as context:
        add_task(context, host)
        add_task(context, host, last_status="PENDING")
        add_task(context, host, last_status="STOPPED")
        (cluster,) = describe_clusters(context, {"include": ["STATISTICS"]})["clusters"]
    assert (cluster["runningTasksCount"], cluster["pendingTasksCount"]) == (1, 1)
    assert cluster["registeredContainerInstancesCount"] == 1
    statistics = {item["name"]: item["value"] for item in cluster["statistics"]}
    assert (statistics["runningEC2TasksCount"], statistics["pendingEC2TasksCount"]) == ("1", "1")


def test_what_is_not_included_is_an_empty_list_and_what_is_missing_a_failure(context: Context) -> None:
    create_cluster(context, {"clusterName": "lab", "tags": [{"key": "team", "value": "a"}]})
    result = describe_clusters(context, {"clusters": ["lab", "none"]})
    assert [result["clusters"][0][member] for member in ("statistics", "tags", "settings")] == [[], [], []]
    assert result["failures"] == [{"arn": f"{PREFIX}cluster/none", "reason": "MISSING"}]


def test_pages_of_clusters_show_each_once(context: Context) -> None:
    names = [f"lab-{number}" for number in range(7)]
    for name in names:
        create_cluster(context, {"clusterName": name})
    shown: list[str] = []
    page: Any = list_clusters(context, {"maxResults": 3})
    while True:
        shown += page["clusterArns"]
        if "nextToken" not in page:
            break
        page = list_clusters(context, {"maxResults": 3, "nextToken": page["nextToken"]})
    assert shown == [f"{PREFIX}cluster/{name}" for name in names]
    with pytest.raises(InvalidParameterException, match="Invalid token"):
        list_clusters(context, {"nextToken": "nonsense"})


def test_container_insights_follows_the_account_until_it_is_set(context: Context) -> None:
    put_account_setting_default(context, {"name": "containerInsights", "value": "enhanced"})
    created = create_cluster(context, {"clusterName": "lab"})
    assert created["cluster"]["settings"] == [{"name": "containerInsights", "value": "enhanced"}]
    settings: Any = [{"name": "containerInsights", "value": "enabled"}]
    updated = update_cluster_settings(context, {"cluster": "lab", "settings": settings})
    assert updated["cluster"]["settings"] == settings
    bad: Any = [{"name": "containerInsights", "value": "on"}]
    with pytest.raises(InvalidParameterException, match="containerInsights should be one of"):
        create_cluster(context, {"clusterName": "other", "settings": bad})


def test_only_fargates_capacity_providers_are_active(context: Context) -> None:
    create_cluster(context, {"clusterName": "lab"})
    result = put_cluster_capacity_providers(context, {
        "cluster": "lab",
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
    })  # fmt: skip
    assert result["cluster"]["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
    strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
    assert result["cluster"]["defaultCapacityProviderStrategy"] == strategy
    message = "The specified capacity provider 'mine' is not in an ACTIVE state. Specify a valid capacity provider"
    with pytest.raises(InvalidParameterException, match=message):
        create_cluster(context, {"clusterName": "other", "capacityProviders": ["mine"]})
    with pytest.raises(InvalidParameterException, match="not associated with the cluster"):
        put_cluster_capacity_providers(context, {
            "cluster": "lab",
            "capacityProviders": ["FARGATE"],
            "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
        })  # fmt: skip


def test_a_capacity_provider_in_use_stays(server: Emulator) -> None:
    (host,) = add_hosts(server)
    with server.transaction(ACCOUNT, REGION) as context:
        some: Any = {"cluster": "default", "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": []}
        none: Any = {**some, "capacityProviders": []}
        put_cluster_capacity_providers(context, some)
        task = add_task(context, host, capacity_provider="FARGATE")
        with pytest.raises(ResourceInUseException, match="is in use and cannot be removed"):
            put_cluster_capacity_providers(context, none)
        task.last_status = "STOPPED"
        result = put_cluster_capacity_providers(context, none)
        assert result["cluster"]["capacityProviders"] == []
