#!/bin/sh
# Puts HubSpot's own clients, in the versions that conformance/ names, into DIR; then run the tests with
# HUBWARD_TEST_CLIENTS=DIR. Clients of those versions that are there already are kept. Needs node 18 or later, npm, python3.
#
#   conformance/fetch-clients.sh DIR
#   conformance/fetch-clients.sh --check DIR     ends non-zero if DIR lacks something, and fetches nothing
set -eu
check=
if [ "${1:-}" = --check ]; then
    check=yes
    shift
fi
dir=${1:?usage: fetch-clients.sh [--check] DIR}
here=$(cd "$(dirname "$0")" && pwd)

# What was asked for stands beside what was installed, and is put there last.
have_node() { cmp -s "$here/node/package.json" "$dir/node/installed.json"; }
have_python() { [ -x "$dir/python/bin/python" ] && cmp -s "$here/python/requirements.txt" "$dir/python/installed.txt"; }

if [ -n "$check" ]; then
    have_node && have_python
    exit
fi

mkdir -p "$dir/node"
dir=$(cd "$dir" && pwd)

if ! have_node; then
    if ! node -e 'process.exit(parseInt(process.versions.node, 10) >= 18 ? 0 : 1)'; then
        echo "the Node client needs node 18 or later; this is $(node --version)" >&2
        exit 1
    fi
    rm -rf "$dir/node/node_modules"
    cp "$here/node/package.json" "$dir/node/package.json"
    (cd "$dir/node" && npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
    cp "$here/node/package.json" "$dir/node/installed.json"
fi

if ! have_python; then
    rm -rf "$dir/python"
    python3 -m venv "$dir/python"
    "$dir/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/python/requirements.txt"
    cp "$here/python/requirements.txt" "$dir/python/installed.txt"
fi
