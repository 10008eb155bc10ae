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

# --- names

for n in 1 2; do tiny_cfg policy=constant crop_pad=1 seed=$n max_batches=6 >net.lr$n.cfg; done
cp net.lr1.cfg net.lr3
rm -rf backup
why=
for cfg in net.lr1.cfg net.lr2.cfg; do train $cfg || why="$why $cfg: $(tail -n 1 err.txt)"; done
for name in net.lr1 net.lr2; do
    [ -s backup/$name.weights ] && [ -s backup/$name.csv ] || why="$why no $name: $(ls backup)"
done
train net.lr3
[ -s backup/net.lr3.weights ] || why="$why $(tail -n 1 err.txt)"
[ ! -e backup/net.weights ] || why="$why there is net.weights"
result "names_of_cfgs_are_cut_at_their_ending_alone" "$why"

deep=$(printf '%0120d/%0120d/%0120d' 1 2 3)
sed "s,^backup=.*,backup=new/$deep," tiny.data >deep.data
why=
"$darknet" classifier train deep.data net.lr1.cfg >out.txt 2>err.txt || why="$(tail -n 1 err.txt)"
[ -s "new/$deep/net.lr1_final.weights" ] || why="$why no weights"
result "a_backup_folder_of_362_characters_is_made_with_those_above_it" "$why"

long=$(printf '%0300d' 1)
"$darknet" classifier predict tiny.data net.lr1.cfg backup/net.lr1.weights "$long.png" >out.txt 2>err.txt
status=$?
why=
[ $status -eq 1 ] || why="exit status $status"
tail -n 1 err.txt | grep -q '^00000.*\.\.\.: longer than the 255 characters that there is room for; use a shorter name$' ||
    why="$why $(tail -n 1 err.txt)"
result "a_name_longer_than_darknets_array_is_refused" "$why"

# --- one run at a time

# wait_for FILE TEXT: until it holds TEXT, for 20 seconds at most.
wait_for() {
    tries=0
    while ! grep -q "$2" "$1" 2>/dev/null && [ $tries -lt 400 ]; do
        sleep .05
        tries=$((tries + 1))
    done
}

tiny_cfg policy=constant crop_pad=1 seed=7 >endless.cfg
rm -rf backup
"$darknet" classifier train tiny.data endless.cfg >first.txt 2>&1 &
child=$!
wait_for backup/endless.csv '^8,'
inode=$(stat -c %i backup/endless.csv)
train endless.cfg
status=$?
why=
[ $status -eq 1 ] || why="exit status $status"
tail -n 1 err.txt |
    grep -qxF "backup/endless.lock: process $child on $(uname -n) is writing there; wait for it, copy endless.cfg to another name, or name another folder as backup= in tiny.data" ||
    why="$why $(tail -n 1 err.txt)"
[ "$(stat -c %i backup/endless.csv)" = "$inode" ] && [ ! -e backup/endless.csv.old ] || why="$why the log was touched"
kill -0 $child || why="$why the first run has ended"
result "a_second_run_of_one_name_is_refused" "$why"

train net.lr1.cfg && why= || why=$(tail -n 1 err.txt)
result "a_second_run_of_another_name_is_not" "$why"

kill -KILL $child
wait $child 2>/dev/null
sed 's/^policy/max_batches=60\n&/' endless.cfg >ending.cfg
mv ending.cfg endless.cfg
[ -e backup/endless.lock ] && why= || why="a killed run removed its lock"
train endless.cfg backup/endless_last.weights || why="$why goes not on: $(tail -n 1 err.txt)"
grep -qxF "backup/endless.lock: left by process $child on $(uname -n), which no longer runs" err.txt ||
    why="$why no word: $(head -n 3 err.txt)"
result "the_lock_of_a_killed_run_is_taken_over" "$why"

why=
[ ! -e backup/endless.lock ] || why="it is there behind the end"
sed -i '/^max_batches/d' endless.cfg
"$darknet" classifier train tiny.data endless.cfg >first.txt 2>err.txt &
child=$!
wait_for first.txt '^8, '
kill -TERM $child
wait $child
[ ! -e backup/endless.lock ] || why="$why and behind a signal"
sed 's/^train=.*/train=nothere.list/' tiny.data >bad.data
"$darknet" classifier train bad.data endless.cfg >out.txt 2>err2.txt && why="$why it trains without a list"
[ ! -e backup/endless.lock ] || why="$why and behind a failure"
result "the_lock_is_removed_at_each_end" "$why"

grep -qx 'endless.cfg: no max_batches in \[net\]: the run has no end; Ctrl-C saves its weights and ends it' err.txt &&
    why= || why=$(head -n 5 err.txt)
grep -q 'no max_batches' err2.txt || why="$why not at the start"
train net.lr1.cfg
grep -q 'no max_batches' err.txt && why="$why said of a run with an end"
result "a_run_without_an_end_says_so" "$why"

# --- images that can't be read

# Darknet's loader threads meet it while the main thread computes.
tiny_cfg policy=constant max_batches=50 | sed 's/^channels=.*/channels=3/' >dark.cfg
sed '40s/\.png$/.gone.png/' train.list >gone.list
sed 's/^train=.*/train=gone.list/' tiny.data >gone.data
why=
for run in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    "$darknet" classifier train gone.data dark.cfg >out.txt 2>err.txt
    status=$?
    [ $status -eq 1 ] || why="$why run $run: exit status $status"
    grep -q 'gone.png' err.txt || why="$why run $run: $(tail -n 1 err.txt)"
done
result "a_missing_image_ends_each_run_with_a_failure" "$why"
finish
