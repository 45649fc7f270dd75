"""Which ECS operations are not emulated, and why: `ashore coverage ecs` prints it, and their 501 says it."""

from collections.abc import Mapping

_AGENT = (
    "impossible locally: it tells an ECS agent from elsewhere where to open its WebSocket, and the protocol spoken there is "
    "not published; tasks of every host are carried out by this server"
)
REASONS: Mapping[str, str] = {
    "DiscoverPollEndpoint": _AGENT,
}
