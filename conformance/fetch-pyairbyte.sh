#!/bin/sh
# Puts PyAirbyte, in the version that conformance/python/pyairbyte.txt names, into DIR (620 MB); then run the tests with
# HUBWARD_TEST_PYAIRBYTE=DIR. ./test does not fetch it unless HUBWARD_TEST_WITH_PYAIRBYTE is set. Needs python3 3.10 to 3.12.
#
#   conformance/fetch-pyairbyte.sh DIR
#   conformance/fetch-pyairbyte.sh --check DIR     ends non-zero if DIR lacks it, and fetches nothing
set -eu
check=
if [ "${1:-}" = --check ]; then
    check=yes
    shift
fi
dir=${1:?usage: fetch-pyairbyte.sh [--check] DIR}
here=$(cd "$(dirname "$0")" && pwd)

# What was asked for stands beside what was installed, and is put there last.
have() { [ -x "$dir/bin/python" ] && cmp -s "$here/python/pyairbyte.txt" "$dir/installed.txt"; }

if [ -n "$check" ]; then
    have
    exit
fi
if have; then
    exit
fi
rm -rf "$dir"
python3 -m venv "$dir"
# pip alone tries versions for minutes; uv finds them at once.
"$dir/bin/python" -m pip install --quiet --disable-pip-version-check uv
"$dir/bin/uv" pip install --quiet --python "$dir/bin/python" --requirement "$here/python/pyairbyte.txt"
cp "$here/python/pyairbyte.txt" "$dir/installed.txt"
