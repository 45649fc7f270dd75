"""awsvpc: one network of the engine stands for a VPC, one pause container holds a task's namespace and address in it.

A network is made for its first task and removed with its last one; tasks that are just being made are counted, because
the engine does not count a container that has not been started.
"""

import platform
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address, ip_network
from itertools import islice
from typing import TYPE_CHECKING, cast

import docker
import structlog
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.types import IPAMConfig, IPAMPool
from requests.exceptions import RequestException

from emulator.runtime import pause
from emulator.runtime.docker_calls import create_container, inspect_image
from emulator.runtime.docker_faults import CONFLICT, told_as
from emulator.runtime.docker_options import PAUSE, SERVER, container_name, labels
from emulator.runtime.faults import ContainerNetworkingError
from emulator.runtime.ports import TaskNetwork
from emulator.runtime.specs import TaskSpec

if TYPE_CHECKING:
    from emulator.runtime.docker_documents import ContainerDocument, NetworkDocument

NETWORK = "ashore.network"
"""Label of a pause container: the network that it is in."""

TASK = ("ashore-metadata", "169.254.170.2")
"""Network and address at which containers find their task's metadata."""
INSTANCE = ("ashore-instance-metadata", "169.254.169.254")
"""The same for their instance's."""
_LOG = structlog.get_logger()
_RESERVED = 4
"""Addresses at the beginning of a subnet that AWS keeps; it keeps the last one, too."""

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class VpcNetworks:
    """Makes and removes namespaces; methods block."""

    def __init__(self, api: docker.APIClient, server_id: str) -> None:
        self._api, self._server_id = api, server_id
        self._lock = threading.Lock()
        self._uses: Counter[str] = Counter()
        self._given: set[tuple[str, str]] = set()
        """Network and address of tasks that are just being made: the engine does not tell of them yet."""

    def provision(self, task: TaskSpec) -> TaskNetwork:
        """The task's namespace; what is there already is taken.

        Raises:
            ContainerNetworkingError: it cannot be made.

        """
        name = container_name(task, PAUSE)
        with told_as(ContainerNetworkingError, "resources provisioned"), self._use(task) as network:
            try:
                self._create(task, name, network)
            except APIError as error:
                if error.status_code != CONFLICT:
                    raise
            self._api.start(name)
            document = cast("ContainerDocument", self._api.inspect_container(name))
        (facts,) = document["NetworkSettings"]["Networks"].values()
        return TaskNetwork(facts["IPAddress"], facts["MacAddress"], document["Id"])

    def release(self, network: str) -> None:
        """Remove the network, unless a task is in it."""
        with self._lock:
            if self._uses[network]:
                return
            try:
                self._api.remove_network(network)
            except NotFound:
                return
            except APIError as error:
                if not error.is_client_error():  # 403: it has endpoints
                    raise

    def release_all(self) -> None:
        """`release` every network of this server's."""
        for network in self._api.networks(filters={"label": f"{SERVER}={self._server_id}"}):
            self.release(network["Name"])

    @contextmanager
    def _use(self, task: TaskSpec) -> Iterator[str]:
        """A network for the VPC, counted as used."""
        name = f"ashore-{self._server_id[:12]}-{task.vpc_id or 'vpc'}"
        if task.vpc_cidr:  # the same VPC always has the same; a caller without ids of VPCs still keeps ranges apart
            name += "-" + task.vpc_cidr.replace("/", "-")
        with self._lock:
            if not self._api.networks(names=[f"^{name}$"]):
                self._make(name, task.vpc_cidr)
            self._uses[name] += 1
        made = False
        try:
            yield name
            made = True
        finally:
            with self._lock:
                self._uses[name] -= 1
            if not made:
                with suppress(DockerException, RequestException):  # what failed before is what is told
                    self.release(name)

    def _make(self, name: str, cidr: str | None) -> None:
        """In the VPC's range, or where that overlaps one in use, in one that the engine chooses."""
        own = {SERVER: self._server_id}
        if cidr:
            pool = IPAMPool(subnet=str(ip_network(cidr)))
            try:
                self._api.create_network(name, "bridge", ipam=IPAMConfig(pool_configs=[pool]), labels=own)
            except APIError as error:
                if "overlap" not in str(error.explanation):
                    raise
            else:
                return
        self._api.create_network(name, "bridge", labels=own)

    def _create(self, task: TaskSpec, name: str, network: str) -> None:
        wished = task.private_ip or self._choose(network, task.subnet_cidr)
        try:
            self._try_at(task, name, network, wished)
        finally:
            with self._lock:
                self._given.discard((network, wished or ""))

    def _choose(self, network: str, subnet: str | None) -> str | None:
        """The lowest address of the task's subnet that is free; None where the network is not in the VPC's own range."""
        if subnet is None:
            return None
        wanted = ip_network(subnet)
        with self._lock:
            found = cast("NetworkDocument", self._api.inspect_network(network))
            ranges = [ip_network(pool["Subnet"]) for pool in found["IPAM"]["Config"] or []]
            if not any(pool.version == wanted.version and wanted.subnet_of(pool) for pool in ranges):  # type: ignore[arg-type]
                return None
            taken = {endpoint["IPv4Address"].partition("/")[0] for endpoint in found["Containers"].values()}
            for address in islice(wanted, _RESERVED, wanted.num_addresses - 1):
                chosen = str(address)
                if chosen not in taken and (network, chosen) not in self._given:
                    self._given.add((network, chosen))
                    return chosen
        raise ContainerNetworkingError(f"no free address in {subnet}")

    def _try_at(self, task: TaskSpec, name: str, network: str, wished: str | None) -> None:
        try:
            self._create_at(task, name, network, wished)
            if wished is not None:
                self._api.start(name)
        except APIError as error:
            if wished is None or error.status_code == CONFLICT:
                raise
            # the wish is outside of the network's range, or taken: any address does
            self._api.remove_container(name, force=True)
            self._create_at(task, name, network, None)

    def _create_at(self, task: TaskSpec, name: str, network: str, address: str | None) -> None:
        place = {"IPAMConfig": {"IPv4Address": str(ip_address(address))}} if address else {}
        create_container(
            self._api,
            {
                "Image": self._image(),
                "Cmd": ["/pause"],
                "Labels": {**labels(self._server_id, task, PAUSE), NETWORK: network},
                "HostConfig": {
                    "NetworkMode": network,
                    "Sysctls": {key: value for key, value in task.system_controls if key.startswith("net.")},
                    "Dns": list(task.dns_servers),
                    "IpcMode": "shareable" if task.ipc_mode == "task" else "private",
                },
                "NetworkingConfig": {"EndpointsConfig": {network: place}},
            },
            name,
        )

    def _image(self) -> str:
        try:
            return inspect_image(self._api, pause.IMAGE)["Id"]
        except ImageNotFound:
            machine = self._api.version(api_version=False).get("Arch", platform.machine())
            repository, _, tag = pause.IMAGE.partition(":")
            self._api.import_image_from_data(pause.archive(_ARCHITECTURES[machine]), repository, tag)
            return inspect_image(self._api, pause.IMAGE)["Id"]


def own_address(api: docker.APIClient, place: tuple[str, str]) -> str | None:
    """Have this machine own an address at which AWS's containers ask; None where it cannot.

    The engine gives it to a bridge that nothing joins: containers of every network send there by their default route,
    and the kernel answers for any of its own addresses. All servers of an engine share it, so it stays.
    """
    name, address = place
    if api.networks(names=[f"^{name}$"]):
        return address
    pool = IPAMPool(subnet=str(ip_network(f"{address}/24", strict=False)), gateway=address)
    try:
        api.create_network(name, "bridge", ipam=IPAMConfig(pool_configs=[pool]))
    except APIError as error:
        _LOG.info("metadata cannot be offered", address=address, error=str(error.explanation))
        return None
    return address
