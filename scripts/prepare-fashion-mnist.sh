#!/bin/sh
# Fashion-MNIST as Darknet takes it: data/fashion-mnist/, see prepare-common.sh; cfg/fashion-mnist.data names the files.
#
#   scripts/prepare-fashion-mnist.sh
#
# The images are padded from 28x28 to 32x32 pixels with zeros. They come from Debian's package dataset-fashion-mnist;
# FASHION_MNIST=folder names another folder with the four IDX files, compressed or not.
# FASHION_MNIST_COUNTS="60000 10000" are the numbers of training and test images expected (the tests use fewer).
set -eu
# shellcheck source=scripts/prepare-common.sh
. "$(dirname "$0")/prepare-common.sh"

package=/usr/share/datasets/fashion-mnist
source=${FASHION_MNIST:-$package}
counts=${FASHION_MNIST_COUNTS:-60000 10000}

unpack() { # file
    if [ -f "$source/$1.gz" ]; then
        gzip -dc "$source/$1.gz" >"$part/$1" 2>/dev/null || die "$source/$1.gz is damaged, or the disk is full"
    elif [ -f "$source/$1" ]; then
        cp "$source/$1" "$part/$1"
    elif [ "$source" = "$package" ]; then
        die "no $source/$1.gz: install the package (apt-get install dataset-fashion-mnist)"
    else
        die "no $1 or $1.gz in $source: FASHION_MNIST is the folder of the four IDX files"
    fi
}

convert() { # prefix of the files, half, images expected
    unpack "$1-images-idx3-ubyte"
    unpack "$1-labels-idx1-ubyte"
    "$program" texp images idx "$part/$1-images-idx3-ubyte" "$part/$1-labels-idx1-ubyte" "$part/labels.list" \
        "$part/$2" -pad 2 >"$part/log" || exit 1
    rm "$part/log" "$part/$1-images-idx3-ubyte" "$part/$1-labels-idx1-ubyte"
    found=$(find "$part/$2" -type f | wc -l)
    [ "$found" -eq "$3" ] || die "$source: $found images in $1-images-idx3-ubyte, $3 expected"
}

is_ready fashion-mnist && exit 0
# No label is part of another one or of the folders' names, so that stock Darknet tells the classes too.
start tee trouser pullover dress coat sandal shirt sneaker bag boot
convert train train "${counts% *}"
convert t10k test "${counts#* }"
finish
