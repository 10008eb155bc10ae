# shellcheck shell=sh
# Common to the prepare-*.sh scripts, which source it and run from the folder of ./darknet.
#
# A data set is put together in data/NAME.part, which becomes data/NAME when it is whole:
#   train/LABEL/*, test/LABEL/*     image files
#   train.list, test.list           their paths, in the order of the file names, so that the classes mix
#   labels.list                     the labels, the first for class 0
# TEXP_DARKNET names another program than ./darknet.

die() {
    echo "$(basename "$0"): $1" >&2
    exit 1
}

# Succeeds where data/NAME is there and whole; stops where it is there and not whole.
is_ready() { # name
    folder=data/$1
    part=data/$1.part
    [ -e "$folder" ] || return 1
    for half in train test; do
        lines=$(wc -l 2>/dev/null <"$folder/$half.list") || lines=0
        files=$(find "$folder/$half" -type f 2>/dev/null | wc -l)
        if [ "$lines" -eq 0 ] || [ "$files" -lt "$lines" ] || [ ! -s "$folder/labels.list" ]; then
            die "$folder is not whole: remove it (rm -r $folder) and run this again"
        fi
    done
    echo "$folder is ready"
}

start() { # label...
    program=${TEXP_DARKNET:-./darknet}
    [ -x "$program" ] || die "no program $program here: run make first, then this from the same folder"
    [ ! -e data ] || [ -w data ] || die "data/ belongs to $(stat -c %U data) and cannot be written: sudo chown -R $(id -un) data"
    rm -rf "$part"
    mkdir -p "$part" || die "cannot make the folder $part"
    trap 'rm -rf "$part"' EXIT
    trap 'exit 130' HUP INT TERM
    printf '%s\n' "$@" >"$part/labels.list"
}

count() { # half
    wc -l <"$part/$1.list" | tr -d ' '
}

write_list() { # half
    find "$part/$1" -type f | sed "s|^$part/|$folder/|" | LC_ALL=C sort -t/ -k5 -k4,4 >"$part/$1.list"
}

# Writes the lists and gives the folder its name.
finish() {
    write_list train
    write_list test
    done_line="$folder: $(count train) training and $(count test) test images"
    mv "$part" "$folder" || die "cannot rename $part to $folder"
    echo "$done_line"
}
