"""The machines on which Ray works: this one, or those of a cluster, which are looked at first."""

from __future__ import annotations

import contextlib
import logging
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from index.documents import versions
from index.engines import cores
from index.errors import ClusterError

OBJECTS = 500_000_000
"""Bytes of memory in which workers of this machine hand over documents."""

ANSWER = 120.0
"""Seconds in which a machine must say whether it has what it needs."""

REACHED = 10.0
"""Seconds in which a cluster must answer."""

MISSED = 60.0
"""Seconds after which a cluster has noticed that a machine died."""

_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""How HTTP/2 begins, which Ray speaks: a preface, and settings without any."""

_PASSING = re.compile(r"^build\.|\.(cache|sqlite)-")

INSTALL = "Run: pip install -r requirements-cluster.txt"


def start(folder: Path, workers: int | None) -> Any:
    """Start Ray on this machine alone, with its files in ``folder``, and return it.

    Raises:
        ClusterError: it does not start.
    """
    ray = _imported(alone=True)
    with _begun(ray, ""):
        ray.init(
            address="local",
            num_cpus=max(cores(), workers or 0),
            include_dashboard=False,
            object_store_memory=OBJECTS,
            _temp_dir=str(folder),
            **_quietly(ray),
        )
    return ray


def join(address: str, shared: Sequence[Path]) -> Any:
    """Join a cluster whose machines find the folders ``shared``, and return Ray.

    Raises:
        ClusterError: there is none, or one of its machines lacks something.
    """
    host = reachable(address)
    ray = _imported(alone=host in ("localhost", "127.0.0.1", "::1"))
    with _begun(ray, address):
        ray.init(address=address, **_quietly(ray))
    try:
        _look_at_machines(ray, shared)
    except BaseException:
        ray.shutdown()
        raise
    return ray


def _imported(alone: bool) -> Any:
    """Ray, which is to tell nobody that it is used, and to say little."""
    try:
        import ray
        import ray.data
        from ray._common.usage.usage_lib import set_usage_stats_enabled_via_env_var
        from ray._private import ray_constants
    except ImportError as error:
        raise ClusterError(f"Ray cannot be imported ({error}). {INSTALL}") from error
    set_usage_stats_enabled_via_env_var(False)
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if alone:
        # Or it takes an address of this machine in its network, and listens on all of them.
        ray_constants.ENABLE_RAY_CLUSTER = False
    return ray


def _quietly(ray: Any) -> dict[str, Any]:
    # Workers find Passages where it is here, if they do not have it already.
    job = ray.job_config.JobConfig(_py_driver_sys_path=[str(Path(__file__).parents[1])])
    return {"log_to_driver": False, "logging_level": logging.ERROR, "job_config": job}


@contextlib.contextmanager
def _begun(ray: Any, address: str) -> Iterator[None]:
    """Say in our own words why Ray does not begin, and keep how this process is told to end."""
    heeded = signal.getsignal(signal.SIGTERM)
    try:
        yield
    except Exception as error:  # it raises whatever its parts do
        ray.shutdown()
        raise ClusterError(_why_not(address, str(error))) from error
    finally:
        if heeded is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, heeded)  # Ray has put its own there


def _look_at_machines(ray: Any, shared: Sequence[Path]) -> None:
    """Ask each machine whether it has what it needs.

    Raises:
        ClusterError: one lacks something.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # Defined here, it is sent as it is: a machine without Passages can run it.
    def lacks(expected: dict[str, str], folders: list[tuple[str, list[str]]]) -> str:
        try:
            from index.machines import lacking
        except ImportError as error:
            return f"does not have Passages ({error}): install it there"
        return lacking(expected, folders)

    ours = versions(), [(str(folder), _names_in(folder)) for folder in shared]
    ask = ray.remote(num_cpus=0, max_retries=0)(lacks)
    asked = []
    for node in ray.nodes():
        if node["Alive"]:
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            answer = ask.options(scheduling_strategy=there).remote(*ours)
            asked.append((node, answer))
    for node, answer in asked:
        try:
            problem = ray.get(answer, timeout=ANSWER)
        except ray.exceptions.RayError as error:
            if _is_gone(ray, node["NodeID"]):
                continue  # it has just died, and the others do its work
            problem = f"cannot work ({first_line(error)}): look at its Ray"
        if problem:
            raise ClusterError(f"Machine {node['NodeManagerAddress']} {problem}.")


def _is_gone(ray: Any, node: str) -> bool:
    """Whether a machine is, as the cluster comes to know, no longer part of it."""
    until = time.monotonic() + MISSED
    while node in {one["NodeID"] for one in ray.nodes() if one["Alive"]}:
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def lacking(expected: dict[str, str], folders: list[tuple[str, list[str]]]) -> str:
    """What this machine lacks to work as the one that asks, or nothing."""
    found = versions()
    for name, version in expected.items():
        if found[name] != version:
            return (
                f"has {name} {found[name] or 'missing'}, the machine that builds "
                f"{version or 'none'}: install the same on both"
            )
    for folder, names in folders:
        if _names_in(Path(folder)) != names:
            return f"does not find '{folder}' as it is here: mount the same folder at this path"
    return ""


def _names_in(folder: Path) -> list[str]:
    """Some names by which a folder is known again, without those that come and go in a store."""
    with contextlib.suppress(OSError):
        names = sorted(path.name for path in folder.iterdir())
        return [name for name in names if not _PASSING.search(name)][:1000]
    return []


def reachable(address: str) -> str:
    """The host of an address at which something answers as Ray does.

    Ray itself would ask for minutes, and look like work.

    Raises:
        ClusterError: nothing does, or it is no address.
    """
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit():
        raise ClusterError(
            f"The address '{address}' is none of a Ray cluster: give host:port, as in "
            "192.0.2.7:6379, on a machine that is part of it (ray start --address=host:port)."
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), REACHED) as connection:
            connection.sendall(_HELLO)
            reply = connection.recv(9)
        if reply[3:4] != b"\x04" and reply[:1] != b"\x15":  # settings, or a demand for TLS
            raise OSError("what answers there is something else")
    except (OSError, OverflowError) as error:
        raise ClusterError(
            f"No Ray cluster answers at '{address}' ({error}). Start one there with: "
            f"ray start --head --port={port}"
        ) from error
    return host.strip("[]")


def _why_not(address: str, error: str) -> str:
    """What to say where Ray does not start or a cluster cannot be joined."""
    if not address:
        return f"Ray does not start on this machine: {first_line(error)}"
    theirs, ours = (
        re.findall(rf"{name}: (\S+)", error)[:2] or ["", ""] for name in ("Ray", "Python")
    )
    if "Version mismatch" in error and theirs[-1] and ours[-1]:
        return (
            f"The cluster at '{address}' runs Ray {theirs[0]} on Python {ours[0]}, this machine "
            f"Ray {theirs[1]} on Python {ours[1]}. Install the same on both."
        )
    return (
        f"The cluster at '{address}' cannot be joined: {first_line(error)} This machine must be "
        f"part of it: ray start --address={address}"
    )


def first_line(error: object) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else repr(error)
