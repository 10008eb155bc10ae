#!/bin/sh
# Cross-compiled for aarch64 without oneDNN the program trains as here with backend=plain; qemu stands in for the
# processor. The C tests of floats compile for it.
# timeout: 1800
set -u
. tests/common.sh

qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static)
root=/usr/aarch64-linux-gnu
if [ -z "$qemu" ] || ! command -v aarch64-linux-gnu-gcc >/dev/null 2>&1; then
    echo "skip aarch64: no qemu-aarch64 or no cross-compiler here (packages qemu-user, gcc-aarch64-linux-gnu)"
    exit 0
fi
if [ "${SANITIZE:-0}" = 1 ]; then
    echo "skip aarch64: AddressSanitizer does not run under qemu"
    exit 0
fi

tree=$scratch/tree
mkdir -p "$tree/build"
cp -R Makefile scripts src cfg tests darknet-patches "$tree"
cp -R build/darknet-pristine build/darknet-origin "$tree/build"
if ! make -C "$tree" CC=aarch64-linux-gnu-gcc OBJCOPY=aarch64-linux-gnu-objcopy AR=aarch64-linux-gnu-ar ONEDNN=0 WERROR=1 \
    >"$scratch/log" 2>&1; then
    not_ok aarch64_builds "$(grep -E 'error|Error|Missing' "$scratch/log" | head -n 5)"
    finish
    exit
fi
result aarch64_builds "$(grep 'warning:' "$scratch/log" | head -n 5)"
said=$(grep -LE '^/\* links: *double *\*/' tests/test_*.c | while read -r file; do
    aarch64-linux-gnu-gcc -fsyntax-only -std=gnu11 -Wall -Wextra -Werror -Wno-psabi -fopenmp -Isrc -Itests \
        -DDOUBLE_TWIN='""' -isystem build/darknet/include -isystem build/darknet/src -idirafter /usr/include "$file" 2>&1
done)
result tests_compile_for_aarch64 "$(echo "$said" | grep error | head -n 5)"

cd "$scratch" || exit 1
tiny_data
tiny_cfg policy=texp++ base_policy=constant flip=1 seed=1 max_batches=30 backend=plain >tiny.cfg

# Trains, and leaves the losses of all updates in the file $1; then the command that runs the program.
train() {
    file=$1
    shift
    rm -rf backup
    "$@" classifier train tiny.data tiny.cfg >log 2>&1 && cut -d, -f1,3 backup/tiny.csv >"$file"
}

train here.losses "$darknet" || not_ok here_trains "$(tail -n 3 log)"
if train there.losses "$qemu" -L "$root" "$tree/darknet"; then
    # As in long_processors.sh: what another order of sums and another exp() come to.
    result aarch64_trains_with_the_same_losses "$(paste -d, here.losses there.losses |
        awk -F, 'NR > 1 { d = $2 - $4; if (d < 0) d = -d; if (d > 1e-5 || $2 + 0 != $2) bad = $0 }
            END { if (bad != "") print bad; if (NR < 31) print NR " lines" }')"
else
    not_ok aarch64_trains_with_the_same_losses "$(tail -n 3 log)"
fi

# What a key asks for that this processor cannot do is refused by what it needs.
tiny_cfg precision=bf16 max_batches=30 >tiny.cfg
"$qemu" -L "$root" "$tree/darknet" classifier train tiny.data tiny.cfg >log 2>&1 && echo "trains" >>log
if grep -q 'precision=bf16.*x86-64' log; then
    ok aarch64_refuses_bf16
else
    not_ok aarch64_refuses_bf16 "$(tail -n 3 log)"
fi
finish
