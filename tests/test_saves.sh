#!/bin/sh
# What a run writes, in which order and under which names, and that no other run writes there at the same time.
set -u
. tests/common.sh
${CC:-gcc} -shared -fPIC -o "$scratch/kill_at.so" tests/kill_at.c || exit 1
cd "$scratch" || exit 1
tiny_data
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0"

train() { "$darknet" classifier train tiny.data "$@" >out.txt 2>err.txt; }

# --- a save comes before its validation

tiny_cfg policy=constant crop_pad=1 seed=7 max_batches=12 >order.cfg
train order.cfg
mv backup whole

# Killed in front of its k-th step: the first where _last is there and the test of its epoch is not.
n=1
why="there was none"
while [ $n -lt 60 ]; do
    rm -rf backup
    KILL_AT=$n LD_PRELOAD=$scratch/kill_at.so "$darknet" classifier train tiny.data order.cfg >out.txt 2>err.txt && break
    if [ -e backup/order_last.state ] && [ -e backup/order_last.weights ] && ! [ -e backup/order_best.weights ] &&
        ! [ -e backup/order_2.weights ]; then
        why=
        break
    fi
    n=$((n + 1))
done
row=$(sed -n 7p backup/order.csv)
train order.cfg backup/order_last.weights || why="$why goes not on: $(tail -n 1 err.txt)"
grep -q '^continuing behind update 6, .* as if it had not stopped$' out.txt || why="$why $(grep continuing out.txt)"
[ "$(sed -n 7p backup/order.csv | cut -d, -f1-7)" = "$(sed -n 7p whole/order.csv | cut -d, -f1-7)" ] ||
    why="$why row 6 is $(sed -n 7p backup/order.csv), $row when it was killed"
[ "$(grep -c '^epoch 1: .*, test loss .*, test accuracy ' out.txt)" -eq 1 ] || why="$why epoch 1 is not tested"
for file in whole/*.weights whole/*.state; do
    cmp -s "$file" "backup/$(basename "$file")" || why="$why $file"
done
result "a_run_killed_behind_a_save_begins_with_its_validation" "$why"
finish
