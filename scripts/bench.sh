#!/bin/sh
# Times training on the CPU against PyTorch and against Darknet as it was; under five minutes. `make bench` builds what it
# runs, and calls it.
#
#   scripts/bench.sh [rounds]      more rounds: quieter medians; default 11
#
# Single steps of all programs take turns; medians. TORCH=python3 names a Python that has PyTorch.
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C
unset OPENBLAS_CORETYPE OMP_WAIT_POLICY

rounds=${1:-11}
bench=build/bench
torch=${TORCH:-/usr/bin/python3}
threads=${OMP_NUM_THREADS:-$(nproc)}
export OMP_NUM_THREADS="$threads"
work=$bench/work
rm -rf "$work"
mkdir -p "$work/images" "$work/backup"

# --- networks -----------------------------------------------------------------------------------------------------------

net() { # side, batch
    printf '[net]\nbatch=%s\nsubdivisions=1\nheight=%s\nwidth=%s\nchannels=3\n' "$2" "$1" "$1"
    printf 'learning_rate=.01\nmomentum=.9\ndecay=5e-4\npolicy=texp++\nbase_policy=constant\nmax_batches=1000\n'
}

conv() { # filters, size, stride, activation
    printf '[convolutional]\nbatch_normalize=1\nfilters=%s\nsize=%s\nstride=%s\npad=1\nactivation=%s\n' "$@"
}

ending() { # classes
    printf '[convolutional]\nfilters=%s\nsize=1\nstride=1\nactivation=linear\n[avgpool]\n[softmax]\ngroups=1\n' "$1"
}

pool() { printf '[maxpool]\nsize=2\nstride=2\n'; }

# Two 3x3 convolutions and a shortcut; where the size changes, a 1x1 convolution on it.
block() { # filters, stride
    if [ "$2" = 1 ]; then
        conv "$1" 3 1 relu && conv "$1" 3 1 linear && printf '[shortcut]\nfrom=-3\nactivation=relu\n'
    else
        conv "$1" 1 "$2" linear && printf '[route]\nlayers=-2\n'
        conv "$1" 3 "$2" relu && conv "$1" 3 1 linear && printf '[shortcut]\nfrom=-4\nactivation=relu\n'
    fi
}

resnet18() {
    net 224 8 && conv 64 7 2 relu && printf '[maxpool]\nsize=3\nstride=2\n'
    block 64 1 && block 64 1
    for filters in 128 256 512; do block $filters 2 && block $filters 1; done
    ending 1000
}

vgg11() {
    net 112 8
    conv 64 3 1 relu && pool && conv 128 3 1 relu && pool
    for filters in 256 512 512; do conv $filters 3 1 relu && conv $filters 3 1 relu && pool; done
    printf '[connected]\noutput=1024\nactivation=relu\n[connected]\noutput=1000\nactivation=linear\n[softmax]\ngroups=1\n'
}

tiny() { # the backbone of yolov3-tiny
    net 224 8
    for filters in 16 32 64 128 256; do conv $filters 3 1 leaky && pool; done
    conv 512 3 1 leaky && conv 1024 3 1 leaky && conv 256 1 1 leaky && conv 512 3 1 leaky
    ending 1000
}

# As many operations as PreResNet32, without the layers on which Darknet as it was crashes.
resnet32() { # batch
    net 32 "$1" | sed 's/^policy=.*/policy=constant/;/^base_policy=/d'
    conv 16 3 1 relu
    for filters in 16 32 64; do
        block $filters $((filters == 16 ? 1 : 2))
        for _ in 2 3 4 5; do block $filters 1; done
    done
    ending 10
}

darknet19() {
    net 224 8
    sed -n '/^\[convolutional\]/,$p' build/darknet/cfg/darknet19.cfg
}

batch() { sed "s/^batch=.*/batch=$2/;s/^subdivisions=.*/subdivisions=1/" "$1"; }
with() { sed "0,/^decay=.*/s//&\n$2/" "$1"; }

ours=cfg/preresnet32-texp++.cfg
resnet32 8 >"$work/stock.cfg"
resnet32 32 >"$work/native.cfg"
batch $ours 32 | with - backend=plain >"$work/plain.cfg"
with $ours precision=bf16 >"$work/bf16.cfg"
batch $ours 32 >"$work/32.cfg"
batch $ours 512 >"$work/512.cfg"
batch $ours 4 >"$work/check.cfg"
with "$work/check.cfg" precision=bf16 >"$work/check16.cfg"
cfgs="resnet18 darknet19 vgg11 tiny"
for cfg in $cfgs; do
    $cfg >"$work/$cfg.cfg"
    batch "$work/$cfg.cfg" 2 >"$work/check-$cfg.cfg"
done

# --- images, for classifier train ----------------------------------------------------------------------------------------

for i in $(seq 256); do
    class=$((i % 10))
    { printf 'P6\n32 32\n255\n' && head -c 3072 /dev/urandom; } >"$work/images/${i}_class$class.ppm"
    echo "$PWD/$work/images/${i}_class$class.ppm"
done >"$work/valid.list"
for i in $(seq 200); do cat "$work/valid.list"; done >"$work/train.list"
for class in 0 1 2 3 4 5 6 7 8 9; do echo "class$class"; done >"$work/labels"
printf 'classes=10\ntrain=%s\nvalid=%s\nlabels=%s\nbackup=%s\n' "$work/train.list" "$work/valid.list" "$work/labels" \
    "$work/backup" >"$work/bench.data"

# --- first whether it computes the right thing -----------------------------------------------------------------------------

programs=$(make -s -f scripts/compile.mk where)/tests
step=$programs/bench/step
bf16=
if "$step" "$work/check16.cfg" check >"$work/said" 2>/dev/null; then bf16=yes; fi
for cfg in check check-resnet18 check-darknet19 check-vgg11 check-tiny ${bf16:+check16}; do
    printf '%-40s ' "$cfg against backend=plain:"
    "$step" "$work/$cfg.cfg" check || {
        echo "too far apart: nothing is timed" >&2
        exit 1
    }
done
echo

# --- PreResNet32 -----------------------------------------------------------------------------------------------------------

python() { # arguments of train_torch.py
    echo "exec $torch tests/bench/train_torch.py --gated --threads $threads $*"
}
malloc="export MALLOC_TOP_PAD_=1000000000 MALLOC_MMAP_THRESHOLD_=1000000000 MALLOC_TRIM_THRESHOLD_=2000000000"
has_torch=
if "$torch" -c 'import torch' 2>/dev/null; then has_torch=yes; fi

machine=$($bench/machine)
echo "This machine at most: $machine"
echo
echo "PreResNet32, batch 128; one step of training:"
set -- "Darknet as it was, ResNet32 (batch 8)" 8 "exec build/stock/tests/bench/step $work/stock.cfg" \
    "  OPENMP=1, -march=native (batch 32)" 32 "exec build/stock-native/tests/bench/step $work/native.cfg" \
    "backend=plain (batch 32)" 32 "exec $step $work/plain.cfg" \
    "backend=auto" 128 "exec $step $ours" \
    "  in classifier train, with its images" 128 \
    "free:exec ./darknet classifier train $work/bench.data $ours 2>/dev/null" \
    "  policy=steps instead of texp++" 128 "exec $step cfg/preresnet32-steps.cfg" \
    "  batch 32" 32 "exec $step $work/32.cfg" \
    "  batch 512" 512 "exec $step $work/512.cfg" \
    "  one thread" 128 "OMP_NUM_THREADS=1 exec $step $ours" \
    "  validation" 128 "exec $step $ours evaluate"
[ -z "$bf16" ] || set -- "$@" "  precision=bf16" 128 "exec $step $work/bf16.cfg"
[ -z "$has_torch" ] || set -- "$@" "PyTorch NCHW" 128 "$(python $ours)" \
    "PyTorch channels_last" 128 "$(python --channels-last $ours)" \
    "PyTorch channels_last, malloc tuned" 128 "$malloc; $(python --channels-last $ours)"
$bench/alternate "$rounds" "PyTorch NCHW" "$@" | tee "$work/table"
[ -n "$has_torch" ] || echo "(no PyTorch: apt-get install python3-torch, or TORCH=/path/to/python)"
echo

# 414 MFLOP an image: 69 million multiply-adds forward, the same for input and weight gradients. All but 3 of the 69 are 3x3
# convolutions of stride 1, in which the Winograd algorithm multiplies 16 times where the sum does 36 times: 194 MFLOP are left.
awk -F'|' -v machine="$machine" '/backend=auto/ { split(machine, m, /[ ,]+/)
    printf "backend=auto: convolutions as sums %.0f GFLOP/s, %.0f %% of the peak; ", $4 * .414, 100 * $4 * .414 / m[3]
    printf "the products that Winograd left of them %.0f, %.0f %%\n\n", $4 * .194, 100 * $4 * .194 / m[3] }' "$work/table"
echo "What a step consists of, backend=auto:"
"$step" $ours split
[ -z "$bf16" ] || { echo "precision=bf16:" && "$step" "$work/bf16.cfg" split; }
echo

echo "Small networks of test_gradients, forward and backward:"
"$programs/test_gradients" --time
echo
echo "Loader, one core:"
"$programs/bench/loader"
echo

# --- other networks ----------------------------------------------------------------------------------------------------------

[ -n "$has_torch" ] || exit 0
for cfg in $cfgs; do
    echo "$cfg, batch 8, $(sed -n 's/^height=//p' "$work/$cfg.cfg") pixels:"
    $bench/alternate 5 "PyTorch NCHW" "backend=auto" 8 "exec $step $work/$cfg.cfg" \
        "PyTorch NCHW" 8 "$(python "$work/$cfg.cfg")" \
        "PyTorch channels_last" 8 "$(python --channels-last "$work/$cfg.cfg")" | tail -n +3
done
