"""Settings of the proxy that stands on each instance."""

from emulator.beanstalk.bundles.files import Files
from emulator.beanstalk.bundles.plan import PROXY_NAMESPACE, STATIC_FILES_NAMESPACE, Subject


def without_proxy(subject: Subject) -> bool:
    """ProxyServer `none`: the application is at port 80 itself (Docker and .NET)."""
    return subject.options.get((PROXY_NAMESPACE, "ProxyServer"), "nginx").lower() == "none"


def asked_files(subject: Subject) -> tuple[tuple[str, str], ...]:
    """URL path → folder of the bundle, as the options have them; longest path first, as nginx tries them."""
    found = [
        (f"/{name.strip('/')}", value.strip("/"))
        for (namespace, name), value in subject.options.items()
        if namespace == STATIC_FILES_NAMESPACE
    ]
    return tuple(sorted(found, key=lambda pair: (-len(pair[0]), pair[0])))


def static_files(subject: Subject, files: Files) -> tuple[tuple[str, str], ...]:
    """Those that can be served: folders, which may still be made by the build, and that stay in the bundle."""
    return tuple(
        (path, folder)
        for path, folder in asked_files(subject)
        if folder and ".." not in folder.split("/") and not files.has(folder) and not set("*?{}\x00") & {*path, *folder}
    )
