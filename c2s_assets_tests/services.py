"""Postgres and Redis of Debian for tests: on free ports of 127.0.0.1, in folders of their own, then gone."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import redis

from c2s_assets_tests.requiring import program
from c2s_assets_tests.serving import free_port

_STARTING_SECONDS = 60


@dataclass
class Service:
    """A server that can be killed and started again where it was."""

    address: str
    command: Sequence[str]
    user: str | None
    answers: Callable[[], bool]
    log: Path
    process: "subprocess.Popen[bytes]" = field(init=False)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                user=self.user,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                process_group=0,
            )
        deadline = time.monotonic() + _STARTING_SECONDS
        while not self.answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill it as a power cut does, with all processes that it has begun."""
        number = str(self.process.pid)
        children = subprocess.run(["pgrep", "-P", number], capture_output=True, text=True, check=False).stdout
        for one in (number, *children.split()):
            with suppress(ProcessLookupError):
                os.kill(int(one), signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Stop it at once, without waiting for those that use it."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()


@contextmanager
def postgres() -> Iterator[Service]:
    """Run a new Postgres; `address` is that of its database, as SQLAlchemy takes it."""
    port = free_port()
    with _folder_of_server() as (folder, user):
        data = folder / "data"
        subprocess.run(
            [program("initdb"), "-D", str(data), "-U", "c2s", "--auth=trust", "--no-sync", "--no-locale"],
            user=user,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        plain = f"postgresql://c2s@127.0.0.1:{port}/postgres"
        command = [
            *(program("postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", str(folder)),
            *("-c", "fsync=off"),
        ]
        address = plain.replace("://", "+psycopg2://")
        yield from _run(Service(address, command, user, lambda: _answers_sql(plain), folder / "log"))


@contextmanager
def redis_server() -> Iterator[Service]:
    """Run a new Redis, which keeps nothing when it ends."""
    port = free_port()
    address = f"redis://127.0.0.1:{port}/0"
    with _folder_of_server() as (folder, user):
        options = {"--port": port, "--bind": "127.0.0.1", "--save": "", "--dir": folder}
        command = [program("redis-server"), *(str(word) for pair in options.items() for word in pair)]
        yield from _run(Service(address, command, user, lambda: _answers_ping(address), folder / "log"))


def _run(service: Service) -> Iterator[Service]:
    service.start()
    try:
        yield service
    finally:
        service.stop()


@contextmanager
def _folder_of_server() -> Iterator[tuple[Path, str | None]]:
    """Make a folder, and name whose it is: Postgres does not run as root."""
    with tempfile.TemporaryDirectory(prefix="c2s-service-") as name:
        folder, user = Path(name), None
        if os.getuid() == 0:
            user = "postgres" if _is_user("postgres") else "nobody"
            shutil.chown(folder, user)
        yield folder, user


def _is_user(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


def _answers_sql(address: str) -> bool:
    try:
        psycopg2.connect(address, connect_timeout=5).close()
    except psycopg2.OperationalError:
        return False
    return True


def _answers_ping(address: str) -> bool:
    try:
        with redis.Redis.from_url(address) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False
