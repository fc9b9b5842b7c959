"""What a script of checks needs besides the client: one line per check, and the sandbox's controls."""

import contextlib
import json
import sys
import time
import traceback
import urllib.request
from datetime import datetime

_passed = 0


@contextlib.contextmanager
def check(name):
    """Runs one check, prints its line, and ends the process at the first that fails."""
    global _passed
    try:
        yield
    except Exception:
        print(f"FAILED {name}")
        traceback.print_exc(file=sys.stdout)
        sys.exit(1)
    _passed += 1
    print(f"ok {name}", flush=True)


def finished():
    """The last line of a script that went through."""
    print(f"{_passed} checks passed")


def equal(left, right):
    """Fails with both values; unlike `assert` also under `python -O`."""
    if left != right:
        raise AssertionError(f"{left!r} != {right!r}")


def true(value, told=""):
    """Fails with what is told of it."""
    if not value:
        raise AssertionError(f"{value!r} is not true. {told}")


def of(kind, value):
    """The value, which must be of the client's own type."""
    if type(value) is not kind:
        raise AssertionError(f"expected {kind.__name__}, got {value!r}")
    return value


NO_LIMITS = {"burst": None, "search_per_second": None, "association_burst": None}


class Sandbox:
    """The sandbox's controls, which are no part of HubSpot's API."""

    def __init__(self, url):
        self._url = url
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def _send(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}/_sandbox/{path}", data=data, method=method)
        with self._opener.open(request) as answer:
            return json.load(answer)

    def load(self, document):
        self._send("POST", "load", document)

    def limits(self, **limits):
        self._send("PUT", "limits", limits)

    def faults(self, *faults):
        self._send("POST", "faults", list(faults))

    def passes(self, ms):
        """Milliseconds pass in the account, none here; gives the account's time."""
        return datetime.fromisoformat(self._send("PUT", "clock", {"advance_ms": ms})["now"].replace("Z", "+00:00"))

    def records(self, kind):
        """What the account holds of a type, by id."""
        return {record["id"]: record for record in self._send("GET", f"records/{kind}")["results"]}

    def events(self):
        """The custom events that the account stored."""
        return self._send("GET", "events")["results"]

    def lists(self):
        """What the account holds of lists, by id."""
        return {it["listId"]: it for it in self._send("GET", "lists")["results"]}

    @contextlib.contextmanager
    def requests(self):
        """A list that holds, after the block, the requests made in it."""
        before = self._send("GET", "requests")["results"]
        after = before[-1]["seq"] if before else 0
        made = []
        yield made
        made.extend(self._send("GET", f"requests?after={after}")["results"])

    @contextlib.contextmanager
    def waits(self):
        """Lets waits pass in the account instead of here; the list holds how many seconds each would have been."""
        real, waited = time.sleep, []

        def sleep(seconds):
            waited.append(seconds)
            self.passes(int(seconds * 1000) + 1)

        time.sleep = sleep
        try:
            yield waited
        finally:
            time.sleep = real
