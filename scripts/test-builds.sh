#!/bin/sh
# Prints the builds that tests need, one a line, as "BUILD GOAL" for compile.mk.
#
#   scripts/test-builds.sh tests/test_X.c tests/test_Y.sh ...
#
# A C test says what it links with in a line "/* links: ... */": math, float, thread, double, plain, stock; without one, float.
# A shell test uses ./darknet, and may ask for the programs of other builds by a line "# needs: stock plain".
set -eu

asked() { # tests
    for test; do
        case $test in
            *.c) sed -n 's,^/\* links:\(.*\)\*/.*,\1,p' "$test" | grep . || echo float ;;
        esac
    done | tr -cs '[:lower:]' '\n' | sort -u
}

words=$(asked "$@")
for test; do
    case $test in *.sh) echo "host program" && break ;; esac
done
for build in math float thread double plain stock; do
    if echo "$words" | grep -qx "$build"; then
        echo "$build tests" | sed 's/^float/host/'
    fi
done
for test; do
    case $test in *.sh) sed -n 's/^# needs: *//p' "$test" ;; esac
done | tr -s ' ' '\n' | sort -u | sed '/./s/$/ program/'
