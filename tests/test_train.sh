#!/bin/sh
# `darknet classifier train` from outside: what it writes, repeats, survives and refuses, on a data set of 96 images.
set -u
. tests/common.sh
cd "$scratch" || exit 1
tiny_data

ours="affine=0 batchnorm_eps=1e-5 crop_pad=1 flip=1 mean=.4 std=.25 seed=7"
header=update,epoch,train_loss,rate,decay,test_loss,test_accuracy,images_per_second,seconds,base_rate

# words of $ours apart on purpose
# shellcheck disable=SC2086
{
    tiny_cfg policy=texp++ max_batches=30 $ours >texp.cfg
    tiny_cfg policy=constant max_batches=30 $ours >base.cfg
    tiny_cfg policy=texp++ max_batches=0 $ours >endless.cfg
    tiny_cfg policy=texp++ max_batches=30 $ours subdivisions=2 valid_every=2 >every.cfg
    tiny_cfg policy=constant max_batches=30 $ours | sed 's/^learning_rate=.*/learning_rate=1e30/' >nan.cfg
    tiny_cfg policy=texp max_batches=30 seed=7 >grey.cfg
    sed 's/^channels=.*/channels=3/' grey.cfg >stock-loader.cfg
    tiny_cfg policy=texp++ max_batches=30 $ours | grep -v ^seed >seedless.cfg
    tiny_cfg policy=texp++ max_batches=30 texp_layers=all $ours | sed '/^fixed/d; /^init_std/d' >all.cfg
    tiny_cfg policy=texp++ max_batches=30 norms=1 $ours >norms.cfg
}

train() { "$darknet" classifier train tiny.data "$@" >out.txt 2>err.txt; }

# --- files and log

train texp.cfg
status=$?
why=
[ $status -eq 0 ] || why="exit status $status: $(tail -n 1 err.txt)"
for kind in _1 _2 _3 _4 _5 _last _best _final ''; do
    [ -s backup/texp$kind.weights ] || why="$why no backup/texp$kind.weights"
done
result "training_writes_weights_of_each_epoch_and_last_best_final" "$why"

why=
[ "$(head -n 1 backup/texp.csv)" = "$header" ] || why="header $(head -n 1 backup/texp.csv)"
[ "$(wc -l <backup/texp.csv)" -eq 31 ] || why="$why $(wc -l <backup/texp.csv) lines for 30 updates"
[ "$(awk -F, 'NR > 1 && $7 != "" { printf "%s ", $1 }' backup/texp.csv)" = "6 12 18 24 30 " ] ||
    why="$why validated at $(awk -F, 'NR > 1 && $7 != "" { printf "%s ", $1 }' backup/texp.csv)"
result "the_log_has_a_row_an_update_and_tests_at_each_epochs_end" "$why"

why=$("$darknet" texp schedule texp.cfg -csv | tail -n +2 | cut -d, -f6 >rates
    tail -n +2 backup/texp.csv | cut -d, -f4 >logged
    paste rates logged | awk '{ if ($1 / $2 > 1 + 1e-8 || $1 / $2 < 1 - 1e-8) print "update " NR ": " $0 }')
result "the_logged_rates_are_those_of_texp_schedule" "$why"

why=$("$darknet" texp schedule texp.cfg -csv | tail -n +2 | cut -d, -f2 >rates
    tail -n +2 backup/texp.csv | cut -d, -f10 >logged
    paste rates logged | awk 'NF != 2 || $1 / $2 > 1 + 1e-8 || $1 / $2 < 1 - 1e-8 { print "update " NR ": " $0 }')
result "the_logged_base_rates_are_those_of_texp_schedule" "$why"

why=
grep -q '^30, 5.000: .* rate, .* seconds, 480 images$' out.txt || why="no classic line for update 30"
grep -q '0.000000 rate' out.txt && why="a rate printed with %f"
result "the_classic_line_stays_when_stdout_is_no_terminal" "$why"

accuracy=$(sed -n 's/^test accuracy \([0-9.]*\) %.*(best.*/\1/p' out.txt)
"$darknet" classifier valid tiny.data texp.cfg backup/texp_final.weights >valid.txt 2>/dev/null
why=
[ -n "$accuracy" ] || why="training printed no accuracy"
grep -q "^test accuracy $accuracy %" valid.txt || why="$why training $accuracy, valid $(cat valid.txt)"
awk -v a="$accuracy" 'BEGIN { exit !(a >= 90) }' || why="$why it learned only $accuracy %"
result "classifier_valid_prints_the_accuracy_of_training" "$why"

train every.cfg
why=
[ "$(awk -F, 'NR > 1 && $7 != "" { printf "%s ", $1 }' backup/every.csv)" = "12 24 30 " ] ||
    why="validated at $(awk -F, 'NR > 1 && $7 != "" { printf "%s ", $1 }' backup/every.csv)"
result "valid_every_is_in_epochs_and_the_end_is_always_validated" "$why"

# --- repeatable

train texp.cfg
cp backup/texp_final.weights first
train texp.cfg
why=
cmp -s first backup/texp_final.weights || why="two runs with seed=7 differ"
[ -s backup/texp.csv.old ] || why="$why the log of the run before was not kept"
result "a_seed_repeats_a_run_to_the_bit" "$why"

train stock-loader.cfg
cp backup/stock-loader_final.weights first
train stock-loader.cfg
why=
cmp -s first backup/stock-loader_final.weights || why="two runs with seed=7 differ"
result "a_seed_repeats_a_run_with_darknets_augmentation" "$why"

train seedless.cfg
cp backup/seedless_final.weights first
seed=$(sed -n 's/^seed=\([0-9]*\).*/\1/p' err.txt)
train seedless.cfg
why=
cmp -s first backup/seedless_final.weights && why="two runs without seed are the same"
sed "s/^policy/seed=$seed\npolicy/" seedless.cfg >seeded.cfg
train seeded.cfg
cmp -s first backup/seeded_final.weights || why="$why seed=$seed, as printed, gives another run"
result "the_printed_seed_repeats_a_run" "$why"

# --- stop and go on

# Starts what the arguments say and sends it SIGTERM after some updates; its exit status in $status.
stopped() {
    rm -f out.txt
    "$@" >out.txt 2>err.txt &
    child=$!
    n=0
    while ! grep -q '^20, ' out.txt 2>/dev/null && [ $n -lt 200 ]; do
        sleep .1
        n=$((n + 1))
    done
    kill -TERM $child
    wait $child
    status=$?
}

stopped "$darknet" classifier train tiny.data endless.cfg
why=
[ $status -eq 0 ] || why="exit status $status"
# Its header counts the images seen, 16 an update.
[ "$(od -An -j12 -N8 -td8 backup/endless_last.weights | tr -d ' ')" -eq $((16 * ($(wc -l <backup/endless.csv) - 1))) ] ||
    why="$why _last.weights is not that of the last update"
grep -q 'classifier train tiny.data endless.cfg backup/endless_last.weights' out.txt || why="$why no word how to go on"
result "sigterm_saves_and_exits_with_0" "$why"

rows=$(tail -n +2 backup/endless.csv | wc -l)
sed "s/^max_batches=.*/max_batches=$((rows + 5))/" endless.cfg >bounded.cfg
mv bounded.cfg endless.cfg
echo "$((rows + 1)),0.1,9" >>backup/endless.csv # what a killed run may leave
train endless.cfg backup/endless_last.weights
why=
[ "$(tail -n +2 backup/endless.csv | wc -l)" -eq $((rows + 5)) ] || why="$(wc -l <backup/endless.csv) lines"
[ "$(cut -d, -f1 backup/endless.csv | tail -n +2 | sort -n | uniq -d | wc -l)" -eq 0 ] || why="$why an update twice"
result "a_resumed_run_appends_to_its_log" "$why"

# The line is for a shell as it is, whatever the folders are called.
folder="it's \$HOME, 2 * \"3\""
mkdir "$folder"
cp "$darknet" "$folder/dark net"
cp tiny.data "$folder/data set.data"
sed '/^max_batches/d; s/^\[net\]/&\nmax_batches=100000/' endless.cfg >"$folder/that's mine.cfg"
stopped "$folder/dark net" classifier train "$folder/data set.data" "$folder/that's mine.cfg"
line=$(grep "classifier train" out.txt)
rows=$(($(wc -l <"backup/that's mine.csv") - 1))
sed -i "s/^max_batches=.*/max_batches=$((rows + 5))/" "$folder/that's mine.cfg"
why=
[ $status -eq 0 ] || why="exit status $status"
sh -c "$line" >out.txt 2>err.txt || why="$why the line $line: $(tail -n 1 err.txt)"
[ "$(tail -n 1 "backup/that's mine.csv" | cut -d, -f1)" = $((rows + 5)) ] || why="$why it did not go on: $line"
result "the_line_that_says_how_to_go_on_is_a_command_of_the_shell" "$why"

# --- one rate for all, and the log of norms

train all.cfg
why=
grep -q 'layer [0-9]* \[softmax\].*degree 1: fixed=1 in layer' err.txt || why="no obstacle named: $(tail -n 3 err.txt)"
grep -q 'not scale invariant' err.txt || why="$why no warning"
[ "$(tail -n 1 backup/all.csv | cut -d, -f1)" = 30 ] || why="$why it did not train to its end"
result "one_rate_for_all_trains_after_a_warning_where_not_all_is_invariant" "$why"

train norms.cfg
why=
[ "$(head -n 1 backup/norms_norms.csv)" = update,layers,norm,predicted_norm,angle,predicted_angle,rate_over_norm2 ] ||
    why="header $(head -n 1 backup/norms_norms.csv)"
[ "$(wc -l <backup/norms_norms.csv)" -eq 61 ] || why="$why $(wc -l <backup/norms_norms.csv) lines for 30 updates of 2 groups"
# The gradient is orthogonal to the weights but for float's rounding and the epsilon, 1e-5 beside variances above .01.
why=$why$(awk -F, 'NR > 1 { off = $4 / $3 - 1; if (off > 1e-4 || off < -1e-4) print "update " $1 ": " $3 " is not " $4 }' \
    backup/norms_norms.csv | head -n 1)
result "the_log_of_norms_has_a_row_for_each_update_and_group" "$why"

train nan.cfg
status=$?
why=
[ $status -ne 0 ] || why="exit status 0"
grep -q '^update [0-9]*: .* at rate 1e+30; the last good weights are in ' err.txt || why="$why $(tail -n 1 err.txt)"
result "a_loss_that_is_no_number_stops_with_update_and_rate" "$why"

# --- the flags

refused() { # name, text, arguments of darknet
    name=$1 text=$2
    shift 2
    if "$darknet" "$@" >out.txt 2>err.txt; then
        not_ok "$name" "exit status 0"
    elif ! grep -qF -- "$text" err.txt; then
        not_ok "$name" "no '$text' in $(tail -n 2 err.txt)"
    else
        ok "$name"
    fi
}

refused "an_unknown_flag_is_refused" "-cler: unknown argument; did you mean -clear?" classifier train tiny.data texp.cfg -cler
refused "a_missing_cfg_is_refused" "usage:" classifier train tiny.data
refused "an_unknown_command_is_refused" "trian" classifier trian tiny.data texp.cfg
refused "darknets_loader_refuses_one_channel" "grey.cfg: channels=1" classifier train tiny.data grey.cfg
refused "a_missing_data_file_is_named" "nothere.data" classifier train nothere.data texp.cfg
refused "a_missing_weights_file_is_named" "nothere.weights" classifier train tiny.data texp.cfg nothere.weights
head -c 900 backup/texp_final.weights >cut.weights
refused "cut_weights_are_refused" "cut.weights: cut off inside layer" classifier train tiny.data texp.cfg cut.weights
sed 's/^train=.*/train=nothere.list/' tiny.data >bad.data
refused "a_missing_list_is_named" "nothere.list" classifier train bad.data texp.cfg
sed 's/^classes=.*/classes=3/' tiny.data >bad.data
printf 'lower\nupper\nmiddle\n' >labels3.list
sed -i 's/^labels=.*/labels=labels3.list/' bad.data
refused "classes_unlike_the_networks_outputs_are_refused" "has 2 outputs" classifier train bad.data texp.cfg
sed 's/^backup=.*/backup=tiny.data/' tiny.data >bad.data
refused "a_backup_folder_that_cant_be_written_is_named" "tiny.data: can't" classifier train bad.data texp.cfg
finish
