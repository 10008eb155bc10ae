#!/bin/sh
# Texts that a user writes: .data files, cfgs, lists, labels, names and label files are read under the same rules by all of
# Darknet's readers, and what is wrong in them is refused before the first update, with file and line.
set -u
root=$(pwd)
. tests/common.sh
. tests/detector_common.sh
cd "$scratch" || exit 1
tiny_data
# For Darknet's own loader: three channels, none of our keys but the seed, which puts it into an order.
tiny_cfg max_batches=3 seed=5 backend=plain policy=constant | sed 's/^channels=1/channels=3/' >dk.cfg
tiny_cfg max_batches=3 seed=5 backend=plain policy=texp++ crop_pad=1 >ours.cfg

# windows IN OUT: a byte order mark, CR LF, blank lines, blanks around the lines, no end of the last line.
windows() {
    { printf '\357\273\277\r\n' && sed 's/^/ /; s/$/ \t\r/' "$1" && printf ' \r\n\t'; } >"$2"
}

# same_weights NAME DATA CFG: training writes the weights of the plain texts, which are in plain.weights.
same_weights() {
    rm -rf backup "my backup"
    "$darknet" classifier train "$2" "$3" >out.txt 2>err.txt || { not_ok "$1" "$(tail -n 1 err.txt)" && return; }
    if cmp -s plain.weights "${folder:-backup}/${3%.cfg}_final.weights"; then ok "$1"; else not_ok "$1" 'the weights differ'; fi
}

windows train.list windows.list
windows test.list windows-test.list
windows labels.list windows.labels
printf 'classes=2\ntrain=windows.list\nvalid=windows-test.list\nlabels=windows.labels\nbackup = my backup # here\n' >windows-lf.data
windows windows-lf.data windows.data
for cfg in dk ours; do
    "$darknet" classifier train tiny.data $cfg.cfg >out.txt 2>err.txt || cat err.txt
    cp backup/${cfg}_final.weights plain.weights
    mkdir -p w && windows $cfg.cfg w/$cfg.cfg
    cp $cfg.cfg $cfg.keep && cp w/$cfg.cfg $cfg.cfg
    folder='my backup' same_weights "texts_of_windows_train_the_same:$cfg" windows.data $cfg.cfg
    sed -E 's/^([^[].*)$/\1 # as it was; really/; s/^\[(.*)\]$/[ \1 ] ; a section/; s/=/ = /' $cfg.keep >$cfg.cfg
    same_weights "comments_and_blanks_in_a_cfg_change_nothing:$cfg" tiny.data $cfg.cfg
    cp $cfg.keep $cfg.cfg
done

# refused NAME WORDS ARGUMENT...: fails, the last line of stderr has the words, and nothing was trained.
refused() {
    name=$1 words=$2
    shift 2
    rm -rf backup
    if "$darknet" "$@" >out.txt 2>err.txt; then
        not_ok "$name" 'taken'
    elif ! tail -n 1 err.txt | grep -qF -- "$words"; then
        not_ok "$name" "$(tail -n 2 err.txt)"
    elif ls backup/*.weights >/dev/null 2>&1; then
        not_ok "$name" 'it was trained'
    else
        ok "$name"
    fi
}

# --- .data files ---------------------------------------------------------------------------------------------------------

sed 's/^valid=/vaild=/' tiny.data >key.data
"$darknet" classifier train key.data dk.cfg >out.txt 2>err.txt
grep -qF 'key.data:3: vaild=test.list: no key of .data files, ignored; did you mean valid (classifier, detector)?' err.txt &&
    why='' || why=$(grep vaild err.txt)
result an_unknown_key_is_named_with_the_nearest "$why"
"$darknet" classifier train tiny.data dk.cfg >out.txt 2>err.txt
result known_keys_are_not_named "$(grep 'no key' err.txt)"

printf 'classes=2\ntrain\n' >line.data
refused a_line_without_a_value "line.data:2: 'train' is not key=value" classifier train line.data dk.cfg
printf 'classes=2\n\0train=x\n' >zero.data
refused a_zero_byte 'zero.data:2: a zero byte' classifier train zero.data dk.cfg
printf 'lower\n' >short.labels
sed 's/^labels=.*/labels=short.labels/' tiny.data >short.data
for command in train valid predict; do
    refused "too_few_labels:$command" 'short.data:1: classes=2: short.labels has 1 labels' classifier $command short.data dk.cfg
done
{ cat tiny.data && echo names=short.labels; } >names.data
refused too_few_names 'names.data:1: classes=2: short.labels has 1 names' classifier predict names.data dk.cfg
{ cat tiny.data && echo top=3; } >top.data
refused more_at_the_top_than_classes 'top.data:6: top=3: write 1 to 2' classifier valid top.data dk.cfg

# --- images and their classes ------------------------------------------------------------------------------------------

mkdir -p other && cp "$(head -n 1 test.list)" other/7.png && cp "$(head -n 1 test.list)" other/lower_upper.png
# lists NAME LINE WORDS: a line more in the list, which the loaders refuse for training, and for validation.
lists() {
    for list in train test; do
        { cat $list.list && printf '\n%s\n' "$2"; } >more.list
        line=$(($(grep -c . $list.list) + 2))
        key=train
        [ $list = train ] || key=valid
        sed "s/^$key=.*/$key=more.list/" tiny.data >more.data
        refused "$1:ours_$list" "more.list, line $line: $2: $3" classifier train more.data ours.cfg
        [ $list = train ] || refused "$1:valid" "more.list, line $line: $2: $3" classifier valid more.data dk.cfg
        [ $list = test ] || refused "$1:darknets" "more.list, line $line: $2: $3" classifier train more.data dk.cfg
    done
}
lists an_image_without_a_class other/7.png 'has no label of labels.list'
# shellcheck disable=SC2016 # as they are
lists an_image_of_two_classes other/lower_upper.png 'has two labels of labels.list, `lower` and `upper`'
lists a_missing_image train/upper/none.png 'No such file or directory'
: >train/upper/empty.png
lists an_empty_image train/upper/empty.png 'an empty file'
echo 'no image' >train/upper/text.png
lists a_file_that_is_no_image train/upper/text.png 'no image that stb_image knows'

# The label that stock Darknet finds nowhere else: folders uppers/ and lowers/ train what upper/ and lower/ do.
mkdir -p elsewhere && cp -R train/upper elsewhere/uppers && cp -R train/lower elsewhere/lowers
sed -E "s,/train/(upper|lower)/,/elsewhere/\1s/," train.list >elsewhere.list
sed 's/^train=.*/train=elsewhere.list/' tiny.data >elsewhere.data
for cfg in dk ours; do
    "$darknet" classifier train tiny.data $cfg.cfg >out.txt 2>err.txt || cat err.txt
    cp backup/${cfg}_final.weights plain.weights
    same_weights "a_single_label_elsewhere_in_the_path_is_the_class:$cfg" elsewhere.data $cfg.cfg
    grep -q '^elsewhere.list: 96 of 96 images have their class from elsewhere' err.txt && why='' || why='it is not said'
    result "and_it_is_said:$cfg" "$why"
done

# `lower` is in each path, and `upper` the folder's name: stock Darknet would train two truths.
mkdir -p lowers && cp -R train lowers/train
sed "s,/train/,/lowers/train/," train.list >two.list
sed 's/^train=.*/train=two.list/' tiny.data >two.data
"$darknet" classifier train tiny.data dk.cfg >out.txt 2>err.txt || cat err.txt
cp backup/dk_final.weights plain.weights
same_weights the_folder_counts_before_the_rest_of_the_path two.data dk.cfg

# `classifier valid` of stock Darknet takes the first label in a path, which is `lower` here.
cp -R test lowers/test
sed "s,/test/,/lowers/test/," test.list >two-test.list
sed 's/^valid=.*/valid=two-test.list/' tiny.data >two.data
accuracy() { "$darknet" classifier valid "$1" dk.cfg plain.weights 2>err.txt | sed -n 's/^.*: top 1: \([.0-9]*\),.*/\1/p' | tail -n 1; }
one=$(accuracy tiny.data)
other=$(accuracy two.data)
[ "$one" ] && [ "$one" = "$other" ] && why='' || why="$one, $other"
result validation_has_the_classes_of_training "$why"

# --- detectors ---------------------------------------------------------------------------------------------------------

boxes_data 6
boxes_cfg 32 batch=2 max_batches=2 seed=5 policy=constant >boxes.cfg
"$darknet" detector train boxes.data boxes.cfg >out.txt 2>err.txt || cat err.txt
cp backup/boxes_final.weights plain.weights
mkdir -p hold && mv labels/*.txt images
rm -rf backup
"$darknet" detector train boxes.data boxes.cfg >out.txt 2>err.txt
cmp -s plain.weights backup/boxes_final.weights && why='' || why=$(tail -n 1 err.txt)
result labels_are_found_beside_the_image "$why"
mv images/*.txt labels
for i in 1 2 3 4 5 6; do windows labels/$i.txt hold/$i.txt && cp hold/$i.txt labels; done
rm -rf backup
"$darknet" detector train boxes.data boxes.cfg >out.txt 2>err.txt
cmp -s plain.weights backup/boxes_final.weights && why='' || why=$(tail -n 1 err.txt)
result label_files_of_windows_train_the_same "$why"

printf '100000 .5 .5 .2 .2\n100000 .5 .5 .2 .2\n' >labels/4.txt
refused a_class_beyond_the_classes "labels/4.txt:1: '100000 .5 .5 .2 .2': the class is none of 0..1" detector train boxes.data boxes.cfg
printf '\n1 20 30 10 12\n' >labels/4.txt
refused pixels_in_a_label_file 'as pixels are: divide x and width by' detector train boxes.data boxes.cfg
rm labels/4.txt
"$darknet" detector train boxes.data boxes.cfg >out.txt 2>err.txt || cat err.txt
[ "$(grep -c 'no label file' err.txt)" = 1 ] &&
    grep -q '^1 of 6 images have no label file .*neither .*/labels/4.txt nor .*/images/4.txt$' err.txt && why='' || why=$(cat err.txt)
result missing_label_files_are_counted_once "$why"

finish
