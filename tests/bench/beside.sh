#!/bin/sh
# Training beside others: pairs of settings take turns, a stretch of updates each, and medians are compared.
#
#   tests/bench/beside.sh [rounds]      default 15; some minutes, on a machine that does nothing else
#
# Prints images/s of each setting and the ratios that count: alone, what the program sets by itself against OpenMP's default; beside
# one busy process, against OMP_WAIT_POLICY=passive; on one processor (taskset), against threads=1. Needs `make`, and the tools of
# `make bench`, which it compiles.
set -eu
cd "$(dirname "$0")/../.."
export LC_ALL=C
unset OMP_WAIT_POLICY GOMP_SPINCOUNT OMP_NUM_THREADS

rounds=${1:-15}
work=$PWD/build/bench/beside
rm -rf "$work" && mkdir -p "$work/images" "$work/backup"
make -s -f scripts/compile.mk build/bench/alternate

for i in $(seq 256); do
    class=$((i % 10))
    { printf 'P6\n32 32\n255\n' && head -c 3072 /dev/urandom; } >"$work/images/${i}_class$class.ppm"
    echo "$work/images/${i}_class$class.ppm"
done >"$work/valid.list"
for i in $(seq 200); do cat "$work/valid.list"; done >"$work/train.list"
for class in 0 1 2 3 4 5 6 7 8 9; do echo "class$class"; done >"$work/labels"

# program NAME SED...: a cfg and a .data file of its own, as two runs share no files, and the command that trains it.
program() {
    name=$1
    shift
    mkdir -p "$work/backup/$name"
    printf 'classes=10\ntrain=%s\nlabels=%s\nbackup=%s\n' "$work/train.list" "$work/labels" "$work/backup/$name" >"$work/$name.data"
    sed -e '/^max_batches=/d' "$@" cfg/preresnet32-short-texp++.cfg >"$work/$name.cfg"
    sed -i 's/^steps=.*/steps=1000000,2000000\nmax_batches=3000000/' "$work/$name.cfg"
    command="exec ./darknet classifier train $work/$name.data $work/$name.cfg 2>$work/$name.err"
}

images=$(sed -n 's/^batch=//p' cfg/preresnet32-short-texp++.cfg | head -n 1)

# pair TITLE NAME COMMAND NAME COMMAND
pair() {
    echo "$1:"
    GNUPLOT='' build/bench/alternate "$rounds" "$2" "$2" "$images" "free:$3" "$4" "$images" "free:$5"
    echo
}

program usual
usual=$command
program other
other=$command

pair "Alone" "as it is" "$usual" "OpenMP's default" "export GOMP_SPINCOUNT=300000; $other"
pair "Alone" "as it is" "$usual" "passive" "export OMP_WAIT_POLICY=passive; $other"

sh -c 'while :; do :; done' &
busy=$!
trap 'kill $busy 2>/dev/null' EXIT
pair "Beside one busy process" "as it is" "$usual" "passive" "export OMP_WAIT_POLICY=passive; $other"
pair "Beside one busy process" "as it is" "$usual" "OpenMP's default" "export GOMP_SPINCOUNT=300000; $other"
kill $busy
wait $busy 2>/dev/null || true

nice -n 19 sh -c 'while :; do :; done' &
busy=$!
pair "Beside one at nice 19" "as it is" "$usual" "passive" "export OMP_WAIT_POLICY=passive; $other"
kill $busy
wait $busy 2>/dev/null || true
trap - EXIT

program one -e 's/^decay=.*/&\nthreads=1/'
pair "On one processor" "as it is" "$(echo "$usual" | sed 's/exec/exec taskset -c 0/')" "threads=1" "$command"
