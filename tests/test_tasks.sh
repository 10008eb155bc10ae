#!/bin/sh
# What every run does, whatever it learns: each claim for `classifier`, `detector`, `regressor` and `segmenter train`.
# shellcheck disable=SC2086 # the name of a task is one word
set -u
. tests/common.sh
. tests/detector_common.sh
. tests/scene_common.sh
${CC:-gcc} -shared -fPIC -o "$scratch/kill_at.so" tests/kill_at.c || exit 1
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0"

# make_cfg KEY...: a cfg of the task with 6 or so updates an epoch, in batches of 4.
make_cfg() {
    case $task in
        classifier) tiny_cfg policy=steps crop_pad=1 seed=7 "$@" | sed 's/^batch=.*/batch=16/' ;;
        detector) boxes_cfg 32 batch=4 policy=steps seed=7 "$@" ;;
        *) scene_cfg "$task" 2 batch=4 policy=steps seed=7 "$@" ;;
    esac
}

make_data() {
    case $task in
        classifier) tiny_data && mv tiny.data set.data ;;
        detector) boxes_data 24 && mv boxes.data set.data ;;
        *) scenes 24 && mv scenes.data set.data ;;
    esac
}

train() { "$darknet" "$task" train set.data "$@" >out.txt 2>err.txt; }

# refused CLAIM TEXT ARGUMENT...: training so ends with a failure, before its first update, and TEXT in its last line.
refused() {
    claim=$1 text=$2
    shift 2
    "$darknet" "$task" train "$@" >out.txt 2>err.txt
    status=$?
    why=
    [ $status -eq 1 ] || why="exit status $status"
    tail -n 1 err.txt | grep -qF -- "$text" || why="$why no '$text' in: $(tail -n 1 err.txt)"
    grep -q '^1[,:]' out.txt && why="$why it has trained"
    result "${task}_$claim" "$why"
}

calm="steps=1000 scales=1"
for task in classifier detector regressor segmenter; do
    mkdir "$scratch/$task" && cd "$scratch/$task" || exit 1
    make_data
    # words of $calm apart on purpose
    # shellcheck disable=SC2086
    {
        make_cfg $calm max_batches=14 save_every=4 >run.cfg
        make_cfg $calm >endless.cfg
        make_cfg steps=8 scales=1e38 max_batches=14 >broken.cfg
        make_cfg steps=100 scales=1e38 max_batches=6 >good.cfg
    }

    sed 's,^backup=.*,backup=new/folder,' set.data >deep.data
    "$darknet" "$task" train deep.data run.cfg >out.txt 2>err.txt && why= || why=$(tail -n 1 err.txt)
    mv new/folder whole || why="$why no new/folder"
    for kind in last final; do
        [ -s whole/run_$kind.weights ] && [ -s whole/run_$kind.state ] || why="$why no _$kind"
    done
    [ "$(wc -l <whole/run.csv)" -eq 15 ] || why="$why $(wc -l <whole/run.csv) lines for 14 updates"
    [ ! -e whole/run.lock ] || why="$why the lock is there"
    result "${task}_makes_its_folder_and_writes_weights_states_and_a_log" "$why"

    train run.cfg && why= || why=$(tail -n 1 err.txt)
    cmp -s whole/run_final.weights backup/run_final.weights || why="$why two runs of one seed differ"
    sed 's/^seed=.*/seed=8/' run.cfg >other.cfg
    train other.cfg
    cmp -s whole/run_final.weights backup/other_final.weights && why="$why another seed makes the same run"
    result "${task}_repeats_a_run_of_one_seed" "$why"

    # In front of several steps of its saves.
    why=
    for at in 14 23 37; do
        rm -rf backup
        LD_PRELOAD=$scratch/kill_at.so KILL_AT=$at "$darknet" "$task" train set.data run.cfg >out.txt 2>err.txt &&
            why="$why $at: it was not killed"
        train run.cfg backup/run_last.weights || why="$why $at: $(tail -n 1 err.txt)"
        grep -q '^continuing behind update .*, as if it had not stopped$' out.txt || why="$why $at: $(grep continuing out.txt)"
        for kind in _last.weights _last.state _final.weights _final.state; do
            cmp -s whole/run$kind backup/run$kind || why="$why $at: $kind differs"
        done
        cut -d, -f1-7 whole/run.csv >one.csv
        cut -d, -f1-7 backup/run.csv | cmp -s one.csv - || why="$why $at: the log differs"
    done
    result "${task}_goes_on_to_the_bit_when_it_was_killed" "$why"

    train run.cfg backup/run_final.weights
    status=$?
    why=
    [ $status -eq 0 ] || why="exit status $status"
    grep -qxF 'nothing to train: the weights have seen max_batches=14 updates already; -clear starts at 0' out.txt ||
        why="$why $(tail -n 1 out.txt)"
    result "${task}_says_that_nothing_is_left_to_train" "$why"

    rm -rf backup
    "$darknet" "$task" train set.data endless.cfg >out.txt 2>err.txt &
    child=$!
    tries=0
    while ! grep -q '^9[,:]' out.txt && [ $tries -lt 400 ]; do
        sleep .05
        tries=$((tries + 1))
    done
    "$darknet" "$task" train set.data endless.cfg >second.txt 2>second.err
    status=$?
    kill -TERM $child
    wait $child
    ended=$?
    why=
    [ $status -eq 1 ] || why="exit status $status"
    tail -n 1 second.err | grep -q "^backup/endless.lock: process $child on .* is writing there; wait for it" ||
        why="$why $(tail -n 1 second.err)"
    [ ! -e backup/endless.csv.old ] || why="$why its log was moved away"
    result "${task}_refuses_a_second_run_of_one_name" "$why"
    why=
    [ $ended -eq 0 ] || why="exit status $ended"
    [ -s backup/endless_last.weights ] && [ ! -e backup/endless.lock ] || why="$why no _last, or its lock"
    grep -q "$task train set.data endless.cfg backup/endless_last.weights" out.txt || why="$why no word how to go on"
    grep -qF 'endless.cfg: no max_batches in [net]: the run has no end' err.txt || why="$why no word of its end"
    result "${task}_saves_and_ends_at_a_signal" "$why"

    train good.cfg
    train broken.cfg
    status=$?
    why=
    [ $status -eq 1 ] || why="exit status $status"
    tail -n 1 err.txt | grep -qE '^update (8|9|10): the (loss is not a number|weights are no longer finite) at rate ' ||
        why="$why $(tail -n 1 err.txt)"
    cmp -s backup/good_last.weights backup/broken_last.weights || why="$why _last is not of the first epoch"
    result "${task}_stops_before_a_checkpoint_is_overwritten" "$why"

    sed 's/^train=.*/train=nothere.list/' set.data >bad.data
    refused names_a_list_that_is_missing "nothere.list" bad.data run.cfg
    : >empty.list
    sed 's/^train=.*/train=empty.list/' set.data >bad.data
    refused names_a_list_that_is_empty "empty.list" bad.data run.cfg
    if [ $task != segmenter ]; then
        sed 's/^classes=.*/classes=3/' set.data >bad.data
        refused names_classes_that_the_network_has_not "bad.data:1: classes=3: " bad.data run.cfg
    fi
    sed 's/^backup=.*/backup=set.data/' set.data >bad.data
    refused names_a_backup_folder_that_is_none "set.data: can't" bad.data run.cfg
    sed 's/^channels=.*/channels=2/' run.cfg >two.cfg
    refused names_channels_that_no_image_has "channels" set.data two.cfg
    sed "2s/\.[a-z]*\$/.gone&/" "$(sed -n 's/^train=//p' set.data)" >gone.list
    sed 's/^train=.*/train=gone.list/' set.data >bad.data
    refused names_an_image_that_is_missing ".gone." bad.data run.cfg
    head -c 150 whole/run_final.weights >cut.weights
    refused names_weights_that_are_cut "cut.weights: " set.data run.cfg cut.weights
done
finish
