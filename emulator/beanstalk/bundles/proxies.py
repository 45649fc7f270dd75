"""Settings of the proxy that stands on each instance."""

from emulator.beanstalk.bundles.plan import PROXY_NAMESPACE, STATIC_FILES_NAMESPACE, Subject


def without_proxy(subject: Subject) -> bool:
    """ProxyServer `none`: the application is at port 80 itself (Docker and .NET)."""
    return subject.options.get((PROXY_NAMESPACE, "ProxyServer"), "nginx").lower() == "none"


def static_files(subject: Subject) -> tuple[tuple[str, str], ...]:
    """URL path → folder of the bundle, longest path first, as nginx tries them."""
    found = [
        (name, value) for (namespace, name), value in subject.options.items() if namespace == STATIC_FILES_NAMESPACE
    ]
    return tuple(sorted(found, key=lambda pair: (-len(pair[0]), pair[0])))
