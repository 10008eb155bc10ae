#!/bin/sh
# `darknet texp images` and the prepare-*.sh scripts, on files of a few images made here, good and bad.
# Run from the root of the tree, with ./darknet there. One line a test: "ok NAME" or "not ok NAME: why"; exit status 1
# if any failed.
set -u

root=$(pwd)
TEXP_DARKNET=$(realpath "${DARKNET_BIN:-$root/darknet}")
export TEXP_DARKNET
[ -x "$TEXP_DARKNET" ] || {
    echo "not ok prepare: no program $TEXP_DARKNET; run make first"
    exit 1
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

result() { # name, empty or why it failed
    if [ -z "$2" ]; then
        echo "ok $1"
    else
        echo "not ok $1: $(printf '%s' "$2" | tr '\n' ' ' | cut -c1-300)"
        failed=1
    fi
}

images() {
    "$TEXP_DARKNET" texp images "$@"
}

prepare() { # fashion-mnist or cifar10
    "$root/scripts/prepare-$1.sh"
}

# Runs a command that must fail with one line on stderr that has the word, and leave nothing of the path behind.
refused() { # name, word, path, command...
    name=$1
    word=$2
    path=$3
    shift 3
    why=
    if "$@" >out.txt 2>err.txt; then
        why="it succeeded"
    elif ! grep -qF -- "$word" err.txt; then
        why="no '$word' in: $(cat err.txt)"
    elif [ "$(wc -l <err.txt)" -ne 1 ]; then
        why="more than one line: $(cat err.txt)"
    elif [ -e "$path" ] || [ -e "$path.part" ]; then
        why="$path or $path.part is left"
    fi
    result "$name" "$why"
}

big_endian() { # number below 65536, as four bytes
    # shellcheck disable=SC2059 # the format is the point
    printf "\\000\\000\\$(printf %03o $(($1 / 256)))\\$(printf %03o $(($1 % 256)))"
}

idx_images() { # how many; 28x28 pixels of 0xff
    printf '\000\000\010\003'
    big_endian "$1"
    big_endian 28
    big_endian 28
    head -c $(($1 * 784)) /dev/zero | tr '\000' '\377'
}

idx_labels() { # label...
    printf '\000\000\010\001'
    big_endian $#
    for label in "$@"; do
        # shellcheck disable=SC2059
        printf "\\$(printf %03o "$label")"
    done
}

cifar_records() { # label...
    for label in "$@"; do
        # shellcheck disable=SC2059
        printf "\\$(printf %03o "$label")"
        head -c 3072 /dev/zero | tr '\000' "\\$(printf %03o $((label + 100)))"
    done
}

# Every path of a list must be a file, and its folder a label.
check_set() { # folder, training images, test images
    for half in "train $2" "test $3"; do
        list=$1/${half% *}.list
        [ "$(wc -l <"$list")" -eq "${half#* }" ] || echo "$list has $(wc -l <"$list") lines, not ${half#* }"
        while read -r path; do
            [ -f "$path" ] || echo "$list names $path, which isn't there"
            grep -qx "$(basename "$(dirname "$path")")" "$1/labels.list" || echo "$path is in no folder of a label"
        done <"$list"
    done
    [ ! -e "$1.part" ] || echo "$1.part is left"
}

# ---- the converters ----

cd "$work" || exit 1
printf 'tee\r\nboot\n' >names
idx_images 3 >images
idx_labels 1 0 1 >labels

images idx images labels names out -pad 2 >said.txt 2>err.txt
found=$(find out -type f | LC_ALL=C sort | tr '\n' ' ')
why=
[ "$found" = "out/boot/00001.png out/boot/00003.png out/tee/00002.png " ] || why="found $found: $(cat err.txt)"
result idx_images_go_to_the_folders_of_their_labels "$why"

# IHDR: 32x32, one byte, grey.
header=$(od -An -tx1 -j16 -N10 out/tee/00002.png | tr -d ' \n')
why=
[ "$header" = 00000020000000200800 ] || why="header $header"
result idx_images_are_padded_and_grey "$why"

why=
if images idx images labels names out >out.txt 2>err.txt; then
    why="it succeeded"
elif ! grep -q 'already there' err.txt || [ ! -f out/tee/00002.png ]; then
    why="$(cat err.txt)"
fi
result an_existing_folder_is_not_touched "$why"
rm -r out

mkdir -p out.part/tee
echo old >out.part/tee/old.png
images idx images labels names out >said.txt 2>err.txt
why=
if [ ! -f out/tee/00002.png ] || [ -e out/tee/old.png ] || [ -e out.part ]; then
    why="$(ls -R out out.part) $(cat err.txt)"
fi
result what_an_interrupted_run_left_is_removed "$why"
rm -r out

refused idx_missing 'No such file' out images idx none labels names out
head -c 1000 images >bad
refused idx_cut_short 'cut short: 1000 bytes, 2368 by its header' out images idx bad labels names out
head -c 9 images >bad
refused idx_header_cut_short 'its header alone has 16' out images idx bad labels names out
{ cat images && echo; } >bad
refused idx_too_long 'too long' out images idx bad labels names out
refused idx_of_another_kind 'no IDX file of images' out images idx labels labels names out
refused idx_labels_of_another_kind 'no IDX file of labels' out images idx images images names out
gzip -c images >bad
refused idx_compressed 'gunzip' out images idx bad labels names out
idx_labels 1 0 >bad
refused idx_numbers_differ '3 images, bad has 2 labels' out images idx images bad names out
idx_labels 1 0 2 >bad
refused idx_label_without_name 'image 3 has label 2' out images idx images bad names out
{ printf '\000\000\010\003' && big_endian 0 && big_endian 28 && big_endian 28; } >bad
idx_labels >bad.labels
refused idx_without_images 'no image' out images idx bad bad.labels names out
{ printf '\000\000\010\003' && printf '\377%.0s' 1 2 3 4 5 6 7 8 9 10 11 12; } >bad
refused idx_of_absurd_size 'cut short' out images idx bad labels names out
: >bad
refused names_empty 'no class names' out images idx images labels bad out
refused names_missing 'No such file' out images idx images labels none out
printf 'tee\n\ntee\n' >bad
refused names_repeated 'line 3' out images idx images labels bad out
printf '../tee\nboot\n' >bad
refused names_that_lead_elsewhere 'line 1' out images idx images labels bad out
refused output_in_no_folder 'No such file' none/out images idx images labels names none/out

# No file may grow beyond 0 bytes: to the writer the same as a full disk.
said=$( (trap '' XFSZ && ulimit -f 0 && images idx images labels names out) 2>&1) && said="$said it succeeded"
why=
if [ "$said" != "darknet texp images: cannot write out.part/boot/00001.png: File too large" ]; then
    why="said $said"
elif [ -e out ] || [ -e out.part ]; then
    why="out or out.part is left"
fi
result a_full_disk_is_noticed "$why"

cifar_records 0 1 >one.bin
cifar_records 1 >two.bin
images cifar10 one.bin two.bin names out >said.txt 2>err.txt
found=$(find out -type f | LC_ALL=C sort | tr '\n' ' ')
why=
[ "$found" = "out/boot/00002.png out/boot/00003.png out/tee/00001.png " ] || why="found $found: $(cat err.txt)"
result cifar_batches_are_one_sequence "$why"
rm -r out
head -c 3072 one.bin >bad
refused cifar_cut_short 'no multiple of 3073' out images cifar10 one.bin bad names out
: >bad
refused cifar_empty '0 bytes' out images cifar10 bad names out
cifar_records 0 2 >bad
refused cifar_label_without_name 'image 2 has label 2' out images cifar10 one.bin bad names out

# ---- prepare-fashion-mnist.sh ----

mkdir "$work/fashion" "$work/source" && cd "$work/fashion" || exit 1
FASHION_MNIST=$work/source
FASHION_MNIST_COUNTS="12 10"
export FASHION_MNIST FASHION_MNIST_COUNTS
refused fashion_source_missing 'FASHION_MNIST is the folder' data/fashion-mnist prepare fashion-mnist
idx_images 12 | gzip >"$work/source/train-images-idx3-ubyte.gz"
idx_labels 0 1 2 3 4 5 6 7 8 9 0 1 | gzip >"$work/source/train-labels-idx1-ubyte.gz"
idx_images 10 | gzip >"$work/source/t10k-images-idx3-ubyte.gz"
refused fashion_labels_missing 't10k-labels-idx1-ubyte' data/fashion-mnist prepare fashion-mnist
idx_labels 9 8 7 6 5 4 3 2 1 0 >"$work/source/t10k-labels-idx1-ubyte" # not compressed: taken as well
FASHION_MNIST_COUNTS="60000 10000"
refused fashion_of_wrong_number '12 images in train-images-idx3-ubyte, 60000 expected' data/fashion-mnist \
    prepare fashion-mnist
FASHION_MNIST_COUNTS="12 10"
TEXP_DARKNET=$work/none refused fashion_without_program 'run make first' data/fashion-mnist prepare fashion-mnist
why=$(prepare fashion-mnist 2>&1 >said.txt)
[ -n "$why" ] || why=$(check_set data/fashion-mnist 12 10)
[ "$(cat said.txt)" = "data/fashion-mnist: 12 training and 10 test images" ] || why="$why said $(cat said.txt)"
[ "$(sed -n 2p data/fashion-mnist/test.list)" = data/fashion-mnist/test/bag/00002.png ] ||
    why="$why $(sed -n 2p data/fashion-mnist/test.list) is second"
result fashion_is_prepared "$why"

why=
for key in train valid labels names; do
    file=$(sed -n "s/^$key=//p" "$root/cfg/fashion-mnist.data")
    [ -f "$file" ] || why="$why $key=$file;"
done
[ "$(grep -c . data/fashion-mnist/labels.list)" = "$(sed -n 's/^classes=//p' "$root/cfg/fashion-mnist.data")" ] ||
    why="$why classes differ"
result fashion_data_file_names_what_is_prepared "$why"

# The second time it must not even need the source.
touch -d '2001-01-01' data/fashion-mnist/train.list
why=$(FASHION_MNIST=$work/none prepare fashion-mnist 2>&1 >said.txt)
[ "$(cat said.txt)" = "data/fashion-mnist is ready" ] || why="$why $(cat said.txt)"
[ "$(date -r data/fashion-mnist/train.list +%Y)" = 2001 ] || why="$why written again"
result fashion_the_second_time_nothing_is_done "$why"

rm data/fashion-mnist/train/tee/00001.png
why=
prepare fashion-mnist >out.txt 2>err.txt && why="it succeeded"
grep -q 'remove it (rm -r data/fashion-mnist)' err.txt || why="$why $(cat err.txt)"
[ "$(wc -l <err.txt)" -eq 1 ] || why="$why more than one line: $(cat err.txt)"
result fashion_with_a_file_lost_is_noticed "$why"
rm data/fashion-mnist/train.list
why=
prepare fashion-mnist >out.txt 2>err.txt && why="it succeeded"
[ "$(wc -l <err.txt)" -eq 1 ] || why="$why not one line: $(cat err.txt)"
result fashion_with_a_list_lost_is_noticed "$why"

rm -r data
mkdir -p data/fashion-mnist.part/train/old
why=$(prepare fashion-mnist 2>&1 >said.txt)
[ -n "$why" ] || why=$(check_set data/fashion-mnist 12 10)
[ ! -e data/fashion-mnist/train/old ] || why="$why the old folder is in it"
result fashion_after_an_interrupted_run "$why"

rm -r data
head -c 30 "$work/source/train-images-idx3-ubyte.gz" >bad.gz
mv bad.gz "$work/source/train-images-idx3-ubyte.gz"
refused fashion_source_damaged 'is damaged' data/fashion-mnist prepare fashion-mnist

# Stock Darknet takes a label from anywhere in the path, so none may occur in another one or in the folders' names.
set_name() { # script
    sed -n 's/^is_ready \([a-z0-9-]*\).*/\1/p' "$root/scripts/$1"
}

labels_of() { # script
    sed -n 's/^start \([a-z].*\)/\1/p; s/^classes="\(.*\)"/\1/p' "$root/scripts/$1"
}

why=
for script in prepare-fashion-mnist.sh prepare-cifar10.sh; do
    labels=$(labels_of $script)
    # shellcheck disable=SC2086 # words
    [ "$(set -- $labels && echo $#)" = 10 ] || why="$why $script: labels $labels;"
    for label in $labels; do
        hits=0
        for other in $labels "data/$(set_name $script)/train" "data/$(set_name $script)/test"; do
            case $other in *"$label"*) hits=$((hits + 1)) ;; esac
        done
        [ $hits = 1 ] || why="$why $label is found $hits times;"
    done
done
result labels_are_no_part_of_each_other "$why"

# ---- prepare-cifar10.sh ----

mkdir -p "$work/cifar" "$work/batches/cifar-10-batches-bin" && cd "$work/cifar" || exit 1
CIFAR10=$work/batches
CIFAR10_BATCH_IMAGES=10
export CIFAR10 CIFAR10_BATCH_IMAGES
refused cifar_folder_without_anything 'has neither the batches' data/cifar10 prepare cifar10
for i in 1 2 3 4 5; do
    cifar_records 0 1 2 3 4 5 6 7 8 9 >"$work/batches/cifar-10-batches-bin/data_batch_$i.bin"
done
refused cifar_batch_missing 'test_batch.bin is missing' data/cifar10 prepare cifar10
cp "$work/batches/cifar-10-batches-bin/data_batch_1.bin" "$work/batches/cifar-10-batches-bin/test_batch.bin"
CIFAR10_BATCH_IMAGES=10000
refused cifar_batch_of_wrong_size 'has 30730 bytes, not 30730000' data/cifar10 prepare cifar10
CIFAR10_BATCH_IMAGES=10
why=$(prepare cifar10 2>&1 >said.txt)
[ -n "$why" ] || why=$(check_set data/cifar10 50 10)
result cifar_from_a_folder_of_batches "$why"
why=$(CIFAR10=$work/none prepare cifar10 2>&1 >said.txt)
[ "$(cat said.txt)" = "data/cifar10 is ready" ] || why="$why $(cat said.txt)"
result cifar_the_second_time_nothing_is_done "$why"

rm -r data
tar -czf cifar-10-binary.tar.gz -C "$work/batches" cifar-10-batches-bin
md5=$(md5sum <cifar-10-binary.tar.gz | cut -c1-32)
CIFAR10=$work/cifar/cifar-10-binary.tar.gz
refused cifar_archive_of_wrong_md5 "has the md5 $md5, not c32a1d4ab5d03f1284b67883e8d87530" data/cifar10 prepare cifar10
head -c 200 cifar-10-binary.tar.gz >cut.tar.gz
CIFAR10=cut.tar.gz
refused cifar_archive_cut_short 'tar cannot read it' data/cifar10 prepare cifar10
CIFAR10=none.tar.gz
refused cifar_archive_missing 'no such file or folder' data/cifar10 prepare cifar10
CIFAR10=
CIFAR10_MD5=$md5
export CIFAR10_MD5
why=$(prepare cifar10 2>&1 >said.txt)
[ -n "$why" ] || why=$(check_set data/cifar10 50 10)
result cifar_from_an_archive_in_the_root "$why"

rm -r data
mv cifar-10-binary.tar.gz "$work/elsewhere.tar.gz"
CIFAR10_URL=file://$work/elsewhere.tar.gz
export CIFAR10_URL
if command -v curl >/dev/null; then
    why=$(prepare cifar10 2>&1 >said.txt)
    [ -n "$why" ] || why=$(check_set data/cifar10 50 10)
    [ -f data/cifar-10-binary.tar.gz ] || why="$why the archive isn't kept"
    result cifar_from_a_download "$why"
    rm -r data/cifar10
    why=$(CIFAR10_URL=file://none prepare cifar10 2>&1 >said.txt)
    [ -n "$why" ] || why=$(check_set data/cifar10 50 10)
    result cifar_the_download_is_used_again "$why"
    rm -r data
    CIFAR10_MD5=0
    refused cifar_download_of_wrong_md5 "has the md5 $md5, not 0" data/cifar-10-binary.tar.gz prepare cifar10
    why=
    [ ! -e data/cifar10 ] && [ ! -e data/cifar10.part ] || why="data/cifar10 or data/cifar10.part is left"
    result cifar_download_of_wrong_md5_leaves_nothing "$why"
    CIFAR10_URL=file://$work/none
    refused cifar_download_impossible 'cannot download' data/cifar10 prepare cifar10
fi
CIFAR10_MD5=$md5

# Images in class folders, copied as they are.
for half in train test; do
    for class in airplane automobile bird cat deer dog frog horse ship truck; do
        mkdir -p "$work/folders/$half/$class"
        echo "$half $class" >"$work/folders/$half/$class/0001.JPG"
        echo "$half $class" >"$work/folders/$half/$class/two words.png"
        echo "$half $class" >"$work/folders/$half/$class/notes.txt"
    done
done
CIFAR10=$work/folders
why=$(prepare cifar10 2>&1 >said.txt)
[ -n "$why" ] || why=$(check_set data/cifar10 20 20)
[ "$(cat "data/cifar10/test/cat/two words.png")" = "test cat" ] || why="$why the contents differ"
result cifar_from_a_folder_of_images "$why"
rm -r data
tar -cJf "$work/images.tar.xz" -C "$work" folders
CIFAR10=$work/images.tar.xz
why=$(prepare cifar10 2>&1 >said.txt)
[ -n "$why" ] || why=$(check_set data/cifar10 20 20)
result cifar_from_an_archive_of_images "$why"
rm -r data
CIFAR10=$work/folders
rm "$work"/folders/test/dog/*.png "$work"/folders/test/dog/*.JPG
refused cifar_class_without_images 'test/dog has no images' data/cifar10 prepare cifar10
rm -r "$work/folders/test/dog"
refused cifar_class_missing 'no folder dog' data/cifar10 prepare cifar10
mkdir "$work/folders/train/wolf"
refused cifar_class_too_many 'train/wolf is no class of CIFAR-10' data/cifar10 prepare cifar10

# --- bccd

mkdir -p "$work/cells/images"
for i in 1 2 3; do
    echo "image $i" >"$work/cells/images/$i.jpg"
    echo "0 .5 .5 .1 .1" >"$work/cells/images/$i.txt"
done
printf 'images/1.jpg\nimages/2.jpg\n' >"$work/cells/train.list"
echo images/3.jpg >"$work/cells/test.list"
printf 'RBC\nWBC\nPlatelets\n' >"$work/cells/names.list"
check_cells() {
    [ "$(cat data/bccd/train.list data/bccd/test.list | xargs cat)" = "$(printf 'image 1\nimage 2\nimage 3')" ] ||
        echo "the lists name other images: $(cat data/bccd/*.list)"
    [ -s data/bccd/images/3.txt ] && cmp -s data/bccd/names.list "$work/cells/names.list" || echo "labels or names are missing"
}
BCCD=$work/cells
export BCCD
why=$(prepare bccd 2>&1 >said.txt)
grep -q '^data/bccd: 2 training and 1 test images$' said.txt || why="$why $(cat said.txt)"
result bccd_from_a_folder "$why$(check_cells)"
rm -r data/bccd
tar -cJf "$work/cells.tar.xz" -C "$work/cells" .
BCCD=$work/cells.tar.xz
why=$(prepare bccd 2>&1 >said.txt)
result bccd_from_an_archive "$why$(check_cells)"
BCCD=
why=$(prepare bccd 2>&1 >said.txt)
grep -q '^data/bccd is ready$' said.txt || why="$why $(cat said.txt)"
result bccd_is_not_copied_again "$why"
rm data/bccd/images/2.jpg
why=
prepare bccd >said.txt 2>&1 && why="exit status 0"
grep -q 'data/bccd is not whole: remove it' said.txt || why="$why $(cat said.txt)"
result bccd_that_is_not_whole_is_refused "$why"
rm -r data/bccd
refused bccd_without_a_path 'BCCD=PATH says where the data set is' data/bccd prepare bccd
BCCD=$work/cells
rm "$work/cells/images/3.jpg"
refused bccd_without_an_image 'needs train.list, test.list, names.list and the images' data/bccd prepare bccd

exit $failed
