# SPDX-License-Identifier: Apache-2.0
"""An engine that answers for containers that aren't there, for the world of containers."""

import sys

from measuring import SOURCE

sys.path.insert(0, str(SOURCE / "tests"))

from replay import HttpReplay  # pylint: disable=wrong-import-position

STARTED = "2026-11-23T13:59:59.5Z"


def _listed(number):
    return {"Id": f"{number:064x}", "Names": [f"/web-{number}"], "Image": "shop/web:1.2", "State": "exited",
            "Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": f"web-{number}"}}


def _inspected(number):
    return {"Id": f"{number:064x}", "Name": f"/web-{number}", "Created": STARTED, "RestartCount": 0,
            "State": {"Status": "exited", "Running": False, "ExitCode": 0, "StartedAt": STARTED},
            "Config": {"Image": "shop/web:1.2", "Cmd": ["nginx", "-g", "daemon off;"],
                       "Env": [f"VARIABLE_{i}=value" for i in range(20)],
                       "Labels": _listed(number)["Labels"]},
            "HostConfig": {"Runtime": "runc", "NetworkMode": "shop_default", "Privileged": False}}


def engine(folder, count):
    """A Docker of `count` containers, for a `with` block."""
    socket = folder / "docker.sock"
    answers = {"/version": {"Version": "20.10.24", "ApiVersion": "1.41"}, "/info": {"Name": "bench"},
               "/containers/json?all=1": [_listed(number) for number in range(count)]}
    answers |= {f"/containers/{number:064x}/json": _inspected(number) for number in range(count)}
    return HttpReplay(socket, answers, program="dockerd",
                      arguments=["--data-root", folder / "docker", "-H", f"unix://{socket}"])
