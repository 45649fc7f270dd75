"""Identities as moto's IAM and STS keep them: `identity_ports.Identities`."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

from emulator.arns import Arn, parse_arn
from emulator.neighbours.identity_ports import Identity, PolicyText
from emulator.neighbours.world import MotoWorld

_PARTITION = "aws"


class MotoIdentities:
    """Reads the world's users, roles and sessions.

    What was read is remembered until somebody writes to IAM or STS (`changed`): every request asks for its key.
    """

    def __init__(self, world: MotoWorld) -> None:
        self._world = world
        self._by_key: dict[str, Identity] = {}
        self._by_arn: dict[str, Identity] = {}

    def changed(self) -> None:
        """Forget what was read; called after a request that may have changed an identity."""
        self._by_key.clear()
        self._by_arn.clear()

    def by_key(self, access_key: str) -> Identity | None:
        """See `identity_ports.Identities`."""
        known = self._by_key.get(access_key)
        if known is None:
            with self._world.lock:
                known = self._user_of(access_key) or self._session_of(access_key)
            if known is not None:
                self._by_key[access_key] = known
        return known

    def by_arn(self, arn: str) -> Identity | None:
        """See `identity_ports.Identities`."""
        parsed, known = parse_arn(arn), self._by_arn.get(arn)
        if known is None and parsed is not None:
            with self._world.lock:
                known = self._called(parsed, arn)
            if known is not None:
                self._by_arn[arn] = known
        return known

    def trust_policy(self, role: str) -> str | None:
        """See `identity_ports.Identities`."""
        arn = parse_arn(role)
        with self._world.lock:
            if arn is None or arn.account not in self._accounts("iam"):
                return None
            roles = self._world.backend("iam", arn.account, _PARTITION).roles.values()
            return next((str(item.assume_role_policy_document) for item in roles if item.arn == role), None)

    def bucket_policy(self, bucket: str) -> tuple[str, str | None] | None:
        """See `identity_ports.Identities`."""
        with self._world.lock:
            for account in self._accounts("s3"):
                found = self._world.backend("s3", account, _PARTITION).buckets.get(bucket)
                if found is not None:
                    text = found.policy.decode() if isinstance(found.policy, bytes) else found.policy
                    return account, text or None
        return None

    def profile_role(self, account: str, profile: str) -> str | None:
        """See `identity_ports.Identities`."""
        name = profile.rpartition("/")[2]
        with self._world.lock:
            found = self._world.backend("iam", account, _PARTITION).instance_profiles.values()
            return next((str(item.roles[0].arn) for item in found if item.name == name and item.roles), None)

    def _called(self, arn: Arn, text: str) -> Identity | None:
        if arn.account not in self._accounts("iam"):
            return None
        iam = self._world.backend("iam", arn.account, _PARTITION)
        match arn.kind:
            case "user":
                return next((_user(iam, item) for item in iam.users.values() if item.arn == text), None)
            case "role":
                return next((_role(iam, item) for item in iam.roles.values() if item.arn == text), None)
            case "assumed-role":
                sessions = self._world.backend("sts", arn.account, _PARTITION).assumed_roles
                found = next((item for item in reversed(sessions) if item.arn == text), None)
                if found is not None:
                    return _session(iam, found)
                name = arn.resource.split("/")[1]
                return next((_role(iam, item, text) for item in iam.roles.values() if item.name == name), None)
        return None

    def _user_of(self, access_key: str) -> Identity | None:
        for account in self._accounts("iam"):
            iam = self._world.backend("iam", account, _PARTITION)
            for user in iam.users.values():
                for key in user.access_keys:
                    if key.access_key_id == access_key and key.status == "Active":
                        return _user(iam, user, key.secret_access_key)
        return None

    def _session_of(self, access_key: str) -> Identity | None:
        for account in self._accounts("sts"):
            session = self._world.backend("sts", account, _PARTITION).get_assumed_role_from_access_key(access_key)
            if session is not None:
                return _session(self._world.backend("iam", account, _PARTITION), session)
        return None

    def _accounts(self, service: str) -> list[str]:
        """Those that have used the service: none is made by looking."""
        return list(dict.fromkeys(account for account, _ in self._world.places(service)))


def _user(iam: Any, item: Any, secret: str = "") -> Identity:
    groups = [group for group in iam.groups.values() if item in group.users]
    own = [_texts(item, f"user {item.name}"), *(_texts(group, f"group {group.name}") for group in groups)]
    return Identity(
        arn=str(item.arn),
        account=str(item.account_id),
        unique_id=str(item.id),
        secret=secret,
        user=str(item.name),
        tags=_tags(item.tags or ()),
        policies=tuple(text for texts in own for text in texts),
    )


def _session(iam: Any, item: Any) -> Identity:
    role = next((one for one in iam.roles.values() if one.arn == item.role_arn), None)
    return Identity(
        arn=str(item.arn),
        account=str(item.account_id),
        unique_id=str(item.user_id),
        secret=str(item.secret_access_key),
        token=str(item.session_token),
        role=str(item.role_arn),
        expires_at=item.expiration.replace(tzinfo=UTC),
        tags=_tags(role.tags or ()) if role else {},
        policies=tuple(_texts(role, f"role {role.name}")) if role else (),
        boundary=_boundary(iam, role) if role else None,
        session=PolicyText(f"session policy of {item.session_name}", str(item.policy)) if item.policy else None,
    )


def _role(iam: Any, item: Any, arn: str | None = None) -> Identity:
    return Identity(
        arn=arn or str(item.arn),
        account=str(item.account_id),
        unique_id=str(item.id),
        role=str(item.arn),
        tags=_tags(item.tags or ()),
        policies=tuple(_texts(item, f"role {item.name}")),
        boundary=_boundary(iam, item),
    )


def _texts(item: Any, owner: str) -> Iterable[PolicyText]:
    """The inline and attached policies of a user, a group or a role."""
    for name, text in item.policies.items():
        yield PolicyText(f"inline policy {name} of {owner}", text if isinstance(text, str) else json.dumps(text))
    for policy in item.managed_policies.values():
        yield _managed(policy)


def _managed(policy: Any) -> PolicyText:
    version = next((one for one in policy.versions if one.version_id == policy.default_version_id), None)
    return PolicyText(str(policy.arn), str(version.document) if version else str(policy.document))


def _boundary(iam: Any, role: Any) -> PolicyText | None:
    """A boundary whose policy has been deleted bounds all the same: it allows nothing."""
    if not role.permissions_boundary_arn:
        return None
    policy = iam.managed_policies.get(role.permissions_boundary_arn)
    return _managed(policy) if policy is not None else PolicyText(role.permissions_boundary_arn, "")


def _tags(listed: Iterable[Mapping[str, str]] | Mapping[str, Any]) -> dict[str, str]:
    """Moto keeps them as a list, or by key."""
    items = listed.values() if isinstance(listed, Mapping) else listed
    return {item["Key"]: item["Value"] for item in items}
