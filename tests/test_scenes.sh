#!/bin/sh
# `regressor train` and `segmenter train` with a cfg that has none of our keys end in the weights of stock Darknet's loops, to the
# bit, and print their lines. Both draw alike (thread_rand.c).
# needs: stock plain
# shellcheck disable=SC2086 # the name of a task is one word
set -u
. tests/common.sh
. tests/scene_common.sh
root=$(pwd)
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0"
${CC:-gcc} -shared -fPIC -o "$scratch/thread_rand.so" tests/thread_rand.c || exit 1
cd "$scratch" || exit 1
scenes 12

# Trains $1.cfg by build $2; the rates, which stock prints with six digits, and times are left out of the output.
train() {
    rm -rf backup && mkdir backup
    LD_PRELOAD=./thread_rand.so "$root/build/$2$suffix/darknet" "$1" train scenes.data "$1.cfg" start.weights -clear \
        >out.txt 2>err.txt || echo "$2 trains not: $(tail -n 1 err.txt)"
    sed -E 's/[0-9.e-]+ rate, [0-9.]+ seconds/rate, seconds/; s/[0-9.]+ seconds/seconds/' out.txt >"$1-$2.txt"
    mv backup "$1-$2"
}

for task in regressor segmenter; do
    [ $task = regressor ] && classes=2 || classes=80
    keys="angle=7 hue=.1 saturation=.75 exposure=.75 aspect=.75 policy=steps steps=5,20 scales=.5,.1"
    [ $task = regressor ] && keys="$keys min_ratio=1 max_ratio=1.5" || keys="$keys min_crop=16 max_crop=24"
    # shellcheck disable=SC2086 # words
    scene_cfg "$task" $classes batch=4 max_batches=1 $keys >start.cfg
    "$darknet" "$task" train scenes.data start.cfg >out.txt 2>err.txt || echo "note $(tail -n 1 err.txt)"
    cp backup/start.weights start.weights
    # shellcheck disable=SC2086 # words
    scene_cfg "$task" $classes batch=4 subdivisions=2 max_batches=102 $keys >$task.cfg
    why=$(train "$task" stock)$(train "$task" plain)
    [ "$(find $task-stock -type f | wc -l)" -eq 36 ] || why="$why stock wrote $(find $task-stock | wc -l)"
    for file in "$task-stock"/*; do
        difference=$(cmp "$file" "$task-plain/$(basename "$file")" 2>&1) || why="$why $difference"
    done
    cmp -s $task-stock/$task.weights start.weights && why="$why nothing was trained: it shows nothing"
    grep -vE '^(epoch|wrote) ' $task-plain.txt | cmp -s $task-stock.txt - ||
        why="$why $(diff $task-stock.txt $task-plain.txt | grep -vE '^> (epoch|wrote) ' | grep '^[<>]' | head -n 3)"
    result "${task}_train_ends_in_the_weights_of_stock_darknet" "$why"
done

# --- the loss of a test

# Outputs of 0, as all weights are 0: the loss of an image is the sum of the squares of its truth, also where the last batch of a
# test is not full.
zero_cfg() { # TASK BATCH
    scene_cfg "$1" 2 batch="$2" seed=3 policy=constant max_batches=3 |
        sed 's/^batch_normalize=1/init_std=0/; s/logistic/linear\ninit_std=0/; s/^learning_rate=.*/learning_rate=0/'
}
tests_of() { # the test losses of zero.csv
    awk -F, 'NR > 1 && $6 != "" { print $6 }' backup/zero.csv
}
near='function near(a, b) { return a - b <= 1e-5 * b && b - a <= 1e-5 * b }'

why=
expected=$(awk '{ sum += $1 * $1 + $2 * $2 } END { print sum / NR }' labels/*.txt)
for batch in 4 5 7; do
    zero_cfg regressor $batch >zero.cfg
    "$darknet" regressor train scenes.data zero.cfg >out.txt 2>err.txt || why="$why $(tail -n 1 err.txt)"
    why=$why$(tests_of | awk -v e="$expected" "$near"'!near($1, e) { print $1 ", not " e } END { if (!NR) print "no test" }')
done
result the_test_loss_of_a_regressor_is_the_mean_over_all_images "$why"
why=$(sed -n 's/^.*test loss \([0-9.]*\).*/\1/p' out.txt | awk -v e="$expected" '!($1 - e < 6e-5 && e - $1 < 6e-5) { print $1 ", not " e }
    END { if (NR != 3) print NR " lines" }')
grep -q accuracy out.txt && why="$why it has an accuracy"
result a_task_without_accuracy_prints_its_test_loss "$why"

# Images of 16 x 16: the network's output has every fourth pixel of every fourth row.
rm -r images mask
mkdir images mask
for i in 1 2 3 4 5 6 7 8; do
    { printf 'P6\n16 16\n255\n' && head -c 768 /dev/zero; } >images/$i.jpg
    # Rows of 16 pixels, of which the first 2 i are the object.
    awk -v i=$i 'BEGIN { printf "%d 0", i % 2; for (r = 1; r <= 16; r++) printf ",%d,%d", 2 * i, r < 16 ? 16 - 2 * i : 0; print "" }' >mask/$i.txt
done
find "$(pwd)/images" -name '*.jpg' | sort >scenes.list
expected=$(awk 'BEGIN { for (i = 1; i <= 8; i++) sum += 4 * int((2 * i + 3) / 4); print sum / 8 }')
why=
for batch in 4 3; do
    zero_cfg segmenter $batch | sed 's/^channels=/min_crop=16\nmax_crop=16\n&/' >zero.cfg
    "$darknet" segmenter train scenes.data zero.cfg >out.txt 2>err.txt || why="$why $(tail -n 1 err.txt)"
    why=$why$(tests_of | awk -v e="$expected" "$near"'!near($1, e) { print $1 ", not " e } END { if (!NR) print "no test" }')
done
result the_test_loss_of_a_segmenter_is_the_mean_over_all_images "$why"

# --- truths that can't be read

# refused CLAIM TASK TEXT: training of TASK.cfg ends with a failure whose last line holds TEXT.
refused() {
    "$darknet" "$2" train scenes.data zero.cfg >out.txt 2>err.txt
    status=$?
    why=
    [ $status -eq 1 ] || why="exit status $status"
    tail -n 1 err.txt | grep -qF -- "$3" || why="$why no '$3' in: $(tail -n 1 err.txt)"
    result "$1" "$why"
}
echo "1 0,300" >mask/2.txt
refused a_mask_of_more_pixels_than_its_image_is_refused segmenter "mask/2.txt:1: its runs have more than the image's 256 pixels"
echo "9 0,30" >mask/2.txt
refused a_mask_of_an_unknown_class_is_refused segmenter "mask/2.txt:1: class 9: the network has classes 0 to 1"
echo "1 x,30" >mask/2.txt
refused runs_that_are_no_numbers_are_refused segmenter "mask/2.txt:1: runs are whole numbers"
rm mask/2.txt
refused a_missing_mask_is_named segmenter "mask/2.txt: "
sed -i '/^seed=/d; /^init_std/d' zero.cfg
refused darknets_loader_of_masks_has_80_classes segmenter "has 2 classes, Darknet's own loader 80; add seed=N"
scene_cfg segmenter 80 batch=4 max_batches=3 >zero.cfg
refused a_missing_mask_is_named_with_darknets_loader segmenter "mask/2.txt: "
for seed in seed=3 batch=4; do # our loader, and Darknet's
    zero_cfg regressor 4 | sed "s/^seed=3/$seed/; s/^init_std.*//; s/^policy=/subdivisions=1\n&/" >zero.cfg
    echo ".5" >labels/2.txt
    refused a_label_file_of_too_few_numbers_is_refused_with_$seed regressor "labels/2.txt: has 1 numbers for 2 classes"
    echo ".5 wide" >labels/2.txt
    refused a_label_that_is_no_number_is_refused_with_$seed regressor "labels/2.txt:1: 'wide' is no number"
    rm labels/2.txt
    refused a_missing_label_file_is_named_with_$seed regressor "labels/2.txt: "
done
finish
