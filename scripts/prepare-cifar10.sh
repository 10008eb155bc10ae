#!/bin/sh
# CIFAR-10 as Darknet takes it: data/cifar10/, see prepare-common.sh; cfg/cifar10.data names the files.
#
#   [CIFAR10=path] scripts/prepare-cifar10.sh
#
# The path is cifar-10-binary.tar.gz, its unpacked folder, or a folder or archive of images train|test/CLASS/*, which
# are copied as they are. Without it: cifar-10-binary.tar.gz here or in data/, or else a download of 170 MB to data/.
# For the tests: CIFAR10_MD5 and CIFAR10_URL of the archive, CIFAR10_BATCH_IMAGES in each of its batches.
set -eu
# shellcheck source=scripts/prepare-common.sh
. "$(dirname "$0")/prepare-common.sh"

archive=cifar-10-binary.tar.gz
url=${CIFAR10_URL:-https://www.cs.toronto.edu/~kriz/$archive}
md5=${CIFAR10_MD5:-c32a1d4ab5d03f1284b67883e8d87530}
batch_bytes=$((3073 * ${CIFAR10_BATCH_IMAGES:-10000}))
classes="airplane automobile bird cat deer dog frog horse ship truck"

md5_of() { # file
    md5sum <"$1" | cut -c1-32
}

download() { # to data/$archive
    echo "downloading $url"
    quiet=-s
    [ -t 2 ] && quiet=-#
    if command -v curl >/dev/null; then
        curl -fL $quiet -o "$part/$archive" "$url" || die "cannot download $url (curl: status $?); $hint"
    elif command -v wget >/dev/null; then
        wget -q -O "$part/$archive" "$url" || die "cannot download $url (wget: status $?); $hint"
    else
        die "neither curl nor wget is here to download $url: install one; $hint"
    fi
    found=$(md5_of "$part/$archive")
    [ "$found" = "$md5" ] || die "what $url sent has the md5 $found, not $md5: try again later; $hint"
    mv "$part/$archive" "data/$archive"
}

from_batches() { # folder
    for batch in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
        [ -f "$1/$batch.bin" ] || die "$1: $batch.bin is missing; the six batches of $archive are needed"
        bytes=$(wc -c <"$1/$batch.bin")
        [ "$bytes" -eq "$batch_bytes" ] || die "$1/$batch.bin has $bytes bytes, not $batch_bytes: unpack $archive again"
    done
    "$program" texp images cifar10 "$1"/data_batch_[1-5].bin "$part/labels.list" "$part/train" >"$part/log" || exit 1
    "$program" texp images cifar10 "$1/test_batch.bin" "$part/labels.list" "$part/test" >"$part/log" || exit 1
    rm "$part/log"
}

# The folders of one half must be the ten classes, with images in each.
copy_images() { # folder, half
    for class in "$1/$2"/*/; do
        class=$(basename "$class")
        case " $classes " in
            *" $class "*) ;;
            *) die "$1/$2/$class is no class of CIFAR-10: $classes" ;;
        esac
    done
    for class in $classes; do
        [ -d "$1/$2/$class" ] || die "$1/$2: no folder $class; the ten classes are $classes"
        mkdir -p "$part/$2/$class"
        find -L "$1/$2/$class" -maxdepth 1 -type f \
            \( -iname '*.png' -o -iname '*.jpg' -o -iname '*.jpeg' -o -iname '*.bmp' \) \
            -exec cp -t "$part/$2/$class" {} + || die "cannot copy the images of $1/$2/$class"
        [ -n "$(find "$part/$2/$class" -type f | head -n 1)" ] || die "$1/$2/$class has no images (png, jpg, bmp)"
    done
}

from_folder() { # folder, name for messages
    for root in "$1" "$1"/*/; do
        root=${root%/}
        for batch in "$root"/data_batch_*.bin "$root/test_batch.bin"; do
            [ -f "$batch" ] || continue
            from_batches "$root"
            return
        done
        if [ -d "$root/train" ] && [ -d "$root/test" ]; then
            copy_images "$root" train
            copy_images "$root" test
            return
        fi
    done
    die "$2 has neither the batches of $archive nor images in train/CLASS and test/CLASS"
}

from_archive() { # file
    found=$(md5_of "$1")
    if [ "$found" != "$md5" ]; then
        tar -tf "$1" >"$part/contents" 2>/dev/null ||
            die "$1 has the md5 $found, not $md5 as $archive, and tar cannot read it: fetch it again"
        ! grep -q '_batch.*\.bin$' "$part/contents" ||
            die "$1 has the md5 $found, not $md5 as the official $archive: fetch it again"
        rm "$part/contents"
    fi
    mkdir "$part/unpacked"
    tar -xf "$1" -C "$part/unpacked" --no-same-owner || die "cannot unpack $1"
    from_folder "$part/unpacked" "$1"
    rm -rf "$part/unpacked"
}

hint="or fetch $archive elsewhere and say CIFAR10=path"
is_ready cifar10 && exit 0
# shellcheck disable=SC2086 # a word for each class
start $classes
source=${CIFAR10:-}
for place in "$archive" "data/$archive"; do
    [ -n "$source" ] || [ ! -f "$place" ] || source=$place
done
if [ -z "$source" ]; then
    download
    source=data/$archive
fi
if [ -d "$source" ]; then
    from_folder "$source" "$source"
elif [ -f "$source" ]; then
    from_archive "$source"
else
    die "CIFAR10=$source: no such file or folder"
fi
finish
