#!/bin/sh
# Command lines of Darknet's own commands: what can't be meant is refused by name before anything else happens.
set -u
. tests/common.sh
root=$(pwd)
# As the rows of the table have them: NAME|NAMES.
sed -n 's/^    {"\([a-z0-9 ]*\)", "\([^"]*\)".*/\1|\2/p' src/tools/command_table.c >"$scratch/rows"
cd "$scratch" || exit 1

# refused NAME TEXT ARGUMENTS...: a failure that is no crash, nothing on stdout, and one line that begins with TEXT.
refused() {
    name=$1 text=$2
    shift 2
    "$darknet" "$@" >out.txt 2>err.txt
    status=$?
    why=
    [ $status -eq 1 ] || why="exit status $status"
    [ "$(wc -l <err.txt)" -eq 1 ] || why="$why $(wc -l <err.txt) lines"
    case $(cat err.txt) in
        "$text"*) ;;
        *) why="$why no '$text' in: $(cat err.txt)" ;;
    esac
    [ ! -s out.txt ] || why="$why stdout: $(head -n 1 out.txt)"
    result "$name" "$why"
}

# taken NAME ARGUMENTS...: the line is understood, and fails for a file that isn't there.
taken() {
    name=$1
    shift
    "$darknet" "$@" >out.txt 2>err.txt && why="exit status 0" || why=
    grep -q 'No such file' err.txt || why="$why $(cat err.txt)"
    result "$name" "$why"
}

# Each command, without its names and with one of them left out: the usage, and no crash.
while IFS='|' read -r command names; do
    first=${names%% *}
    case $first in
        '['*) continue ;;
    esac
    # words of $command on purpose
    # shellcheck disable=SC2086
    refused "$(echo "$command" | tr ' ' '_')_needs_its_arguments" "$first is missing; usage: $darknet $command $names" $command
done <rows
[ "$(wc -l <rows)" -gt 90 ] && why= || why="only $(wc -l <rows) rows of the table were found"
result all_commands_are_tried "$why"
# Darknet's programs and the table have the same commands.
grep -o 'strcmp(argv\[1\], "[a-z0-9]*")' "$root/build/darknet/examples/darknet.c" | cut -d'"' -f2 |
    while read -r command; do
        grep -qE "^${command}[ |]" rows || echo "$command"
    done >missing
for parent in classifier detector regressor segmenter go tag cifar yolo coco super lsd rnn; do
    sed 's,//.*,,; /\/\*/,/\*\//d' "$root/build/darknet/examples/$parent.c" |
        grep -o 'strcmp(argv\[2\], *"[a-z0-9]*")' | cut -d'"' -f2 | while read -r command; do
        grep -q "^$parent $command|" rows || echo "$parent $command"
    done
done >>missing
result the_table_has_all_commands "$(cat missing)"

for command in classifier detector regressor segmenter; do
    refused "$command:trian" "$command trian: no such command; did you mean train?" $command trian a.data a.cfg
    refused "$command:nonsense" "$command nonsense: no such command; there are train, " $command nonsense a.data a.cfg
    refused "$command:nothing" "$command: a command is missing behind it; there are train, " $command
    refused "$command:only_data" "CFG is missing; usage: $darknet $command train DATA CFG [WEIGHTS]" $command train a.data
    refused "$command:a_flag_misspelled" "-claer: unknown argument; did you mean -clear?; usage: " $command train a.data a.cfg -claer
    refused "$command:an_unknown_flag" "-nonsense: unknown argument; usage: " $command train a.data a.cfg -nonsense
    refused "$command:a_name_too_many" "c.weights: one argument too many; usage: " \
        $command train a.data a.cfg b.weights c.weights
    refused "$command:gpus_that_are_no_numbers" "-gpus 0,x: must be numbers with commas between them" \
        $command train a.data a.cfg -gpus 0,x
    refused "$command:gpus_with_a_comma_behind" "-gpus 0,: must be numbers" $command train a.data a.cfg -gpus 0,
    refused "$command:gpus_missing" "-gpus: missing LIST; usage: " $command train a.data a.cfg -gpus
    refused "$command:a_gpu_missing" "-i: missing number; usage: " $command train a.data a.cfg -i
    taken "$command:flags_of_the_forks_are_taken" $command train a.data a.cfg -dont_show -clear
done
refused a_letter_too_many "detectorr: no such command; did you mean detector?" detectorr train a.data a.cfg
refused the_plugs_own_misspelled "txep: no such command; did you mean texp?" txep check a.cfg
refused far_from_all "zebra: no such command; there are classifier, detector, " zebra
refused nothing_but_a_flag "usage: $darknet COMMAND" -nogpu
refused mpa_is_map "-mpa: unknown argument; did you mean -map?; usage: " detector train a.data a.cfg -mpa
taken map_is_taken detector train a.data a.cfg -map
refused a_threshold_beyond_one "-thresh 2: must be a number from 0 to 1; usage: " detector test a.data a.cfg b -thresh 2
refused a_threshold_of_letters "-thresh .x: must be a number from 0 to 1; usage: " detector test a.data a.cfg b -thresh .x
refused partial_of_no_number "x: must be a whole number; usage: " partial a.cfg a.weights b.weights x
refused partial_of_less_than_nothing "-3: unknown argument" partial a.cfg a.weights b.weights -3
refused partial_of_a_fraction "1.5: must be a whole number; usage: " partial a.cfg a.weights b.weights 1.5
refused layers_are_numbers "x: must be a whole number; usage: " classifier try a.data a.cfg a.weights a.png x

# What is printed can be pasted.
mkdir 'a b' && ln -s "$darknet" "a b/it's"
"./a b/it's" detector train >out.txt 2>err.txt
grep -qF "usage: './a b/it'\\''s' detector train DATA" err.txt && why= || why=$(cat err.txt)
result the_usage_is_quoted_for_the_shell "$why"
finish
