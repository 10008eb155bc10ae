# Sourced by tests of regressors and segmenters behind tests/common.sh: images with numbers and masks of their own.
# shellcheck shell=sh

# scenes N: images/1.jpg .. N.jpg (their content is PPM, which stb_image takes by its look) of 20..40 pixels with one bright
# rectangle of class 0 or 1, labels/*.txt with its two sides, mask/*.txt with its pixels; scenes.list, scenes.data, the current folder.
scenes() {
    mkdir -p images labels mask
    LC_ALL=C awk -v n="$1" '
    BEGIN {
        srand(7)
        for (i = 1; i <= n; i++) {
            w = 20 + int(20 * rand()); h = 20 + int(20 * rand()); class = int(2 * rand())
            bw = int(w * (.3 + .4 * rand())); bh = int(h * (.3 + .4 * rand()))
            left = int((w - bw) * rand()); top = int((h - bh) * rand())
            printf "%.4f %.4f\n", bw / w, bh / h >("labels/" i ".txt")
            printf "%d ", class >("mask/" i ".txt")
            before = top * w + left
            for (y = 0; y < bh; y++) { printf "%d,%d,", before, bw >("mask/" i ".txt"); before = w - bw }
            printf "%d\n", (h - top - bh) * w + w - left - bw >("mask/" i ".txt")
            file = "images/" i ".jpg"
            printf "P6\n%d %d\n255\n", w, h >file
            for (y = 0; y < h; y++) for (x = 0; x < w; x++) {
                inside = x >= left && x < left + bw && y >= top && y < top + bh
                v = int(40 * rand()) + (inside ? 180 : 20)
                printf "%c%c%c", inside && class ? 30 : v, v, v >file
            }
            close(file); close("labels/" i ".txt"); close("mask/" i ".txt")
        }
    }'
    find "$(pwd)/images" -name '*.jpg' | sort >scenes.list
    printf 'classes=2\ntrain=scenes.list\nvalid=scenes.list\nbackup=backup\n' >scenes.data
}

# scene_cfg TASK CLASSES KEY...: a small network of a regressor or segmenter for images of 16 x 16; keys of [net] follow.
scene_cfg() {
    task=$1 classes=$2
    shift 2
    printf '[net]\nchannels=3\nheight=16\nwidth=16\nlearning_rate=.01\nmomentum=.9\ndecay=.0005\n'
    printf '%s\n' "$@"
    printf '\n[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\nstride=2\npad=1\nactivation=leaky\n'
    printf '\n[convolutional]\nfilters=%d\nsize=3\nstride=2\npad=1\nactivation=logistic\n' "$classes"
    [ "$task" = segmenter ] || printf '\n[avgpool]\n'
    printf '\n[cost]\ntype=sse\n'
}
