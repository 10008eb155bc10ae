#!/bin/sh
# Paths in .data files and on command lines are relative to the working directory, as in Darknet: whoever names a file that
# is not there reads where it was looked for.
set -u
. tests/common.sh
cd "$scratch" || exit 1
tiny_data
folder=$(pwd)

tiny_cfg policy=texp++ max_batches=3 crop_pad=1 >ours.cfg
tiny_cfg policy=texp++ max_batches=3 | sed 's/^channels=1/channels=3/' >darknets.cfg
cat >detector.cfg <<'END'
[net]
batch=2
height=32
width=32
channels=3
max_batches=2

[convolutional]
filters=7
size=1
stride=1
activation=linear

[yolo]
mask=0
anchors=8,8
classes=2
num=1
END
for cfg in ours darknets; do
    "$darknet" classifier train tiny.data $cfg.cfg >out.txt 2>err.txt || echo "note $cfg: $(tail -n 1 err.txt)"
done
# Weights of that size, with a header of version 0.2.0.
{ printf '\0\0\0\0\002\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' && head -c 112 /dev/zero; } >detector.weights
sed 's/^labels=/names=/' tiny.data >detector.data

# says CLAIM FILE COMMAND...: the command fails and says of FILE that it was looked for from here.
says() {
    claim=$1 file=$2
    shift 2
    "$darknet" "$@" >out.txt 2>err.txt </dev/null
    status=$?
    why=
    [ $status -ne 0 ] && [ $status -lt 126 ] || why="exit status $status"
    grep -F "$file" err.txt | grep -qF "(looked for from $folder)" || why="$why $(tail -n 2 err.txt)"
    result "$claim" "$why"
}

# absent KEY DATA: a copy of DATA, absent.data, whose KEY names a file that is not there.
absent() { sed "s,^$1=.*,$1=no/$1.list," "$2" >absent.data; }

for cfg in ours darknets; do
    for key in train valid labels; do
        absent $key tiny.data
        says "classifier_train_says_where_it_looked_for_${key}_with_${cfg}_loader" no/$key.list \
            classifier train absent.data $cfg.cfg
    done
    for key in valid labels; do
        absent $key tiny.data
        says "classifier_valid_says_where_it_looked_for_${key}_with_${cfg}_loader" no/$key.list \
            classifier valid absent.data $cfg.cfg backup/${cfg}_final.weights
    done
done
absent labels tiny.data
says classifier_predict_says_where_it_looked_for_labels no/labels.list \
    classifier predict absent.data darknets.cfg backup/darknets_final.weights test/1_upper.png
absent train detector.data
says detector_train_says_where_it_looked_for_train no/train.list detector train absent.data detector.cfg
absent valid detector.data
says detector_valid_says_where_it_looked_for_valid no/valid.list \
    detector valid absent.data detector.cfg detector.weights
absent names detector.data
says detector_test_says_where_it_looked_for_names no/names.list \
    detector test absent.data detector.cfg detector.weights test/1_upper.png

says data_files_are_looked_for_from_here no.data classifier valid no.data ours.cfg backup/ours_final.weights
says cfgs_are_looked_for_from_here no/my.cfg classifier train tiny.data no/my.cfg
says weights_are_looked_for_from_here no/my.weights classifier train tiny.data ours.cfg no/my.weights

sed "s,^$folder/,,; 3s,.*,train/none_upper.png," train.list >relative.list
sed 's/^train=.*/train=relative.list/' tiny.data >relative.data
says images_of_a_list_are_looked_for_from_here 'relative.list, line 3: train/none_upper.png' \
    classifier train relative.data ours.cfg

# Of an absolute path nothing need be said.
"$darknet" classifier train "$folder/no.data" ours.cfg >out.txt 2>err.txt
grep -qF "$folder/no.data: can't read: No such file or directory" err.txt && ! grep -q 'looked for' err.txt && why='' ||
    why=$(tail -n 1 err.txt)
result an_absolute_path_says_all "$why"
finish
