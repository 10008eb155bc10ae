#!/bin/sh
# Commands that train in a loop of Darknet's own refuse the keys that it would ignore, by name; without them the cfg is theirs.
set -u
. tests/common.sh
cd "$scratch" || exit 1
# What rnn learns.
: >text.txt
commands='rnn train -file text.txt|go train|tag train|cifar train|cifar distill|yolo train|coco train|super train|isegmenter train|segmenter train'
for key in seed=5 valid_every=2 save_every=9 norms=1 crop_pad=1 flip=1 mean=.4 std=.3; do tiny_cfg $key >"${key%=*}.cfg"; done

# run COMMAND CFG: as far as its cfg is read.
# shellcheck disable=SC2086 # words
run() {
    case $1 in
        isegmenter*) timeout 20 "$darknet" $1 nothere.data "$2" ;;
        segmenter*) timeout 20 "$darknet" $1 nothere.data "$2" -display ;;
        *) timeout 20 "$darknet" $1 "$2" nothere.weights ;;
    esac >out.txt 2>err.txt </dev/null
}

echo "$commands" | tr '|' '\n' >names
why=
while read -r command; do
    # shellcheck disable=SC2086 # words
    run "$command" seed.cfg
    status=$?
    command=${command% -file*}
    [ $status -eq 1 ] || why="$why $command: exit status $status"
    tail -n 1 err.txt | grep -qx "seed.cfg:[0-9]*: \[net\] seed=5: $command is a loop of Darknet's own, which would ignore it; remove it" ||
        why="$why $command: $(tail -n 1 err.txt)"
done <names
result each_trainer_outside_refuses_a_seed_by_its_own_name "$why"

why=
for key in valid_every save_every norms crop_pad flip mean std; do
    run "tag train" $key.cfg
    tail -n 1 err.txt | grep -q "^$key.cfg:[0-9]*: \[net\] $key=.*: tag train is a loop" || why="$why $(tail -n 1 err.txt)"
done
result each_key_of_our_loop_is_refused "$why"

tiny_cfg policy=texp++ affine=0 threads=1 >update.cfg
run "tag train" update.cfg
why=
grep -q 'loop of Darknet' err.txt && why=$(tail -n 1 err.txt)
grep -q 'nothere.weights' err.txt || why="$why it did not come to its weights: $(tail -n 1 err.txt)"
result keys_of_updates_are_theirs_as_well "$why"

why=
if ldd "$darknet" | grep -q libcudart; then
    echo "skip trainers_that_need_a_gpu_say_so: this build has one"
else
    for command in traingan trainprog traincolor; do
        "$darknet" lsd $command update.cfg nothere.weights update.cfg >out.txt 2>err.txt
        [ $? -eq 1 ] && grep -q '^trains on a GPU alone; build with GPU=1; usage: ' err.txt || why="$why $command: $(tail -n 1 err.txt)"
    done
    result trainers_that_need_a_gpu_say_so "$why"
fi

run "rnn generate" seed.cfg
why=
grep -q 'loop of Darknet' err.txt && why=$(tail -n 1 err.txt)
result commands_that_do_not_train_take_the_cfg_as_it_is "$why"
finish
