#!/bin/sh
# On a machine with a GPU, its driver, nvcc, Python with its headers, make and gcc: builds the library and the plug-in
# for that GPU, measures beside the PyTorch there is, and runs the GPU's tests; in under nine minutes, of which the
# tests get what is left. What the build needs beside those (SLEEF) may lie in a folder DEPS with usr/include and
# usr/lib below it, as Debian's packages unpack.
#
#   [DEPS=folder] tests/bench/gpu.sh           on a GPU
#   tests/bench/gpu.sh --stand-in              the same steps without one, small, over tests/cuda_host
set -u
cd "$(dirname "$0")/../.." || exit 1

LIMIT=530 # seconds
began=$(date +%s)
PYTHON=${PYTHON:-$(command -v python3)}
jobs=$(nproc)
failed=0

left() { echo $((LIMIT - $(date +%s) + began)); }

# step WHAT COMMAND…: runs it and says when it ended; its failure is remembered
step() {
    what=$1
    shift
    echo "--- $what"
    timeout "$(left)" "$@" || { failed=1; echo "--- $what FAILED ($?)"; }
    echo "--- $what: $(($(date +%s) - began)) s since the start"
}

# folders that the compiler, the linker and the loader look through besides their own
use_deps() {
    for folder in "$1"/usr/include "$1"/usr/include/*-linux-gnu; do
        [ -d "$folder" ] && CPATH=$folder${CPATH:+:$CPATH}
    done
    for folder in "$1"/usr/lib "$1"/usr/lib/*-linux-gnu; do
        [ -d "$folder" ] && LIBRARY_PATH=$folder${LIBRARY_PATH:+:$LIBRARY_PATH} &&
            LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    done
    export CPATH LIBRARY_PATH LD_LIBRARY_PATH
}

[ -n "${DEPS:-}" ] && use_deps "$DEPS"
# Python's own headers, also where pkg-config does not know it
CPATH=$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("include"))')${CPATH:+:$CPATH}
export CPATH

if [ "${1:-}" = --stand-in ]; then
    jobs=2
    build="tensor site cuda-host"
    check=
    measure="--small --seconds 0.02"
    export MESALE_CUDA="$PWD/build/cuda_host/libmesale_cuda.so" MESALE_CUBLAS="$PWD/build/cuda_host/libcublas.so.13"
else
    arch=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -1 | tr -d .)
    [ -n "$arch" ] || { echo "nvidia-smi names no GPU"; exit 1; }
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
    build="tensor site cuda CUDA_ARCHS=$arch"
    check="check-cuda CUDA_ARCHS=$arch"
    measure=
fi

# shellcheck disable=SC2086 # words
step build make -s -j"$jobs" $build PYTHON="$PYTHON"
[ "$failed" = 0 ] || exit 1
# shellcheck disable=SC2086
step measure "$PYTHON" tests/bench/gpu.py --site build/site $measure
# shellcheck disable=SC2086
[ -z "$check" ] || step check make -s -j"$jobs" $check PYTHON="$PYTHON"
exit "$failed"
