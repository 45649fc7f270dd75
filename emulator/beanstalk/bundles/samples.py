"""The sample application of environments that are created without a version. AWS's own are not copied; these say what they are.

Those of languages need nothing but the platform's base image: they use standard libraries only, so that they are built without a
network. The sample of Docker and ECS is a web server's image, which must be pulled once. .NET has none: its image cannot compile.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from emulator.beanstalk.bundles.errors import BundleError
from emulator.beanstalk.bundles.platforms import Family, Platform

WEB_SERVER = "public.ecr.aws/docker/library/nginx:alpine"
"""What the samples of Docker and ECS run, unless a setting names another image for `Docker` or `ECS`: it listens at port 80."""

_TEXT = "This is Ashore's sample application for {platform}."


class NoSampleError(BundleError):
    """There is none for this platform."""

    def __init__(self, branch: str) -> None:
        super().__init__(
            f"There is no sample application for the platform '{branch}' here: deploy an application version."
        )


def write_sample(folder: Path, platform: Platform | None, branch: str, images: Mapping[str, str]) -> None:
    """Make `folder` the sample application's bundle, whole or not at all; one that is there stays.

    Args:
        folder: what to make; its parent is made too.
        platform: of the branch (`platform_of`).
        branch: for the text of the refusal.
        images: the setting `platform_images`.

    Raises:
        NoSampleError: there is none for this platform.

    """
    contents = None if platform is None else sample_of(platform, images)
    if contents is None:
        raise NoSampleError(branch)
    if folder.exists():
        return
    half = folder.with_name(f".{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    for name, text in contents.items():
        half.joinpath(name).write_text(text, encoding="utf-8")
        os.chmod(half / name, 0o644)  # noqa: PTH101 - whatever the server's umask is
    half.rename(folder)


def sample_of(platform: Platform, images: Mapping[str, str]) -> Mapping[str, str] | None:
    """File name → text; None: there is none."""
    text = _TEXT.format(platform=platform.family)
    match platform.family:
        case Family.DOCKER:
            image = images.get("Docker", WEB_SERVER)
            run = {
                "AWSEBDockerrunVersion": "1",
                "Image": {"Name": image, "Update": "false"},
                "Ports": [{"ContainerPort": 80}],
            }
            return {"Dockerrun.aws.json": _json(run)}
        case Family.ECS:
            return {"Dockerrun.aws.json": _json(_ecs(images.get("ECS", WEB_SERVER)))}
    found = _LANGUAGES.get(platform.family)
    return None if found is None else {name: content.replace("TEXT", text) for name, content in found.items()}


def _ecs(image: str) -> dict[str, object]:
    container = {
        "name": "web",
        "image": image,
        "essential": True,
        "memory": 128,
        "portMappings": [{"hostPort": 80, "containerPort": 80}],
    }
    return {"AWSEBDockerrunVersion": 2, "containerDefinitions": [container]}


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


_PYTHON = """\
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"TEXT\\n"]
"""
_NODE = """\
require("http").createServer((request, response) => {
  response.setHeader("Content-Type", "text/plain");
  response.end("TEXT\\n");
}).listen(process.env.PORT);
"""
_GO = """\
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "TEXT") })
	if err := http.ListenAndServe(":"+os.Getenv("PORT"), nil); err != nil {
		panic(err)
	}
}
"""
_RUBY = """\
require "socket"
server = TCPServer.new("0.0.0.0", ENV.fetch("PORT"))
loop do
  Thread.new(server.accept) do |client|
    while (line = client.gets) && line != "\\r\\n"; end
    body = "TEXT\\n"
    client.write "HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\nConnection: close\\r\\n"
    client.write "Content-Length: #{body.bytesize}\\r\\n\\r\\n#{body}"
    client.close
  end
end
"""
_JAVA = """\
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

public class Sample {
  public static void main(String[] arguments) throws Exception {
    int port = Integer.parseInt(System.getenv("PORT"));
    HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
    server.createContext("/", exchange -> {
      byte[] body = "TEXT\\n".getBytes("UTF-8");
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    server.start();
  }
}
"""
_LANGUAGES: Mapping[Family, Mapping[str, str]] = {
    Family.PYTHON: {"application.py": _PYTHON},
    Family.NODE: {"app.js": _NODE},
    Family.GO: {"application.go": _GO},
    Family.RUBY: {"server.rb": _RUBY, "Procfile": "web: ruby server.rb\n"},
    Family.PHP: {"index.php": "TEXT\n"},
    Family.JAVA: {"Sample.java": _JAVA, "Buildfile": "build: javac Sample.java\n", "Procfile": "web: java Sample\n"},
    Family.TOMCAT: {"index.jsp": "TEXT\n"},
}
