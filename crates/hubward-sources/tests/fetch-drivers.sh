#!/bin/sh
# Puts the ADBC drivers that the tests want into DIR, then run the tests with HUBWARD_TEST_DRIVERS=DIR.
# What is there already is kept. Needs npm, pip and python3; Linux on x86-64.
set -eu
dir=${1:?usage: fetch-drivers.sh DIR}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ ! -f "$dir/duckdb/libduckdb.so" ]; then
    (cd "$work" && npm pack --silent @duckdb/node-bindings-linux-x64 >/dev/null && tar -xzf duckdb-node-bindings-*.tgz)
    mkdir -p "$dir/duckdb"
    mv "$work/package/libduckdb.so" "$dir/duckdb/libduckdb.so"
fi

for name in postgresql sqlite; do
    library="adbc_driver_$name/libadbc_driver_$name.so"
    if [ ! -f "$dir/$library" ]; then
        pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$work" "adbc-driver-$name"
        python3 -m zipfile -e "$work"/adbc_driver_"$name"-*.whl "$work/$name"
        mkdir -p "$dir/adbc_driver_$name"
        mv "$work/$name/$library" "$dir/$library"
    fi
done
