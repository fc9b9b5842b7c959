"""The comparison of a run that finds nothing changed, done by DuckDB.

    python3 -m venv VENV && VENV/bin/pip install duckdb
    VENV/bin/python duckdb_compare.py FILE.parquet

A table of (id, hash of all columns) is made from the file, as a former run would have left it. Then, in a process of its own,
the file is read and hashed again and full-outer-joined with that table; rows added, changed and removed are counted.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time

import duckdb

ROUNDS = 3
COLUMNS = "id, email, first_name, last_name, company, city, country, phone, score, orders, signed_up, seen_at"


def hashed(path):
    return f"select id, hash({COLUMNS}) as h from read_parquet('{path}')"


def memory(name):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(name):
                return int(line.split()[1]) / 1024


def measure(path, table):
    peak = {"RssAnon:": 0.0, "RssFile:": 0.0}
    done = threading.Event()

    def look():
        while not done.wait(0.005):
            for name in peak:
                peak[name] = max(peak[name], memory(name))

    threading.Thread(target=look, daemon=True).start()
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass
    began, cpu = time.monotonic(), time.process_time()
    connection = duckdb.connect(table, read_only=True)
    connection.execute("set enable_progress_bar = false")
    counts = connection.execute(
        f"""select count(*) filter (known.id is null), count(*) filter (found.h <> known.h), count(*) filter (found.id is null),
        count(*) from ({hashed(path)}) found full outer join known on found.id = known.id"""
    ).fetchone()
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    threads = connection.execute("select current_setting('threads')").fetchone()[0]
    done.set()
    print(
        f"{counts[3] / seconds / 1e6:.2f} M rows/s, {seconds:.2f} s, {cpu:.2f} CPU-s, {threads} threads, peak {peak['RssAnon:']:.0f} MiB anonymous, "
        f"{peak['RssFile:']:.0f} MiB mapped files; added {counts[0]}, changed {counts[1]}, removed {counts[2]}",
        flush=True,
    )
    assert counts[:3] == (0, 0, 0)


def main():
    if sys.argv[1] == "measure":
        return measure(sys.argv[2], sys.argv[3])
    path = sys.argv[1]
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(path)) + "/..") as folder:
        table = os.path.join(folder, "known.duckdb")
        connection = duckdb.connect(table)
        connection.execute(f"create table known as {hashed(path)}")
        rows = connection.execute("select count(*) from known").fetchone()[0]
        connection.close()
        with open("/proc/loadavg") as load:
            print(f"DuckDB {duckdb.__version__}, {rows} rows, load average {load.read().split()[0]}", flush=True)
        for _ in range(ROUNDS):
            subprocess.run([sys.executable, __file__, "measure", path, table], check=True)


main()
