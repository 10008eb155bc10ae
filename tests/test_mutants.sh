#!/bin/sh
# tests/mutants.list fits the source, and what does not fit is refused before hours of work.
set -u
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
failed=0

result() { # name, empty or why it failed
    if [ -z "$2" ]; then
        echo "ok $1"
    else
        echo "not ok $1: $(echo "$2" | tr '\n' ' ')"
        failed=1
    fi
}

why=$(tests/mutants.sh -n 2>&1) && why=
result each_mutant_changes_one_place_of_the_source_and_names_its_tests "$why"

# refused NAME TEXT ENTRY: a list of that entry alone is refused with that text.
refused() {
    printf '%s\n' "$3" >"$scratch/list"
    if MUTANTS=$scratch/list tests/mutants.sh -n >"$scratch/out" 2>&1; then
        result "$1" "exit status 0"
    else
        grep -qF "$2" "$scratch/out" && why='' || why=$(cat "$scratch/out")
        result "$1" "$why"
    fi
}

file=src/base/number.c
refused text_that_is_nowhere_is_refused "$file: 'no such text' is not there exactly once" "a claim
$file: schedule
- no such text
+ other"
refused text_in_two_lines_is_refused "$file: 'return 1;' is not there exactly once" "a claim
$file: schedule
- return 1;
+ return 2;"
refused text_twice_in_a_line_is_refused "$file: 'row[j - 1]' is not there exactly once" "a claim
$file: schedule
- row[j - 1]
+ row[j]"
refused a_change_that_changes_nothing_is_refused "$file: 'errno = 0;' is not there exactly once" "a claim
$file: schedule
- errno = 0;
+ errno = 0;"
refused a_missing_file_is_refused "src/none.c: 'x' is not there exactly once" "a claim
src/none.c: schedule
- x
+ y"
refused a_test_that_is_not_there_is_refused "no test nothere" "a claim
$file: nothere
- errno = 0;
+ errno = 1;"
refused an_entry_of_three_lines_is_refused "no entry of four lines" "a claim
$file: schedule
- errno = 0;"
exit $failed
