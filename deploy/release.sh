#!/bin/sh
# deno task release: the program for x86_64 and aarch64 and their checksums, in
# dist/. Twice the same bytes for one commit and one version of Deno: all that
# "deno compile" puts in of its own is when the files were changed, so that is
# set to the time of the commit, or to SOURCE_DATE_EPOCH.
#
# Where Deno's own runtimes can't be downloaded, DENORT_BIN_X86_64 and
# DENORT_BIN_AARCH64 name files to take in their place.
set -eu
cd "$(dirname "$0")/.."

: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
find dist/bundle -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
if [ -n "$(git status --porcelain -- main.ts src deno.json deno.lock 2>/dev/null)" ]; then
	echo "release: there are changes without a commit; they are in it" >&2
fi

compile() { # compile TARGET OUTPUT RUNTIME
	if [ -n "$3" ]; then export DENORT_BIN="$3"; else unset DENORT_BIN; fi
	deno compile --quiet -P=relay --no-check --include dist/bundle \
		--target "$1" --output "$2" dist/bundle/main.js
}

compile x86_64-unknown-linux-gnu dist/derper-linux-amd64 "${DENORT_BIN_X86_64:-}"
compile aarch64-unknown-linux-gnu dist/derper-linux-arm64 "${DENORT_BIN_AARCH64:-}"

cd dist
sha256sum derper-linux-amd64 derper-linux-arm64 >SHA256SUMS
cat SHA256SUMS
