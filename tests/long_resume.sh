#!/bin/sh
# Runs killed at every moment of their saves, and by kill -9 from outside; see test_resume.sh.
set -u
. tests/resume_common.sh

# words of $ours apart on purpose
# shellcheck disable=SC2086,SC2154
{
    make_cfg folded "" policy=texp++ base_policy=steps steps=4,9 scales=.5,.1 save_every=4 subdivisions=2 seed=7 $ours
    moments folded 1 a_run_killed_at_every_moment_goes_on_to_the_bit
}
make_cfg stock 's/^channels=.*/channels=3/; s/^\[avgpool\]/[dropout]\nprobability=.3\n\n&/' policy=cosine save_every=3 \
    seed=7 angle=7 hue=.1
moments stock 1 with_dropout_and_darknets_loader_too

# Sizes are drawn in front of updates 1 and 41.
make_cfg resized 's/^channels=.*/channels=3/; s/^batch=.*/batch=4/; s/^max_batches=.*/max_batches=44/' policy=texp++ \
    save_every=7 seed=8 random=1
for step in 25 60 80; do
    resumes resized $step sizes_drawn_during_the_run_go_on_to_the_bit_$step
done

# From outside, with files that really go to the disk.
# shellcheck disable=SC2086
make_cfg outside 's/^max_batches=.*/max_batches=3000/' policy=texp++ save_every=10 seed=7 $ours
rm -rf whole backup
train outside.cfg
mv backup whole
why=
n=0
while [ ! -e backup/outside_final.weights ] && [ $n -lt 400 ]; do
    weights=
    [ -e backup/outside_last.weights ] && weights=backup/outside_last.weights
    # shellcheck disable=SC2086 # none, or one
    "$darknet" classifier train tiny.data outside.cfg $weights >out.txt 2>err.txt &
    child=$!
    sleep "$(awk -v n=$n 'BEGIN { srand(n); printf "%.3f", .05 + .25 * rand() }')"
    kill -9 $child 2>/dev/null
    wait $child
    status=$?
    [ $status -eq 137 ] || [ $status -eq 0 ] || why="$why $n: status $status: $(tail -n 1 err.txt)"
    [ -z "$why" ] || break
    n=$((n + 1))
done
[ $n -gt 3 ] || why="$why killed only $n times"
go_on outside || why="$why $(tail -n 1 err.txt)"
echo "note killed $n times"
result "a_run_killed_from_outside_again_and_again_is_the_run_in_one_piece" "$why$(differences whole)"
finish
