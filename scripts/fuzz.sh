#!/bin/sh
# Runs the fuzzers of build/fuzz, one after another; `make fuzz` has compiled them.
#
#   scripts/fuzz.sh SECONDS
#
# They begin with tests/fuzz/corpus/ and with what earlier runs found, build/fuzz/corpus/. An input that one of them
# fails on is left in build/fuzz/, to be run again with build/fuzz/tests/fuzz_NAME FILE; the exit status is then 1.
set -u
cd "$(dirname "$0")/.." || exit 1

seconds=${1:-60}
# Refusals come back to the fuzzer by longjmp; what they leave behind is given back by tests/fuzz/host.c.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
failed=0
for name in state cfg list text; do
    found=build/fuzz/corpus/$name
    mkdir -p "$found"
    set -- -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -artifact_prefix=build/fuzz/$name-
    [ ! -e tests/fuzz/$name.dict ] || set -- "$@" -dict=tests/fuzz/$name.dict
    if build/fuzz/tests/fuzz_$name "$@" "$found" tests/fuzz/corpus/$name >build/fuzz/$name.log 2>&1; then
        printf 'ok      %s: %s\n' "$name" "$(sed -n 's/^Done \([0-9]* runs in [0-9]* second\).*/\1s/p' build/fuzz/$name.log)"
    else
        failed=1
        printf 'FAILED  %s (all of it: %s)\n' "$name" build/fuzz/$name.log
        grep -a -E 'ERROR|SUMMARY|runtime error|Test unit written' build/fuzz/$name.log | cut -c1-200 | sed 's/^/    | /'
    fi
done
exit $failed
