"""EC2 instance types as simulated hosts: vCPU, memory, network interfaces, GPUs (reference: instance catalogue)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InstanceType:
    """What a host of this type offers."""

    name: str
    vcpu: int
    mib: int
    """Advertised memory."""
    enis: int
    architecture: str = "x86_64"
    gpus: int = 0

    @property
    def cpu(self) -> int:
        """CPU units."""
        return self.vcpu * 1024

    @property
    def memory(self) -> int:
        """MiB that the agent registers: less than advertised, the kernel keeps some.

        Two samples are known (t2.micro 985, m4.large 7985); the share by size is a rule of thumb (unconfirmed).
        """
        known = {"t2.micro": 985, "m4.large": 7985}.get(self.name)
        if known is not None:
            return known
        share = 0.965 if self.mib <= 2048 else 0.966 if self.mib <= 4096 else 0.975 if self.mib <= 8192 else 0.98
        return int(self.mib * share)


_SIZES = {
    "t2": {"nano": (1, 512, 2), "micro": (1, 1024, 2), "small": (1, 2048, 3), "medium": (2, 4096, 3),
           "large": (2, 8192, 3), "xlarge": (4, 16384, 3), "2xlarge": (8, 32768, 3)},
    "t3": {"nano": (2, 512, 2), "micro": (2, 1024, 2), "small": (2, 2048, 3), "medium": (2, 4096, 3),
           "large": (2, 8192, 3), "xlarge": (4, 16384, 4), "2xlarge": (8, 32768, 4)},
    "m5": {"large": (2, 8192, 3), "xlarge": (4, 16384, 4), "2xlarge": (8, 32768, 4), "4xlarge": (16, 65536, 8)},
    "c5": {"large": (2, 4096, 3), "xlarge": (4, 8192, 4), "2xlarge": (8, 16384, 4), "4xlarge": (16, 32768, 8)},
    "r5": {"large": (2, 16384, 3), "xlarge": (4, 32768, 4), "2xlarge": (8, 65536, 4), "4xlarge": (16, 131072, 8)},
    "m4": {"large": (2, 8192, 2)},
}  # fmt: skip
_TWINS = {"t3a": "t3", "t4g": "t3", "m6i": "m5", "c6i": "c5", "r6i": "r5", "m6g": "m5", "c6g": "c5", "r6g": "r5"}
_GPU = {"g4dn.xlarge": (4, 16384, 3, 1), "g4dn.2xlarge": (8, 32768, 3, 1), "g4dn.12xlarge": (48, 196608, 8, 4)}


def _catalogue() -> dict[str, InstanceType]:
    types = {}
    for family in (*_SIZES, *_TWINS):
        architecture = "arm64" if family.endswith("g") else "x86_64"
        for size, (vcpu, mib, enis) in _SIZES[_TWINS.get(family, family)].items():
            name = f"{family}.{size}"
            types[name] = InstanceType(name, vcpu, mib, enis, architecture)
    for name, (vcpu, mib, enis, gpus) in _GPU.items():
        types[name] = InstanceType(name, vcpu, mib, enis, gpus=gpus)
    return types


INSTANCE_TYPES = _catalogue()


def find(name: str) -> InstanceType | None:
    """The type called `name`; None where the catalogue lacks it."""
    return INSTANCE_TYPES.get(name)
