"""The proxy of an instance where it has files of its own to serve: a server of the router's before the application."""

from emulator.balancer.caddy_matchers import Document
from emulator.balancer.caddy_notes import note, notes_of_request
from emulator.balancer.fronts import StaticFiles


def instance_name(address: str) -> str:
    """What the server before an address is called."""
    return f"instance {address}"


def instance_routes(files: tuple[StaticFiles, ...], onward: list[Document]) -> list[Document]:
    """Files of each path, the longest first, then the application."""
    return [*(_served(one) for one in files), {"handle": onward}]


def notes_of_failure(address: str) -> list[Document]:
    """What a server tells of a request that its application left without an answer."""
    return [note("instance", address), *notes_of_request()]


def _served(files: StaticFiles) -> Document:
    """`/static` and what is below it: nginx's `location` with an alias."""
    return {
        "match": [{"path": [files.path, f"{files.path.rstrip('/')}/*"]}],
        "handle": [
            {"handler": "rewrite", "strip_path_prefix": files.path.rstrip("/")},
            {"handler": "file_server", "root": files.folder, "index_names": ["index.html"]},
        ],
        "terminal": True,
    }


def passed_on(dial: str, retries: Document) -> Document:
    """To the application."""
    headers = {"request": {"delete": ["X-Ashore-Listener", "X-Ashore-Client-Ip", "Via", "X-Forwarded-Host"]}}
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": dial}],
        "load_balancing": retries,
        "headers": {**headers, "response": {"delete": ["Via"]}},
        "transport": {"protocol": "http", "dial_timeout": "10s"},
        "stream_close_delay": "5m",
    }
