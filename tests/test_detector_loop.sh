#!/bin/sh
# `detector train` with a cfg that has none of our keys ends in the weights of stock Darknet's loop, to the bit, and prints its
# lines; on the way, too. Both draw alike (thread_rand.c): the images, their places, colours and sizes are Darknet's own.
# needs: stock plain
set -u
. tests/common.sh
. tests/detector_common.sh
root=$(pwd)
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0"
${CC:-gcc} -shared -fPIC -o "$scratch/thread_rand.so" tests/thread_rand.c -ldl || exit 1
cd "$scratch" || exit 1
boxes_data 24

cfg() {
    name=$1
    shift
    boxes_cfg "$@" hue=.1 saturation=1.5 exposure=1.5 policy=steps steps=5,20 scales=.5,.1 burn_in=3 >"$name.cfg"
}

# Weights to begin with, as all those that the main thread draws are the same.
cfg start 48 batch=8 max_batches=1
"$darknet" detector train boxes.data start.cfg >out.txt 2>err.txt || exit 1
cp backup/start_final.weights start.weights

is_whole() { [ "$(stat -c %s "$1" 2>/dev/null)" = "$(stat -c %s start.weights)" ]; }

# Trains $1.cfg by build $2, until file $3 is whole where that is given; the rates, which stock prints with six digits, and
# times are left out of the output.
train() {
    rm -rf backup && mkdir backup
    LD_PRELOAD=$scratch/thread_rand.so "$root/build/$2$suffix/darknet" detector train boxes.data "$1.cfg" start.weights \
        >out.txt 2>err.txt &
    while [ -n "$3" ] && ! is_whole "backup/$3" && kill -0 $! 2>/dev/null; do sleep .05; done
    [ -z "$3" ] || kill -9 $! 2>/dev/null
    wait $! 2>/dev/null || [ -n "$3" ] || echo "$2 trains not: $(tail -n 1 err.txt)"
    sed -E 's/[0-9.e-]+ rate, [0-9.]+ seconds/rate, seconds/; s/[0-9.]+ seconds/seconds/' out.txt >"$1-$2.txt"
    mv backup "$1-$2"
}

# as_stock NAME FILES CLAIM [LAST]: both builds train NAME.cfg, until LAST; stock writes so many files.
as_stock() {
    why=$(train "$1" stock "${4:-}")$(train "$1" plain "${4:-}")
    [ "$(find "$1-stock" -type f | wc -l)" -eq "$2" ] || why="$why stock wrote $(ls "$1-stock")"
    for file in "$1-stock"/*; do
        difference=$(cmp "$file" "$1-plain/$(basename "$file")" 2>&1) || why="$why $difference"
        tail -c +21 start.weights >begin && tail -c +21 "$file" | cmp -s begin - && why="$why nothing was trained: it shows nothing"
    done
    for file in "$1-plain/$1"_[0-9]*.weights; do
        [ ! -e "$file" ] || [ -e "$1-stock/$(basename "$file")" ] || why="$why stock wrote no $(basename "$file")"
    done
    result "$3" "$why"
}

cfg steady 48 batch=8 subdivisions=2 max_batches=1001
set_seen start.weights 7160 # images: 895 updates
as_stock steady 3 detector_train_ends_in_the_weights_of_stock_darknet
why=
grep -vE '^(continuing|epoch|wrote) ' steady-plain.txt | cmp -s steady-stock.txt - ||
    why="$why $(diff steady-stock.txt steady-plain.txt | grep -vE '^> (continuing|epoch|wrote) ' | grep '^[<>]' | head -n 3)"
differing=$(grep -E '^[0-9]+: ' steady-stock.txt | cut -d: -f2 | cut -d, -f1 | sort -u | wc -l)
[ "$differing" -eq 106 ] || why="$why $differing different losses: it shows nothing"
result detector_train_prints_what_stock_darknet_does "$why"

cfg late 48 batch=8 max_batches=10001
set_seen start.weights 79992 # images: 9999 updates
as_stock late 3 detector_train_numbers_its_weights_as_stock_darknet

# The sizes are drawn, here all alike; but none for the last 200 updates.
yolo="jitter=.2 random=1"
cfg resized 48 batch=1 max_batches=280
set_seen start.weights 80 # updates
as_stock resized 2 detector_train_changes_its_size_as_stock_darknet resized_100.weights
why=$(sed -n '/^Resizing/{n;p;}' resized-plain.txt | head -n 2 | tr '\n' ' ')
[ "$why" = "352 608 " ] && why=
result sizes_are_drawn_each_10_updates_and_the_last_is_608 "$why"
finish
