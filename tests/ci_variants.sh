#!/bin/sh
# Each build that the README documents compiles without a warning and trains: in a tree of its own, so that ./darknet and
# the usual builds stay as they are. For CI, as it takes minutes.
set -u
. tests/common.sh

tree=$scratch/tree
mkdir -p "$tree/build"
cp -R Makefile scripts src cfg tests darknet-patches "$tree"
cp -R build/darknet-pristine build/darknet-origin "$tree/build"

mkdir "$scratch/data" && cd "$scratch/data" || exit 1
tiny_data
tiny_cfg policy=texp++ base_policy=constant flip=1 seed=1 max_batches=60 >tiny.cfg

# Compiles with options of make, then trains 10 epochs of two classes that any network tells apart.
variant() {
    name=$(echo "$*" | tr ' =-' '___')
    if ! make -C "$tree" WERROR=1 "$@" >"$scratch/log" 2>&1; then
        not_ok "${name}_builds" "$(grep -E 'error|Error|Missing' "$scratch/log" | head -n 5)"
        return
    fi
    if grep -q 'warning:' "$scratch/log"; then
        not_ok "${name}_builds" "$(grep 'warning:' "$scratch/log" | head -n 5)"
    else
        ok "${name}_builds"
    fi
    rm -rf backup
    "$tree/darknet" classifier train tiny.data tiny.cfg >"$scratch/log" 2>&1 || {
        not_ok "${name}_trains" "$(tail -n 3 "$scratch/log")"
        return
    }
    accuracy=$(sed -n 's/^test accuracy \([0-9.]*\) %.*/\1/p' "$scratch/log")
    if [ "${accuracy%.*}" -ge 95 ] 2>/dev/null; then
        ok "${name}_trains"
    else
        not_ok "${name}_trains" "test accuracy ${accuracy:-missing}: $(tail -n 3 "$scratch/log")"
    fi
}

variant DEBUG=1
variant ONEDNN=0
variant OPENMP=0
variant OPENMP=0 ONEDNN=0
variant NATIVE=1
variant OPENCV=1
variant CC=clang
variant CC=clang ONEDNN=0
variant CC=clang NATIVE=1

# The same bits for any division of work, and threads that leave each other alone, with another compiler than usual.
for test in blocked winograd backends; do
    if make -C "$tree" CC=clang test TEST=$test >"$scratch/log" 2>&1; then
        ok "CC_clang_passes_test_$test"
    else
        not_ok "CC_clang_passes_test_$test" "$(grep -E 'FAILED|error' "$scratch/log" | head -n 5)"
    fi
done
finish
