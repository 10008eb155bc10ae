#!/bin/sh
# ./darknet texp verify: exit statuses, messages, tables, and data of every kind.
set -u
. tests/common.sh

root=$(pwd)
cd "$scratch" || exit 1
tiny_data
tiny_cfg 'policy=texp++' 'mean=.5' 'std=.25' 'crop_pad=1' 'flip=1' 'seed=3' >ours.cfg
tiny_cfg 'policy=texp++' >grey.cfg
tiny_cfg 'policy=steps' 'steps=5' 'scales=.1' >plain.cfg
tiny_cfg 'policy=texp' >uncorrected.cfg
tiny_cfg 'policy=texp++' 'max_batches=7' >short.cfg
sed 's/^decay=.*/decay=.5/' grey.cfg >complex.cfg
sed 's/^channels=1/channels=3/' grey.cfg >colour.cfg

# Runs it with arguments; leaves $status, $scratch/out and $scratch/err.
verify() {
    "$darknet" texp verify "$@" >out 2>err
    status=$?
}

# Whether the last run ended with status $1 and its output $2 (out or err) has $3.
expect() {
    if [ "$status" -ne "$1" ]; then
        echo "exit status $status; $(tail -n 2 out) $(tail -n 2 err)"
    elif ! grep -q -e "$3" "$2"; then
        echo "no '$3' in $2: $(tail -n 3 "$2")"
    fi
}

verify grey.cfg -updates 30
result an_exact_policy_ends_with_equivalent_and_0 "$(expect 0 out '^equivalent: ')"
verify grey.cfg -updates 30 -resync
result and_step_by_step "$(expect 0 out '^equivalent: ')"
verify uncorrected.cfg -updates 30
result another_ends_with_not_equivalent_and_1 "$(expect 1 out '^not equivalent: update 1, layer 0 \[convolutional\]: weights')"
verify plain.cfg
result a_plain_policy_is_its_own_base "$(expect 0 out 'nothing to verify')"

verify missing.cfg
result a_missing_cfg_ends_with_2 "$(expect 2 err 'missing.cfg')"
verify complex.cfg
result a_bad_cfg_ends_with_2 "$(expect 2 err 'decay=.5: learning_rate\*decay reaches')"
verify
result no_cfg_ends_with_2_and_the_usage "$(expect 2 err 'usage: darknet texp verify')"
verify grey.cfg -nonsense
result an_unknown_flag_ends_with_2 "$(expect 2 err '-nonsense: unknown argument')"
verify grey.cfg -updates 0
result no_updates_end_with_2 "$(expect 2 err '-updates 0: must be')"
verify grey.cfg -batch
result a_missing_number_ends_with_2 "$(expect 2 err '-batch: missing number')"
verify grey.cfg -data missing.data
result a_missing_data_file_ends_with_2 "$(expect 2 err 'missing.data')"
verify grey.cfg -data tiny.data
result one_channel_is_not_for_darknets_loader "$(expect 2 err 'grey.cfg: channels=1')"

verify grey.cfg -updates 3
result eight_images_an_update_unless_told "$(expect 0 out '^batch=8 ')"
verify grey.cfg -updates 3 -batch 12
result or_as_told "$(expect 0 out '^batch=12 ')"
sed 's/^batch=.*/batch=16\nsubdivisions=4/' grey.cfg >parts.cfg
verify parts.cfg -updates 3
result subdivisions_are_kept_where_they_divide "$(expect 0 out '^batch=8 subdivisions=4')"
verify parts.cfg -updates 3 -batch 6
result and_dropped_where_they_do_not "$(expect 0 out '^batch=6 subdivisions=1')"
verify short.cfg -updates 30 -csv
[ "$(wc -l <out)" -eq 8 ] && why= || why="$(wc -l <out) lines"
result it_ends_with_max_batches "$why"
verify grey.cfg -updates 1000 -resync
[ "$(wc -l <out)" -le 30 ] && why= || why="$(wc -l <out) lines"
result a_long_run_fills_one_screen "$why$(expect 0 out '^ *1000 ')"
[ "$(awk '{ if (length($0) > n) n = length($0) } END { print n }' out)" -le 130 ] && why= || why="a line is longer"
result of_lines_that_fit "$why"
verify grey.cfg -updates 40 -every 10 -csv
why=$(awk -F, 'NF != 12 { print "row " NR " has " NF " fields" } NR > 1 { print $1 }' out | tr '\n' ' ')
[ "$why" = "1 11 21 31 40 " ] && why=
result csv_has_every_tenth_row_and_the_last "$why"

tiny_cfg 'policy=texp++' 'affine=0' 'mean=.5' 'std=.25' 'seed=3' >learning.cfg
verify learning.cfg -data tiny.data -updates 2000
result a_small_network_follows_its_base_for_2000_updates "$(expect 0 out '^equivalent: ')"
grep -q '^judged up to' out && why="not all of them were judged" || why=
result with_power_to_the_end "$why"
verify learning.cfg -data tiny.data -updates 2000 -resync
result and_in_each_of_them "$(expect 0 out '^equivalent: ')"

verify ours.cfg -data tiny.data -updates 20 -resync
result the_images_of_our_loader "$(expect 0 out 'images, each')"
verify ours.cfg -data tiny.data -updates 5 -csv
cp out first
verify ours.cfg -data tiny.data -updates 5 -csv
result are_the_same_each_time "$(cmp first out 2>&1)"
verify ours.cfg -updates 5 -csv
cmp -s first out && why="they are random numbers"
result and_images_they_are "$why"
verify colour.cfg -data tiny.data -updates 20
result the_images_of_darknets_loader "$(expect 0 out '^equivalent: ')"

# Boxes stand in a file beside each image; reading them, an image without is an error of Darknet's.
mkdir images labels
for i in 1 2 3 4 5 6; do
    cp "$(sed -n "${i}p" train.list)" "images/$i.png"
    echo "0 0.4 0.5 0.3 0.4" >"labels/$i.txt"
done
find "$(pwd)/images" -name '*.png' | sort >boxes.list
printf 'classes=2\ntrain=boxes.list\n' >boxes.data
{
    printf '[net]\nbatch=4\nheight=32\nwidth=32\nchannels=3\nlearning_rate=.01\ndecay=.01\npolicy=texp++\n'
    printf '[convolutional]\nbatch_normalize=1\nfilters=8\nsize=3\nstride=4\npad=1\nactivation=leaky\n'
    printf '[convolutional]\nfilters=14\nsize=1\nstride=1\npad=1\nactivation=linear\n'
    printf '[yolo]\nmask=0,1\nanchors=8,9, 14,12\nclasses=2\nnum=2\njitter=.2\nignore_thresh=.5\ntruth_thresh=1\n'
} >yolo.cfg
verify yolo.cfg -data boxes.data -updates 20
result the_boxes_of_darknets_loader "$(expect 0 out '^equivalent: ')"
verify yolo.cfg -data boxes.data -updates 5 -csv
cp out first
for i in 1 2 3 4 5 6; do echo "1 0.6 0.5 0.5 0.2" >"labels/$i.txt"; done
verify yolo.cfg -data boxes.data -updates 5 -csv
cmp -s first out && why="other boxes, and the same numbers" || why=
result and_boxes_they_are "$why"

# Networks as they are used, for a moment; tests/long_verify.sh has them at length.
verify "$root/cfg/preresnet32-texp++.cfg" -batch 4 -updates 3 -resync
result preresnet32_begins_as_its_base "$(expect 0 out '^equivalent: ')"
darknets_cfg darknet19 32 4 >darknet19.cfg
verify darknet19.cfg -batch 2 -updates 2 -resync
result darknet19_begins_as_its_base "$(expect 0 out '^equivalent: ')"
darknets_cfg yolov3-tiny 64 4 >yolov3-tiny.cfg
verify yolov3-tiny.cfg -batch 2 -updates 2 -resync
result yolov3_tiny_begins_as_its_base "$(expect 0 out '^equivalent: ')"
finish
