"""Serves WSGIPath where the image has no gunicorn: the standard library's server, a thread a request."""

import importlib
import os
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def main(path: str) -> None:
    """Serve `module:callable` at PORT."""
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as gunicorn does
    module, _, name = path.partition(":")
    application = getattr(importlib.import_module(module), name or "application")
    make_server("0.0.0.0", int(os.environ["PORT"]), application, server_class=_Server).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
