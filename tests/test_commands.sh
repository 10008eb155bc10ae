#!/bin/sh
# The command lines of `darknet texp ...`: what each subcommand takes, where it takes it, and what it says to all else.
set -u
. tests/common.sh
cd "$scratch" || exit 1

tiny_cfg policy=texp++ max_batches=300 >a.cfg
tiny_idx 4 1 a.images a.labels
printf 'lower\nupper\n' >a.names

# refused NAME TEXT ARGUMENTS...: exit status 2, nothing on stdout, and one line that begins with TEXT.
refused() {
    name=$1 text=$2
    shift 2
    "$darknet" texp "$@" >out.txt 2>err.txt
    status=$?
    why=
    [ $status -eq 2 ] || why="exit status $status"
    [ "$(wc -l <err.txt)" -eq 1 ] || why="$why $(wc -l <err.txt) lines"
    case $(cat err.txt) in
        "$text"*) ;;
        *) why="$why no '$text' in: $(cat err.txt)" ;;
    esac
    [ ! -s out.txt ] || why="$why stdout: $(head -n 1 out.txt)"
    result "$name" "$why"
}

schedule='usage: darknet texp schedule CFG... [-from K] [-to K] [-every N] [-csv] [-plot FILE]'
plot='usage: darknet texp plot CSV... [-o FILE] [-x COLUMN]'
# shellcheck disable=SC2034 # eval's
check='usage: darknet texp check CFG [-csv] [-probe]'
verify='usage: darknet texp verify CFG [-data FILE] [-updates N] [-resync] [-batch N] [-every N] [-csv]'
idx='usage: darknet texp images idx IMAGES LABELS NAMES OUT [-pad N]'
cifar10='usage: darknet texp images cifar10 BATCH... NAMES OUT'

for command in schedule check verify; do
    eval "usage=\$$command"
    [ $command = schedule ] && word=CFG... || word=CFG
    refused "$command:no_cfg" "$word is missing; $usage" $command
    refused "$command:no_cfg_behind_a_flag" "$word is missing; $usage" $command -csv
    [ $command = schedule ] ||
        refused "$command:two_cfgs" "b.cfg: one argument too many; $usage" $command a.cfg -csv b.cfg
    refused "$command:an_unknown_flag" "-cvs: unknown argument; did you mean -csv?; $usage" $command a.cfg -cvs
    refused "$command:a_flag_of_another_command" "-pad: unknown argument; $usage" $command -pad 3 a.cfg
    refused "$command:a_flag_given_twice" "-csv: given twice; $usage" $command -csv a.cfg -csv
done
refused plot:no_csv "CSV... is missing; $plot" plot
refused plot:no_csv_behind_a_flag "CSV... is missing; $plot" plot -x update
refused plot:an_unknown_flag "-y: unknown argument; $plot" plot a.csv -y update
refused images_idx:a_name_missing "OUT is missing; $idx" images idx a.images a.labels a.names
refused images_idx:all_names_missing "IMAGES is missing; $idx" images idx
refused images_idx:a_name_too_many "2: one argument too many; $idx" images idx a.images a.labels a.names out 2
refused images_cifar10:no_batch "OUT is missing; $cifar10" images cifar10 a.names out
refused images_cifar10:no_flags "-pad: unknown argument; $cifar10" images cifar10 batch a.names out -pad 2

# number COMMAND USAGE FLAG LEAST MOST ARGUMENTS...: what is no whole number in that range is refused.
number() {
    command=$1 usage=$2 flag=$3 least=$4 most=$5
    shift 5
    for value in $((least - 1)) $((most + 1)) -7 x 1x 1.5 "" " " 1e2 99999999999999999999; do
        # words of $command on purpose
        # shellcheck disable=SC2086
        refused "$command:${flag}_'$value'" "$flag $value: must be a whole number from $least to $most; $usage" \
            $command "$@" "$flag" "$value"
    done
    # shellcheck disable=SC2086
    refused "$command:${flag}_without_a_number" "$flag: missing number; $usage" $command "$@" "$flag"
}
for flag in -from -to -every; do number schedule "$schedule" $flag 1 2147483647 a.cfg; done
for flag in -updates -batch -every; do number verify "$verify" $flag 1 2147483647 a.cfg; done
number 'images idx' "$idx" -pad 0 1024 a.images a.labels a.names out
refused verify:no_data "-data: missing FILE; $verify" verify a.cfg -data
refused verify:a_flag_for_data "-data: missing FILE, as -csv is a flag; a file of that name is ./-csv; $verify" \
    verify a.cfg -data -csv

refused an_unknown_command 'texp chek: no such command; there are schedule, check, verify, plot, images idx, images cifar10' \
    chek a.cfg
refused the_beginning_of_a_command 'texp sched: no such command; there are schedule,' sched a.cfg
refused no_form_of_images 'texp images: no such command; there are images idx, images cifar10;' images
refused another_form_of_images 'texp images mnist: no such command; there are images idx, images cifar10;' \
    images mnist a.images
refused help_for_an_unknown_command 'texp chek: no such command; there are schedule,' help chek

# Ends of the ranges pass, and all flags take effect, wherever they stand.
same() { # name, status, arguments before a bar, arguments behind it
    name=$1 expected=$2
    shift 2
    first=
    while [ "$1" != / ]; do first="$first $1" && shift; done
    shift
    # words on purpose
    # shellcheck disable=SC2086
    "$darknet" texp $first >first.txt 2>err.txt
    status=$?
    "$darknet" texp "$@" >second.txt 2>>err.txt
    [ $? -eq $status ] && [ $status -eq "$expected" ] && [ -s first.txt ] && cmp -s first.txt second.txt && why= ||
        why="status $status, $(cat err.txt) $(diff first.txt second.txt | head -n 3)"
    result "$name" "$why"
}
same flags_stand_anywhere 0 schedule a.cfg -csv -from 2 -to 9 -every 3 / schedule -every 3 -from 2 a.cfg -to 9 -csv
same what_darknet_takes_out_is_no_argument 0 schedule a.cfg -csv / -nogpu schedule -i 0 a.cfg -csv
same a_screenful_is_the_default_of_a_table 0 schedule a.cfg / schedule a.cfg -from 1 -to 300 -every 15
same the_ends_of_ranges_pass 0 schedule a.cfg -csv -to 1 / schedule a.cfg -csv -from 1 -every 2147483647
same check_stands_anywhere 1 check a.cfg -csv / check -csv a.cfg
same verify_stands_anywhere 0 verify a.cfg -csv -updates 3 -batch 4 -every 1 -resync / \
    verify -resync -batch 4 -updates 3 a.cfg -csv
"$darknet" texp images idx a.images a.labels a.names none >out.txt 2>err.txt &&
    "$darknet" texp images idx -pad 0 a.images a.labels a.names zero >out.txt 2>>err.txt
result zero_is_a_padding "$(cat err.txt && diff -r none zero 2>&1)"
"$darknet" texp schedule a.cfg -from 301 >out.txt 2>err.txt && why="exit status 0" || why=
grep -q '^-from 301: lies behind the last update, max_batches=300$' err.txt || why="$why $(cat err.txt)"
result updates_behind_the_last_are_refused "$why"

# help prints the usage of one, or of all, to stdout.
why=
"$darknet" texp help >all.txt || why="exit status of help"
for flag in -h -help --help; do
    "$darknet" texp $flag | cmp -s - all.txt || why="$why $flag prints another help"
done
for command in schedule check verify plot 'images idx' 'images cifar10'; do
    grep -q "darknet texp $command " all.txt || why="$why no $command"
done
result help_names_all_commands "$why"
"$darknet" texp >out.txt 2>err.txt && why="exit status 0" || why=
[ ! -s out.txt ] && cmp -s all.txt err.txt || why="$why another text"
result no_command_fails_with_the_help "$why"
for command in schedule check verify; do
    eval "usage=\$$command"
    why=
    "$darknet" texp help $command >out.txt || why="exit status of help"
    [ "$(head -n 1 out.txt)" = "$usage" ] || why="$why $(head -n 1 out.txt)"
    "$darknet" texp $command a.cfg -nonsense -h | cmp -s - out.txt || why="$why -h prints another help"
    for flag in $(head -n 1 out.txt | grep -o ' \[-[a-z]*' | cut -c3-); do
        grep -q "^ *$flag  *[A-Z]* *[a-z0-9]" out.txt || why="$why nothing on $flag"
    done
    grep -q "  darknet texp" out.txt && why="$why more than one command"
    result "help_explains_the_flags_of_$command" "$why"
done
"$darknet" texp help images >out.txt
[ "$(grep -c 'darknet texp images' out.txt)" -eq 2 ] && [ "$(grep -c 'darknet texp' out.txt)" -eq 2 ] && why= || why=$(cat out.txt)
result help_shows_both_forms_of_images "$why"
finish
