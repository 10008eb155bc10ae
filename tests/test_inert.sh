#!/bin/sh
# Networks whose cfg has none of our keys train and predict as on stock Darknet, bit for bit: table, losses, rates,
# predictions and weights files of tests/inert_main.c, compiled with stock Darknet and with ours on its plain loops.
# The networks, tests/inert/*.cfg, meet no defect that a patch mends: no 1x1 convolution with a stride or beside another
# reader of its input, no [batchnorm], no policy=random, no sigmoid below its step. Nor [rnn], [lstm] or [crnn], which on
# the CPU run past the end of their arrays.
# needs: stock plain
set -u
. tests/common.sh
unset MAKEFLAGS MFLAGS MAKELEVEL

for build in stock plain; do
    make -s -f scripts/compile.mk BUILD=$build TESTS=tests/inert_main.c tests || exit 1
done
root=$(pwd)

# Network $2 with seed $3 on build $1; all that comes of it is left in folder $4.
train() {
    mkdir -p "$scratch/$4" && cd "$scratch/$4" || exit 1
    "$root/build/$1$suffix/tests/inert_main" "$root/tests/inert/$2.cfg" "$3" >output 2>table && [ -s inert.weights ]
    status=$?
    # What stock Darknet does not say: that a layer's weights stay as they are.
    sed -i '/: Darknet has no backward pass of it on the CPU: /d' table
    cd "$root" || exit 1
    return $status
}

for cfg in tests/inert/*.cfg; do
    network=$(basename "$cfg" .cfg)
    why=
    train stock "$network" 1 "$network-stock" || why="stock Darknet does not train it"
    train plain "$network" 1 "$network-plain" || why="patched Darknet does not train it"
    # Without this, equal could mean that nothing was compared.
    train stock "$network" 2 "$network-other" || why="stock Darknet does not train it"
    for file in output table inert.weights; do
        difference=$(cmp "$scratch/$network-stock/$file" "$scratch/$network-plain/$file" 2>&1) || why="$why$difference "
    done
    for file in output inert.weights; do
        cmp -s "$scratch/$network-stock/$file" "$scratch/$network-other/$file" &&
            why="$why$file does not depend on the seed: it shows nothing"
    done
    grep -q 'loss .*nan' "$scratch/$network-stock/output" && why="${why}its losses are no numbers: they show nothing"
    result "${network}_is_trained_as_by_stock_darknet" "$why"
done
finish
