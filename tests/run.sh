#!/bin/sh
# Runs tests and counts them; the Makefile has compiled them.
#
#   tests/run.sh tests/test_X.c tests/test_Y.sh ...
#
# A C test is a cmocka program, build/*/tests/test_X, one for each build that it links with. Where it says
# "links: stock+plain" each of its tests shows a defect of Darknet: it must pass on the patched build and fail on the
# stock one ("both" beside it: pass on both).
# A shell test prints "ok NAME", "not ok NAME: why" or "skip NAME: why" for each of its claims and runs here with
#   DARKNET_BIN=./darknet   DARKNET_STOCK=build/stock/darknet   DARKNET_PLAIN=build/plain/darknet
# and, where there is a tests/X_main.c for test_X.sh, with build/*/tests/X_main of the builds that its links line names.
# TEST_TIMEOUT is the number of seconds after which a program is stopped; a shell test that takes longer says so in a line
# "# timeout: SECONDS". The last line is the count.
# TO_FIRST_FAILURE=1 ends a program that says that one of its tests failed.
# SANITIZE=1: the same with the builds of that name. Whatever a sanitizer finds fails, wherever it is found.
set -u
cd "$(dirname "$0")/.." || exit 1

export LC_ALL=C
suffix='' darknet=./darknet limit=${TEST_TIMEOUT:-900}
host=$(env -u MAKEFLAGS -u MAKELEVEL make -s -f scripts/compile.mk where)
if [ "${SANITIZE:-0}" = 1 ]; then
    suffix=-sanitize darknet=$host/darknet limit=${TEST_TIMEOUT:-5400}
fi
export DARKNET_BIN="$darknet" DARKNET_STOCK="build/stock$suffix/darknet" DARKNET_PLAIN="build/plain$suffix/darknet"
# Threads that spin at their barriers lose most of a machine that does something else besides.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"
# Charts are for the test that is about them.
export GNUPLOT=
# Nothing is written outside the tree.
export TMPDIR="$PWD/build/tests/tmp"
mkdir -p "$TMPDIR"
# A test that calls make is not part of ours.
unset MAKEFLAGS MFLAGS MAKELEVEL
logs=build/tests
mkdir -p "$logs"
# A finding goes to a file, past any test that expects a failure and hides what was printed. Not leaks: Darknet frees
# neither its option lists nor its networks before it ends, and whoever exits in the middle frees nothing.
findings=$PWD/$logs/finding
rm -f "$findings".*
export ASAN_OPTIONS="detect_leaks=0:log_path=$findings:exitcode=99"
export TSAN_OPTIONS="halt_on_error=1:log_path=$findings:exitcode=99"
export UBSAN_OPTIONS="print_stacktrace=1:log_path=$findings:exitcode=99"
passed=0 failed=0 skipped=0

# Reads a log and prints "passed failed skipped", of cmocka's lines or of ok and not ok. A test that began and did not
# end has failed.
# shellcheck disable=SC2016 # awk's dollars
count='
/\[ RUN      \] / { runs++; name = $NF }
/\[       OK \] / { oks++ }
/\[  SKIPPED \] / && $NF == name { skips++; name = "" }
/^ok / { runs++; oks++ }
/^not ok / { runs++ }
/^skip / { runs++; skips++ }
END { print oks + 0, runs - oks - skips, skips + 0 }
'

found() { find "$logs" -name 'finding.*' 2>/dev/null; }

show_findings() {
    for file in $(found); do
        sed 's/^/    | /' "$file" | head -n 40
        mv "$file" "$logs/last-${file##*/}"
    done
}

# Runs program $2 and reports it as $1; $3: must-fail where a failure is what it has to show.
run() {
    log=$logs/$(echo "$1" | tr ' /' '__').log
    from=$(date +%s%N)
    interpreter=
    [ -x "$2" ] || case $2 in *.sh) interpreter="sh" ;; esac
    longer=$(sed -n 's/^# timeout: *\([0-9]*\)$/\1/p' "$2" 2>/dev/null | head -n 1)
    if [ "${TO_FIRST_FAILURE:-0}" = 1 ]; then
        # Whoever prints more after awk has gone is stopped by that.
        {
            timeout "${longer:-$limit}" $interpreter "$2" 2>&1 </dev/null
            echo $? >"$log.status"
        } | awk '{ print; fflush() } /^not ok |^\[  FAILED  \]/ { exit }' >"$log"
        status=$(cat "$log.status")
    else
        timeout "${longer:-$limit}" $interpreter "$2" >"$log" 2>&1 </dev/null
        status=$?
    fi
    took=$(date +%s%N)
    took=$(((took - from) / 100000000))
    # Words on purpose.
    # shellcheck disable=SC2046
    set -- "$1" "$2" "$3" $(awk "$count" "$log")
    ok=$4 bad=$5 skip=$6
    note=
    if [ "$3" = must-fail ]; then
        # What passes there shows no defect. A crash shows one; 124 to 127 mean that the program was stopped by the
        # timeout or could not be run.
        case $status in
            0 | 12[4-7]) ok=0 bad=$(($4 + $5 > 0 ? $4 + $5 : 1)) ;;
            *) ok=$5 bad=$4 note=" (that is, they fail there)" ;;
        esac
        [ "$bad" -eq 0 ] || note=" (that is, they do not fail there)"
        [ $((ok + bad)) -gt 0 ] || ok=1
    elif [ -n "$(found)" ]; then
        bad=$((bad + 1)) note=", a sanitizer found something"
    elif [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1 note=", exit status $status"
    elif [ $((ok + bad + skip)) -eq 0 ]; then
        bad=1 note=", nothing was tested"
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    [ "$bad" -eq 0 ] && word=ok || word=FAILED
    printf '%-6s %5d.%d s  %s: %d passed' "$word" $((took / 10)) $((took % 10)) "$1" "$ok"
    [ "$bad" -eq 0 ] || printf ', %d failed' "$bad"
    [ "$skip" -eq 0 ] || printf ', %d skipped' "$skip"
    echo "$note"
    [ "$3" = must-fail ] || grep -E '^(skip|note) ' "$log" | sed 's/^/                /'
    show_findings
    [ "$bad" -eq 0 ] || { tail -n 60 "$log" | sed 's/^/    | /' && echo "    (all of it: $log)"; }
}

if [ $# -eq 0 ]; then
    echo "No such test. There are:" >&2
    (cd tests && ls test_* long_* 2>/dev/null) | sed 's/^test_//; s/\.[a-z]*$//' | sort -u | sed 's/^/    /' >&2
    exit 1
fi

for test; do
    name=$(basename "$test")
    name=${name%.*}
    case $test in
        *.sh) run "${name#test_}" "$test" "" ;;
        *.c)
            links=$(sed -n 's,^/\* links:\(.*\)\*/.*,\1,p' "$test" | tr -cs '[:lower:]' ' ')
            for link in ${links:-float}; do
                case $link in
                    float) run "${name#test_}" "$host/tests/$name" "" ;;
                    stock) case " $links " in
                        *" both "*) run "${name#test_} on stock Darknet" "build/stock$suffix/tests/$name" "" ;;
                        *) run "${name#test_} on stock Darknet" "build/stock$suffix/tests/$name" must-fail ;;
                    esac ;;
                    thread) [ "$suffix" ] || OMP_NUM_THREADS=1 run "${name#test_} under ThreadSanitizer" "build/thread/tests/$name" "" ;;
                    math) run "${name#test_}" "build/math$suffix/tests/$name" "" ;;
                    double | plain) run "${name#test_} ($link)" "build/$link$suffix/tests/$name" "" ;;
                esac
            done
            ;;
    esac
done

echo
if [ "$skipped" -eq 0 ]; then
    echo "$passed passed, $failed failed"
else
    echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
