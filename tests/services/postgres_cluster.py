"""A PostgreSQL server of a test's own, which the test may stop and start."""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from sync_users_runs import free_port


class Cluster:
    def __init__(self, binaries, folder, port):
        self.binaries, self.folder, self.port = binaries, folder, port
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"

    def run(self, program, *arguments):
        """Run a program of PostgreSQL, as somebody else than root, which it refuses."""
        user = "postgres" if os.geteuid() == 0 else None
        subprocess.run(
            [self.binaries / program, "-D", self.folder / "data", *arguments],
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            cwd="/",
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )

    def start(self):
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder} -c fsync=off"
        self.run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-w", "-m", mode, "stop")


@contextmanager
def postgres_cluster():
    """Run a PostgreSQL server for as long as the block lasts."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    here = shutil.which("initdb")
    if not found and not here:
        pytest.skip("no initdb of PostgreSQL")
    binaries = found[-1].parent if found else Path(here).parent
    folder = Path(tempfile.mkdtemp())
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    cluster = Cluster(binaries, folder, free_port())
    try:
        cluster.run("initdb", "-A", "trust", "-U", "postgres")
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop("immediate")
    finally:
        shutil.rmtree(folder)
