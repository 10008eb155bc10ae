#!/bin/sh
# The GPU build compiles and links; it is not run, which takes a GPU. Skipped where the CUDA compiler is not there.
set -u

if [ "${SANITIZE:-0}" = 1 ]; then
    echo "skip gpu_build: it is not run, so a sanitizer has nothing to find"
    exit 0
fi
nvcc=${NVCC:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
if ! command -v "$nvcc" >/dev/null 2>&1; then
    echo "skip gpu_build: no nvcc here, so it was neither compiled nor run"
    exit 0
fi
release=$("$nvcc" --version | sed -n 's/.*release \([0-9.]*\).*/\1/p')
failed=0

links() { # name, options of make...
    name=$1
    shift
    if make -s -f scripts/compile.mk -j"$(env -u OMP_NUM_THREADS nproc)" "$@" link 2>&1; then
        echo "ok $name"
        echo "note $name: compiled and linked with CUDA $release, not run"
    else
        echo "not ok $name: does not compile with CUDA $release"
        failed=1
    fi
}

links gpu_build GPU=1 CUDNN=0
if echo '#include <cudnn.h>' | "$nvcc" -E -x cu - >/dev/null 2>&1; then
    # One architecture is enough to see cuDNN's interface.
    oldest=$("$nvcc" --list-gpu-arch 2>/dev/null | sort -t_ -k2n | head -n 1)
    links cudnn_build GPU=1 CUDNN=1 ARCH="-arch=${oldest:-compute_52}"
else
    echo "skip cudnn_build: no cudnn.h here"
fi
exit $failed
