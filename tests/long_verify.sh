#!/bin/sh
# ./darknet texp verify on whole networks: ten minutes on two processors.
set -u
OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc)}
. tests/common.sh

root=$(pwd)
cd "$scratch" || exit 1

# Name of the claim, then arguments.
equivalent() {
    name=$1
    shift
    "$darknet" texp verify "$@" >out 2>err
    status=$?
    if [ "$status" -ne 0 ] || ! grep -q '^equivalent: ' out; then
        not_ok "$name" "exit status $status; $(tail -n 2 out) $(tail -n 1 err)"
        return
    fi
    ok "$name"
    tail -n 3 out | sed "s/^/note $name: /"
}

darknets_cfg yolov3-tiny 96 8 >yolov3-tiny.cfg
equivalent yolov3_tiny yolov3-tiny.cfg -updates 50
equivalent yolov3_tiny_step_by_step yolov3-tiny.cfg -updates 50 -resync
darknets_cfg darknet19 64 8 >darknet19.cfg
equivalent darknet19 darknet19.cfg -updates 30
equivalent darknet19_step_by_step darknet19.cfg -updates 30 -resync
equivalent preresnet32_over_200_updates "$root/cfg/preresnet32-texp++.cfg" -updates 200 -batch 8
equivalent preresnet32_over_200_updates_step_by_step "$root/cfg/preresnet32-texp++.cfg" -updates 200 -batch 8 -resync
finish
