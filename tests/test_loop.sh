#!/bin/sh
# `classifier train` with a cfg that has none of our keys ends in the weights of stock Darknet's loop, to the bit, and prints
# its lines; on the way, too. Both draw alike (thread_rand.c): the images, crops, colours and sizes are Darknet's own.
# needs: stock plain
set -u
. tests/common.sh
root=$(pwd)
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0"
${CC:-gcc} -shared -fPIC -o "$scratch/thread_rand.so" tests/thread_rand.c || exit 1
cd "$scratch" || exit 1
tiny_data

# cfg NAME KEY...: keys of [net] beside those of augmentation, which the loader obeys.
cfg() {
    name=$1
    shift
    {
        printf '[net]\nchannels=3\nlearning_rate=.02\nmomentum=.9\ndecay=.001\nangle=7\nhue=.1\nsaturation=.75\n'
        printf 'exposure=.75\naspect=.75\npolicy=steps\nsteps=5,20\nscales=.5,.1\nburn_in=3\n'
        printf '%s\n' "$@"
        cat <<'END'

[convolutional]
batch_normalize=1
filters=4
size=3
stride=2
pad=1
activation=leaky

[convolutional]
filters=2
size=3
stride=1
pad=1
activation=linear

[avgpool]

[softmax]
groups=1

[cost]
type=sse
END
    } >"$name.cfg"
}

# Weights to begin with, as all those that the main thread draws are the same.
cfg start batch=16 width=8 height=8 max_batches=1
"$darknet" classifier train tiny.data start.cfg >out.txt 2>err.txt || exit 1
cp backup/start.weights start.weights

# Trains $1.cfg by build $2; the rates, which stock prints with six digits, and times are left out of the output.
train() {
    rm -rf backup && mkdir backup
    # A blank in the name would end it, and the folder of the sources may have one.
    LD_PRELOAD=./thread_rand.so "$root/build/$2$suffix/darknet" classifier train tiny.data "$1.cfg" start.weights \
        -clear >out.txt 2>err.txt || echo "$2 trains not: $(tail -n 1 err.txt)"
    sed -E 's/[0-9.e-]+ rate, [0-9.]+ seconds/rate, seconds/; s/[0-9.]+ seconds/seconds/' out.txt >"$1-$2.txt"
    mv backup "$1-$2"
}

# as_stock NAME FILES CLAIM: both builds train NAME.cfg; stock writes so many files.
as_stock() {
    why=$(train "$1" stock)$(train "$1" plain)
    [ "$(find "$1-stock" -type f | wc -l)" -eq "$2" ] || why="$why stock wrote $(ls "$1-stock")"
    for file in "$1-stock"/*; do
        difference=$(cmp "$file" "$1-plain/$(basename "$file")" 2>&1) || why="$why $difference"
    done
    cmp -s "$1-stock/$1.weights" "$1-stock/${1}_1.weights" && why="$why nothing was trained: it shows nothing"
    grep -vE '^(epoch|wrote) ' "$1-plain.txt" | cmp -s "$1-stock.txt" - ||
        why="$why $(diff "$1-stock.txt" "$1-plain.txt" | grep -vE '^> (epoch|wrote) ' | grep '^[<>]' | head -n 3)"
    result "$3" "$why"
}

cfg steady batch=16 subdivisions=2 width=8 height=8 min_crop=8 max_crop=11 max_batches=1002
as_stock steady 169 classifier_train_ends_in_the_weights_of_stock_darknet

cfg resized batch=4 width=64 height=64 min_crop=60 max_crop=80 random=1 max_batches=42
as_stock resized 2 classifier_train_changes_its_size_as_stock_darknet
drawn=$(grep -c '^Resizing' resized-stock.txt)
[ "$drawn" -eq 2 ] && why= || why="stock drew it $drawn times"
result a_size_is_drawn_at_the_start_and_behind_40_updates "$why"
finish
