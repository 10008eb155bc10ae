#!/bin/sh
# A build for any x86-64 processor trains on old ones, which qemu stands in for: without AVX, without FMA, without AVX-512.
# timeout: 1800
set -u
. tests/common.sh

if ! command -v qemu-x86_64 >/dev/null 2>&1; then
    echo "skip processors: no qemu-x86_64 here (package qemu-user)"
    exit 0
fi
if [ "${SANITIZE:-0}" = 1 ]; then
    echo "skip processors: AddressSanitizer does not run under qemu"
    exit 0
fi
cd "$scratch" || exit 1
tiny_data
tiny_cfg policy=texp++ base_policy=constant flip=1 seed=1 max_batches=30 >tiny.cfg

# Trains, and leaves the losses of all updates in the file $1; then the command that runs the program.
train() {
    file=$1
    shift
    rm -rf backup
    "$@" "$darknet" classifier train tiny.data tiny.cfg >log 2>&1 && cut -d, -f1,3 backup/tiny.csv >"$file"
}

# Other processors add in another order: sums of at most 9 * 8 terms, each within 72 * 2^-24 = 4e-6 of the sum of their
# sizes; the training damps such differences (6e-8 were seen).
same_losses() { # file, file
    paste -d, "$1" "$2" | awk -F, 'NR > 1 { d = $2 - $4; if (d < 0) d = -d; if (d > 1e-5 || $2 + 0 != $2) bad = $0 }
        END { if (bad != "") print bad; if (NR < 31) print NR " lines" }'
}

train here.losses env || not_ok here_trains "$(tail -n 3 log)"
for processor in qemu64 Nehalem Haswell; do
    if train "$processor.losses" qemu-x86_64 -cpu "$processor"; then
        result "${processor}_trains_with_the_same_losses" "$(same_losses here.losses "$processor.losses")"
    else
        not_ok "${processor}_trains_with_the_same_losses" "$(tail -n 3 log)"
    fi
    said=$(qemu-x86_64 -cpu "$processor" "$darknet" classifier valid tiny.data tiny.cfg backup/tiny_final.weights 2>&1) &&
        said=
    result "${processor}_predicts" "$said"
done
finish
