#!/bin/sh
# Upserted records per second over HTTP, tier unlimited: needs wrk. Usage: benches/upsert.sh [SECONDS]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cargo build --release --quiet -p hubward-sandbox --example serve_unlimited
target=${CARGO_TARGET_DIR:-$(cd "$here/../../.." && pwd)/target}
"$target/release/examples/serve_unlimited" 18089 >/dev/null &
server=$!
trap 'kill "$server"' EXIT
sleep 1
wrk -t 1 -c 8 -d "${1:-20}" --timeout 10s -s "$here/upsert.lua" http://127.0.0.1:18089
grep -E 'VmHWM|VmRSS' "/proc/$server/status" || true
