# Sourced by the shell tests, which run from the root of the tree: names, a folder of their own, and a tiny data set.
# shellcheck shell=sh
darknet=$(pwd)/${DARKNET_BIN:-./darknet}
# Of the folders of builds: build/plain$suffix.
suffix=
# shellcheck disable=SC2034 # for those who source this
[ "${SANITIZE:-0}" != 1 ] || suffix=-sanitize
failures=0
# Networks this small gain nothing from threads, and lose much where other programs run.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

ok() { echo "ok $1"; }

not_ok() { # name, why
    echo "not ok $1: $(printf '%s' "$2" | tr '\n' ' ' | cut -c1-300)"
    failures=$((failures + 1))
}

result() { # name, empty or why it failed
    if [ -z "$2" ]; then ok "$1"; else not_ok "$1" "$2"; fi
}

finish() { [ "$failures" -eq 0 ]; }

# IDX files of $1 images of 8x8 pixels: class 0 is bright above, class 1 below, with noise. $2: a seed; files $3, $4.
tiny_idx() {
    LC_ALL=C awk -v n="$1" -v seed="$2" -v images="$3" -v labels="$4" '
    function byte(file, value) { printf "%c", value >file }
    function word(file, value) { byte(file, 0); byte(file, 0); byte(file, int(value / 256)); byte(file, value % 256) }
    BEGIN {
        srand(seed)
        word(images, 8 * 256 + 3); word(images, n); word(images, 8); word(images, 8)
        word(labels, 8 * 256 + 1); word(labels, n)
        for (i = 0; i < n; i++) {
            class = int(2 * rand())
            byte(labels, class)
            for (y = 0; y < 8; y++) for (x = 0; x < 8; x++) byte(images, int(120 * rand() + 100 * ((y < 4) == class)))
        }
    }'
}

# A data set of 96 training and 40 test images, upper and lower, in the current folder.
tiny_data() {
    printf 'lower\nupper\n' >labels.list
    for part in train test; do
        [ $part = train ] && n=96 || n=40
        tiny_idx "$n" "$n" $part.images $part.labels
        "$darknet" texp images idx $part.images $part.labels labels.list $part >/dev/null || exit 1
        find "$(pwd)/$part" -name '*.png' | sort >$part.list
    done
    printf 'classes=2\ntrain=train.list\nvalid=test.list\nlabels=labels.list\nbackup=backup\n' >tiny.data
}

# A small scale-invariant network; more keys of [net] come as arguments, line by line.
tiny_cfg() {
    printf '[net]\nbatch=16\nheight=8\nwidth=8\nchannels=1\nlearning_rate=0.1\nmomentum=0.9\ndecay=0.001\n'
    printf '%s\n' "$@"
    cat <<'END'

[convolutional]
filters=8
size=3
stride=1
pad=1
bias=0
activation=linear

[batchnorm]

[activation]
activation=relu

[convolutional]
filters=8
size=3
stride=2
pad=1
bias=0
activation=linear

[batchnorm]

[activation]
activation=relu

[avgpool]

[connected]
output=2
fixed=1
init_std=1
activation=linear

[softmax]
END
}

# A cfg of Darknet's own, by name, with policy=texp++ of a constant rate from the first update on, for images of $2 x $2
# pixels, $3 an update.
darknets_cfg() {
    sed -e 's/^policy=.*/policy=texp++/' -e "s/^ *batch=.*/batch=$3/" -e 's/^ *subdivisions=.*/subdivisions=1/' \
        -e '/^burn_in/d' -e '/^steps/d' -e '/^scales/d' -e '/^power/d' -e '/^max_batches/d' \
        -e "s/^height=.*/height=$2/" -e "s/^width=.*/width=$2/" "${root:-.}/build/darknet/cfg/$1.cfg"
}
