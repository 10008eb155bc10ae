#!/bin/sh
# libdarknet.a and libdarknet.so in a program of somebody else's: linked as the README says, and loaded by name.
set -u
. tests/common.sh

if [ "${SANITIZE:-0}" = 1 ]; then
    echo "skip library: the libraries in the root are not compiled with a sanitizer"
    exit 0
fi
root=$(pwd)
# With the compiler that made them.
compiler=${CC:-gcc}
flags=$(cat "$(make -s -f scripts/compile.mk where)/flags")
libraries=${flags##* / }
case $flags in *" -fopenmp "*) libraries="$libraries -fopenmp" ;; esac
cd "$scratch" || exit 1
tiny_data
tiny_cfg policy=texp++ base_policy=constant flip=1 seed=1 max_batches=6 >tiny.cfg
"$darknet" classifier train tiny.data tiny.cfg >log 2>&1 || not_ok a_network_is_trained "$(tail -n 3 log)"

# Compiles tests/library/predict.c with options into the program $1, and leaves its predictions in $1.out.
predictions() { # program, library to load or -, options...
    program=$1
    load=$2
    shift 2
    # shellcheck disable=SC2086 # the compiler may be two words
    $compiler -std=gnu11 -Wall "$root/tests/library/predict.c" -I"$root/build/darknet/include" "$@" -o "$program" || return
    if ! "./$program" tiny.cfg backup/tiny_final.weights "$load" >"$program.out" 2>"$program.err"; then
        cat "$program.err"
        return 1
    fi
}

# shellcheck disable=SC2086 # the libraries are several words
why=$(predictions static - "$root/libdarknet.a" $libraries 2>&1) && why=
[ "$(grep -c 0x static.out 2>/dev/null)" = 2 ] || why="$why no two probabilities"
result the_static_library_predicts "$why"

why=$(LD_LIBRARY_PATH=$root predictions shared - -L"$root" -Wl,-rpath,"$root" -l:libdarknet.so 2>&1) && why=
why="$why$(cmp static.out shared.out 2>&1)"
result the_shared_library_predicts_the_same "$why"

why=$(predictions by_name "$root/libdarknet.so" -DBY_NAME -ldl 2>&1) && why=
why="$why$(cmp static.out by_name.out 2>&1)"
result the_shared_library_is_found_by_name "$why"
finish
