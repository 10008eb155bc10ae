#!/bin/sh
# The tools of `classifier`, and others that look at one layer or class, take lists, sizes and numbers that made Darknet's crash.
set -u
. tests/common.sh
cd "$scratch" || exit 1

tiny_data
echo test=test.list >>tiny.data && cp labels.list names.list && echo names=names.list >>tiny.data
tiny_cfg max_batches=30 | sed 's/channels=1/channels=3/' >a.cfg
"$darknet" classifier train tiny.data a.cfg >out.txt 2>err.txt || { cat err.txt; exit 1; }
weights=backup/a_final.weights image=$(head -n 1 test.list)

# works NAME PATTERN ARGUMENTS...: exit status 0 and a last line on stdout that matches.
works() {
    name=$1 pattern=$2
    shift 2
    "$darknet" "$@" >out.txt 2>err.txt && why= || why="status $? $(tail -n 1 err.txt)"
    tail -n 1 out.txt | grep -qE "$pattern" || why="$why $(tail -n 1 out.txt)"
    result "$name" "$why"
}

# fails NAME TEXT ARGUMENTS...: exit status 1 and a last line on stderr with TEXT.
fails() {
    name=$1 text=$2
    shift 2
    "$darknet" "$@" >out.txt 2>err.txt
    status=$?
    [ $status -eq 1 ] && why= || why="exit status $status"
    tail -n 1 err.txt | grep -qF -- "$text" || why="$why $(tail -n 1 err.txt)"
    result "$name" "$why"
}

"$darknet" classifier valid tiny.data a.cfg $weights >out.txt 2>err.txt
accuracy=$(tail -n 1 out.txt | sed 's/.*top 1: \([0-9.]*\), top.*/\1/')
# 40 images of the network's size: neither cropped nor scaled.
for tool in validcrop validfull; do
    works "$tool:40_images_of_the_networks_size" "top 1: $accuracy, top" classifier $tool tiny.data a.cfg $weights
done
works csv_gives_one_image_at_a_time "$(tail -n 1 test.list)	[01]$" classifier csv tiny.data a.cfg $weights
works try_takes_the_size_of_the_network '^(lower|upper): [0-9.]+$' classifier try tiny.data a.cfg $weights "$image" 2
works predict_prints_all_classes '%: (lower|upper)$' classifier predict tiny.data a.cfg $weights "$image" -t 2
fails predict_of_more_classes_than_there_are '-t 5: tiny.data has 2 classes' classifier predict tiny.data a.cfg $weights "$image" -t 5
sed 's/^names=.*/top=5/' tiny.data >top.data
fails predict_of_a_top_beyond_the_classes 'top=5' classifier predict top.data a.cfg $weights "$image"
fails try_a_layer_that_is_not_there 'layer 9: a.cfg has layers 0 to 8' classifier try tiny.data a.cfg $weights "$image" 9
works try_the_last_layer '^(lower|upper): ' classifier try tiny.data a.cfg $weights "$image" 8
fails print_a_layer_that_is_not_there 'layer 9: a.cfg has layers 0 to 8' print a.cfg $weights 9
"$darknet" partial a.cfg $weights first.weights 3 >out.txt 2>err.txt && why= || why="status $?"
[ "$(wc -c <first.weights)" -lt "$(wc -c <$weights)" ] || why="$why $(ls -l first.weights)"
result partial_writes_the_first_layers "$why"
"$darknet" average a.cfg mean.weights $weights $weights -nogpu >out.txt 2>err.txt && why= || why="status $? $(tail -n 1 err.txt)"
cmp -s mean.weights $weights || why="$why the mean of one file twice is another"
result flags_are_no_names_of_average "$why"
finish
