#!/bin/sh
# Changes the source at one place at a time, as tests/mutants.list says, and runs the tests that should fail then.
#
#   [MUTANTS=FILE] [FROM=N] tests/mutants.sh [-n] [WORD]
#
# With WORD only the entries that contain it, in their claim, file or tests; with FROM only those from the N-th of these
# on, to go on where a run was stopped; -n looks alone whether they fit the source. MUTANTS is another list. Works in a
# copy of the tree, build/mutants/tree; prints a line for each mutant and then how many were killed and survived. Fails
# where one survives or does not compile, where an entry does not fit exactly one place of its file, or where a test fails
# without any change.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C
unset MAKEFLAGS MFLAGS MAKELEVEL SANITIZE
export TEST_TIMEOUT="${TEST_TIMEOUT:-600}" TO_FIRST_FAILURE=1
only_check=0
[ "${1:-}" != -n ] || { only_check=1 && shift; }
only=${1:-}
list=${MUTANTS:-tests/mutants.list}
from=${FROM:-1}
work=$PWD/build/mutants
# Where another may be at work, it is not disturbed.
[ $only_check = 0 ] || { work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT; }
tree=$work/tree

# Each entry becomes a folder of files: name, file, tests, old, new.
split_list() {
    rm -rf "$work/entries" && mkdir -p "$work/entries" || exit 1
    awk -v only="$only" -v from="$from" -v folder="$work/entries" -v list="$list" '
        BEGIN { RS = ""; FS = "\n" }
        /^#/ || (only != "" && !index($0, only)) { next }
        NF != 4 || $2 !~ /^[^ :]+: [a-z_ ]+$/ || $3 !~ /^- ./ || $4 !~ /^\+/ {
            print list ": no entry of four lines (claim, FILE: TESTS, - old, + new):" >"/dev/stderr"
            print $0 >"/dev/stderr"
            exit 1
        }
        {
            if (++n < from) next
            at = sprintf("%s/%03d", folder, n)
            split($2, words, ": ")
            print $1 >(at ".name"); close(at ".name")
            print words[1] >(at ".file"); close(at ".file")
            print words[2] >(at ".tests"); close(at ".tests")
            print substr($3, 3) >(at ".old"); close(at ".old")
            print substr($4, 3) >(at ".new"); close(at ".new")
        }' "$list" || exit 1
    set -- "$work"/entries/*.name
    [ -e "$1" ] || { echo "$list: no entry from the $from. on contains '$only'" >&2; exit 1; }
    echo "$# mutants"
}

# Prints file $1 with the text in $2, which must be there exactly once, replaced by the text in $3.
mutated() { # file, old, new
    awk -v old_file="$2" -v new_file="$3" '
        BEGIN { getline old <old_file; getline new <new_file }
        {
            at = index($0, old)
            if (at && (n += 1 + (index(substr($0, at + 1), old) > 0)) == 1)
                $0 = substr($0, 1, at - 1) new substr($0, at + length(old))
            print
        }
        END { exit n != 1 }' "$1"
}

# Every entry must fit before any is run: hours later would be late.
check_entries() {
    misfits=0
    for name in "$work"/entries/*.name; do
        entry=${name%.name}
        file=$(cat "$entry.file") tests=$(cat "$entry.tests")
        if ! mutated "$file" "$entry.old" "$entry.new" >"$entry.mutated" 2>/dev/null || cmp -s "$file" "$entry.mutated"; then
            echo "$file: '$(cat "$entry.old")' is not there exactly once; adapt the entry: $(cat "$name")" >&2
            misfits=$((misfits + 1))
        fi
        for test in $tests; do
            for found in tests/test_"$test".*; do [ ! -e "$found" ] || continue 2; done
            echo "$list: no test $test: $(cat "$name")" >&2
            misfits=$((misfits + 1))
        done
    done
    [ $misfits -eq 0 ] || exit 1
}

# What git would not fetch again, with its times, so that nothing is compiled that was compiled already.
copy_tree() {
    mkdir -p "$tree" || exit 1
    tar -cf - --exclude=./.git --exclude=./build/mutants --exclude=./build/tests --exclude=./data --exclude=./backup . |
        (cd "$tree" && tar -xf -) || exit 1
}

# The files of tests named $@, of which a C test and a shell test may share a name.
files_of() {
    for test; do
        for file in tests/test_"$test".c tests/test_"$test".sh; do
            [ ! -e "$file" ] || echo "$file"
        done
    done | tr '\n' ' '
}

compile() { # files of tests
    (cd "$tree" && make test-programs TESTS="$1") >"$work/log" 2>&1
}

# One after another, up to the first that fails.
passes() { # files of tests
    for test_file in $1; do
        (cd "$tree" && tests/run.sh "$test_file") >"$work/log" 2>&1 || return
    done
}

# A test that fails anyway would kill every mutant.
check_tests() {
    # words on purpose
    # shellcheck disable=SC2046
    tests=$(files_of $(cat "$work"/entries/*.tests | tr ' ' '\n' | sort -u))
    if ! compile "$tests" || ! passes "$tests"; then
        tail -n 20 "$work/log" >&2
        echo "without any change these tests don't pass: $tests" >&2
        exit 1
    fi
}

run_entry() { # the entry's files without their ending
    file=$(cat "$1.file")
    # shellcheck disable=SC2046 # words
    tests=$(files_of $(cat "$1.tests"))
    started=$(date +%s)
    # A change that stayed would kill all that follow.
    diff -rq src "$tree/src" >&2 || exit 1
    cp "$1.mutated" "$tree/$file"
    if ! compile "$tests"; then
        word='does not compile'
        tail -n 5 "$work/log" | sed 's/^/    | /'
    elif passes "$tests"; then
        word=SURVIVED
    else
        word=killed
        killed=$((killed + 1))
    fi
    # A new time, so that it is compiled again.
    cp "$file" "$tree/$file"
    printf '%s %-8s %4d s  %s: %s (%s)\n' "${1##*/}" "$word" $(($(date +%s) - started)) "$file" "$(cat "$1.name")" \
        "$(cat "$1.tests")"
}

split_list
check_entries
[ $only_check = 0 ] || exit 0
copy_tree
check_tests
killed=0 all=0
for name in "$work"/entries/*.name; do
    all=$((all + 1))
    run_entry "${name%.name}"
done
echo
echo "$killed killed, $((all - killed)) survived"
rm -rf "$tree"
[ $killed -eq $all ]
