#!/bin/sh
# Darknet's own tools that read the outputs of inner layers find them where Darknet's loops leave them: the fast backend,
# which keeps them elsewhere or not at all, leaves those networks alone.
set -u
. tests/common.sh
cd "$scratch" || exit 1

tiny_data
tiny_cfg max_batches=3 seed=2 | sed 's/^channels=1/channels=3/' >few.cfg
"$darknet" classifier train tiny.data few.cfg >out.txt 2>err.txt
# Inputs of 224 x 224 pixels, as `classifier try` gives whatever the cfg says.
sed 's/^height=8/height=224/; s/^width=8/width=224/; s/^batch=16/batch=1/' few.cfg >auto.cfg
sed 's/^batch=1/&\nbackend=plain/' auto.cfg >plain.cfg
image=$(head -n 1 test.list)

# Of each layer: the statistics and outputs that it prints in front of its prediction.
why=
for layer in 0 1 2 3 5 6; do
    for backend in auto plain; do
        "$darknet" classifier try tiny.data $backend.cfg backup/few_final.weights "$image" $layer 2>err.txt |
            grep -v -e Predicted -e : -e % >$backend.txt
    done
    [ "$(wc -l <plain.txt)" -ge 8 ] || why="$why layer $layer: $(wc -l <plain.txt) lines, $(tail -n 1 err.txt)"
    [ "$(sort -u plain.txt | wc -l)" -ge 8 ] || why="$why layer $layer: all outputs are one number"
    cmp -s plain.txt auto.txt || why="$why layer $layer: $(diff plain.txt auto.txt | head -n 3)"
done
result classifier_try_prints_what_darknets_loops_compute "$why"

# The features that it wants back are those of the last layer with an image, here of one inside, as softmax has none;
# "mag" is the length of what a step changes.
why=
for backend in auto plain; do
    sed 's/=224/=32/; /^\[avgpool\]/,/^\[softmax\]/{/^\[softmax\]/!d}' $backend.cfg >dream-$backend.cfg
    "$darknet" nightmare dream-$backend.cfg backup/few_final.weights "$image" 7 -iters 3 -reconstruct 2>err.txt |
        grep '^mag' >$backend.txt
done
[ "$(sort -u plain.txt | wc -l)" -eq 3 ] || why="$(wc -l <plain.txt) steps: $(tail -n 1 err.txt)"
cmp -s plain.txt auto.txt || why="$why $(diff plain.txt auto.txt | head -n 3)"
result nightmare_reconstructs_from_what_darknets_loops_compute "$why"
finish
