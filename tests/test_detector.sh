#!/bin/sh
# `detector train` from outside: what it repeats and refuses.
set -u
. tests/common.sh
. tests/detector_common.sh
cd "$scratch" || exit 1
boxes_data 24

train() { "$darknet" detector train boxes.data "$@" >out.txt 2>err.txt; }

# --- repeatable

boxes_cfg 48 batch=8 max_batches=20 seed=3 policy=constant hue=.1 >seeded.cfg
train seeded.cfg
cp backup/seeded_final.weights first
train seeded.cfg
why=
cmp -s first backup/seeded_final.weights || why="two runs differ: $(tail -n 1 err.txt)"
sed 's/^seed=3/seed=4/' seeded.cfg >other.cfg
train other.cfg
cmp -s first backup/other_final.weights && why="$why the seed changes nothing"
result a_seed_repeats_a_detectors_run_to_the_bit "$why"

# Without a seed two runs draw other weights, images and places, though [yolo] leaves rand() where srand(0) does.
grep -v ^seed seeded.cfg >seedless.cfg
train seedless.cfg
one=$(sed -n 's/^1: \([0-9.]*\),.*/\1/p' out.txt)
train seedless.cfg
why=
[ -n "$one" ] && [ "$one" != "$(sed -n 's/^1: \([0-9.]*\),.*/\1/p' out.txt)" ] || why="the first loss was $one twice"
result a_run_without_a_seed_is_another_one "$why"

# --- as many boxes as the layer says

why=
for max in 90 30 200; do
    sed "s/^classes=2/&\nmax=$max/" seeded.cfg >max$max.cfg
    train max$max.cfg || why="$why $max: $(tail -n 1 err.txt)"
    cmp -s first backup/max${max}_final.weights || why="$why max=$max trains on other boxes"
done
result any_max_trains_on_the_boxes_of_the_image "$why"
sed 's/^seed=3//; s/^policy=constant//' max30.cfg >stock30.cfg
why=
train stock30.cfg || why=$(tail -n 1 err.txt)
result any_max_trains_with_darknets_loader "$why"

# --- grey

sed 's/^channels=3/channels=1/; /^seed/d' seeded.cfg >grey.cfg
why=
train grey.cfg || why=$(tail -n 1 err.txt)
[ -s backup/grey_final.weights ] || why="$why nothing was saved"
result a_grey_detector_trains_without_any_key_of_ours "$why"

# --- on a terminal

if command -v script >/dev/null; then
    script -qec "'$darknet' detector train boxes.data seeded.cfg" /dev/null >out.txt 2>&1 </dev/null
    why=
    grep -q 'Region 4 Avg IOU' out.txt && why="[yolo] writes between the live lines"
    [ "$(grep -o 'epoch [0-9]* \[[#.]*\] loss' out.txt | wc -l)" -eq 20 ] || why="$why not one live line an update"
    grep -q 'wrote backup/seeded_' out.txt || why="$why no last line"
    result a_terminal_shows_one_live_line "$why"
else
    echo "skip a_terminal_shows_one_live_line: no program called script"
fi

# --- texp verify

sed 's/^policy=constant/policy=texp++\nmean=.4\nstd=.3/; s/^channels=3/channels=1/' seeded.cfg >both.cfg
"$darknet" texp verify both.cfg -data boxes.data -updates 6 >out.txt 2>err.txt
why=
tail -n 1 out.txt | grep -q '^equivalent: ' || why="$(tail -n 1 out.txt) $(tail -n 1 err.txt)"
result verify_trains_on_the_photographs_of_our_loader "$why"

# --- refused

# refused NAME TEXT SED-SCRIPT [FILE]: with seeded.cfg (or FILE) edited so, training is refused with one line that holds TEXT.
refused() {
    file=${4:-seeded.cfg}
    cp "$file" keep
    sed "$3" keep >"$file"
    why=
    train seeded.cfg
    status=$?
    [ $status -eq 1 ] || why="exit status $status"
    tail -n 1 err.txt | grep -qF -- "$2" || why="$why no '$2' in: $(tail -n 1 err.txt)"
    result "$1" "$why"
    cp keep "$file"
}

refused crop_pad_is_for_classifiers '[net] crop_pad=2 is for classifiers' 's/^seed=3/&\ncrop_pad=2/'
refused two_channels 'channels=2: photographs have 1 (grey) or 3' 's/^channels=3/channels=2/'
refused classes_of_the_data_file 'boxes.data:1: classes=3: layer 4 [yolo] of seeded.cfg has classes=2; make them equal' \
    's/^classes=2/classes=3/; /^names=/d' boxes.data
refused names_for_each_class 'classes=2: boxes.names has 1 names; write one a line' 2d boxes.names
refused a_list_that_is_not_there 'boxes.data:2: train=nowhere.list: ' 's/^train=.*/train=nowhere.list/' boxes.data
refused an_image_that_is_not_there 'boxes.list, line 2: nowhere.png: No such file' '2s/.*/nowhere.png/' boxes.list
refused an_image_that_is_none 'boxes.list, line 3: boxes.data: no image' '3s/.*/boxes.data/' boxes.list
refused a_network_without_boxes 'seeded.cfg: the last layer is [convolutional]; detector train needs [yolo] or [region]' \
    '/^mask=/,/^jitter=/d; /^\[yolo\]/d'
refused jitter_of_more_than_a_side 'layer 4 [yolo] jitter=1: ' 's/^jitter=.*/jitter=1/'
cp labels/1.txt label
for keys in 'seed=3' ''; do
    sed "s/^seed=3/$keys/" seeded.cfg >bad.cfg
    echo '100000 .5 .5 .1 .1' >>labels/1.txt
    train bad.cfg
    status=$?
    why=
    [ $status -eq 1 ] || why="exit status $status"
    tail -n 1 err.txt | grep -q "labels/1.txt:[0-9]*: .*100000" || why="$why $(tail -n 1 err.txt)"
    result "a_class_that_is_not_there_is_refused_${keys:+by_our_loader}" "$why"
    cp label labels/1.txt
done
rm labels/2.txt
why=
train seeded.cfg || why=$(tail -n 1 err.txt)
grep -q 'images/2.png\|1 of 24 images\|1 image' err.txt || why="$why no word on it"
result an_image_without_a_label_file_has_no_objects "$why"
finish
