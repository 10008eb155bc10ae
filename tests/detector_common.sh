# Sourced by tests of detectors behind tests/common.sh: images with boxes of their own.
# shellcheck shell=sh

# boxes_data N: images/1.png .. N.png (their content is PPM, which stb_image takes by its look) of 40..70 pixels with one to three
# coloured rectangles, labels/*.txt beside that folder, boxes.list and boxes.data, in the current folder.
boxes_data() {
    mkdir -p images labels
    LC_ALL=C awk -v n="$1" '
    BEGIN {
        srand(5)
        for (i = 1; i <= n; i++) {
            w = 40 + int(30 * rand()); h = 40 + int(30 * rand()); count = 1 + int(3 * rand())
            file = "images/" i ".png"; label = "labels/" i ".txt"
            for (k = 0; k < count; k++) {
                class[k] = int(2 * rand())
                bw[k] = int(w * (.2 + .2 * rand())); bh[k] = int(h * (.2 + .2 * rand()))
                left[k] = int((w - bw[k]) * rand()); top[k] = int((h - bh[k]) * rand())
                printf "%d %.6f %.6f %.6f %.6f\n", class[k], (left[k] + bw[k] / 2) / w, (top[k] + bh[k] / 2) / h,
                    bw[k] / w, bh[k] / h >label
            }
            printf "P6\n%d %d\n255\n", w, h >file
            for (y = 0; y < h; y++) for (x = 0; x < w; x++) {
                r = g = b = 90 + int(30 * rand())
                for (k = 0; k < count; k++) {
                    if (x < left[k] || x >= left[k] + bw[k] || y < top[k] || y >= top[k] + bh[k]) continue
                    r = class[k] ? 220 : 30; g = 60; b = class[k] ? 30 : 220
                }
                printf "%c%c%c", r, g, b >file
            }
            close(file); close(label)
        }
    }'
    find "$(pwd)/images" -name '*.png' | sort >boxes.list
    printf 'one\ntwo\n' >boxes.names
    printf 'classes=2\ntrain=boxes.list\nnames=boxes.names\nbackup=backup\n' >boxes.data
}

# boxes_cfg SIZE KEY...: a detector of two classes with batch normalisation on a grid of SIZE / 8; more keys of [net] come as
# arguments, line by line, and those of [yolo] in $yolo, separated by blanks.
boxes_cfg() {
    printf '[net]\nchannels=3\nheight=%d\nwidth=%d\nlearning_rate=.002\nmomentum=.9\ndecay=.0005\n' "$1" "$1"
    shift
    printf '%s\n' "$@"
    for filters in 4 8 8; do
        printf '\n[convolutional]\nbatch_normalize=1\nfilters=%d\nsize=3\nstride=2\npad=1\nactivation=leaky\n' $filters
    done
    printf '\n[convolutional]\nfilters=14\nsize=1\nstride=1\npad=1\nactivation=linear\n'
    printf '\n[yolo]\nmask=0,1\nanchors=10,10,20,20\nclasses=2\nnum=2\nignore_thresh=.7\n'
    # shellcheck disable=SC2086 # words
    printf '%s\n' ${yolo:-jitter=.3}
}

# set_seen FILE IMAGES: those whom weights were trained on, 8 bytes behind a header of 12.
set_seen() {
    awk -v n="$2" 'BEGIN { for (i = 0; i < 8; i++) { printf "\\%03o", n % 256; n = int(n / 256) } }' >bytes
    # shellcheck disable=SC2059 # escapes
    printf "$(cat bytes)" | dd of="$1" bs=1 seek=12 conv=notrunc 2>/dev/null
}
