#!/bin/sh
# Losses and weights that are not finite: what a run survives, and what stops it before a checkpoint is overwritten.
set -u
. tests/common.sh
cd "$scratch" || exit 1
tiny_data

train() { "$darknet" classifier train tiny.data "$@" >out.txt 2>err.txt; }

# stops CLAIM TEXT: the last run ended with a failure whose last line holds TEXT.
stops() {
    [ $status -eq 1 ] || why="$why exit status $status"
    tail -n 1 err.txt | grep -qE -- "$2" || why="$why no '$2' in: $(tail -n 1 err.txt)"
    result "$1" "$why"
}

# --- probabilities of 0

# A last layer of weights near 50 makes probabilities that round to 0 at first; training the layers below ends that.
ours="crop_pad=1 seed=7 max_batches=24"
# shellcheck disable=SC2086 # words
tiny_cfg policy=constant $ours | sed 's/^init_std=.*/init_std=300/; s/^learning_rate=.*/learning_rate=.01/' >sure.cfg
train sure.cfg
status=$?
why=
[ $status -eq 0 ] || why="exit status $status: $(tail -n 1 err.txt)"
sed -n 's/^\([0-9]*\), [0-9.]*: \([-a-z0-9.]*\), \([-a-z0-9.]*\) avg.*/\1 \2 \3/p' out.txt >losses
why=$why$(awk '$2 == "inf" { n++; if (before != "inf") print "infinity begins at update " $1 >"begins" }
    { before = $2 } END { if (!n || n == NR) print n " infinite losses show nothing" }' losses)
result "a_run_goes_on_behind_an_infinite_loss" "$why"

why=$(awk 'NR == 1 { average = $2 } $2 != "inf" { average = begun++ ? .9 * average + .1 * $2 : $2 }
    begun && ($3 < average - 1e-3 * average || $3 > average + 1e-3 * average) { print $0 ", not " average }' losses)
result "the_running_average_leaves_infinite_losses_out" "$why"

why=$(sed -n 's/^update \([0-9]*\): the loss is infinite, the weights are finite: the run goes on$/infinity begins at update \1/p' \
    err.txt | cmp - begins 2>&1)
result "infinite_losses_in_a_row_are_reported_once" "$why"

why=$(sed -n 's/^epoch .*: train loss \([-a-z0-9.]*\).*/\1/p' out.txt >means
    awk '{ split($0, word, " "); if (word[2] != "inf") { sum += word[2]; n++ } }
    NR % 6 == 0 { print n ? sum / n : "inf"; sum = n = 0 }' losses | paste -d' ' - means |
        awk '$1 != $2 && !($1 - $2 < 1e-4 * $1 + 1e-4 && $2 - $1 < 1e-4 * $1 + 1e-4) { print "epoch " NR ": " $2 ", not " $1 }
        END { if (NR != 4) print NR " epochs" }')
result "the_train_loss_of_an_epoch_is_the_mean_of_the_finite_ones" "$why"

# --- weights that break

# $1: the update whose rate breaks the weights, so that the next loss is no number.
breaking() {
    # shellcheck disable=SC2086 # words
    tiny_cfg policy=steps steps="$1" scales=1e38 $ours
}
# The same, beside gradients of 1e30 that make them infinite at once.
bursting() {
    # shellcheck disable=SC2086 # words
    tiny_cfg policy=texp++ base_policy=steps steps="$1" scales=1e50 $ours |
        sed 's/^init_std=.*/init_std=1e30/; s/^learning_rate=.*/learning_rate=1e-31/; s/^decay=.*/decay=0/'
}
# untouched NAME: _last is still that of the first epoch, as the run good saves it.
untouched() {
    cmp backup/good_last.weights "backup/$1_last.weights" 2>&1
    [ ! -e "backup/$1_2.weights" ] || echo "backup/$1_2.weights was written"
}

breaking 100 | sed 's/^max_batches=.*/max_batches=6/' >good.cfg
train good.cfg
breaking 8 >early.cfg
train early.cfg
status=$?
why=$(untouched early)
stops "a_loss_that_is_no_number_ends_the_run_at_once" \
    '^update 9: the loss is not a number at rate .*; the last good weights are in backup/early_last.weights; lower'

bursting 100 | sed 's/^max_batches=.*/max_batches=6/' >good.cfg
train good.cfg
bursting 10 >late.cfg
train late.cfg
status=$?
why=$(untouched late)
stops "weights_are_looked_at_behind_an_infinite_loss" \
    '^update 10: the weights are no longer finite at rate .*; the last good weights are in backup/late_last.weights; '

# Rolling statistics, of which no training loss knows: NaN as one of [batchnorm]'s means.
breaking 100 >stats.cfg
sed 's/^max_batches=.*/max_batches=1/' stats.cfg >begun.cfg
train begun.cfg
cp backup/begun_final.weights stats.weights
# Behind 20 bytes of header 8 biases and 8x9 weights, then [batchnorm]'s biases, scales, means.
printf '\000\000\300\177' | dd of=stats.weights bs=1 seek=$((20 + 4 * (8 + 72 + 16))) conv=notrunc 2>/dev/null
train stats.cfg stats.weights -clear
status=$?
why=
[ ! -e backup/stats_last.weights ] || why="_last was written"
stops "statistics_that_are_not_finite_are_never_saved" '^update 6: the weights are no longer finite'

# --- tests

# A network whose outputs are finite for black images alone, which are those it trains on.
mkdir -p black/lower black/upper
for class in lower upper; do
    { printf 'P6\n8 8\n255\n' && head -c 192 /dev/zero; } >black/$class/1.png
done
find "$(pwd)/black" -name '*.png' | sort >black.list
sed 's/^train=.*/train=black.list/' tiny.data >black.data
# shellcheck disable=SC2086 # words
tiny_cfg policy=constant $ours | sed 's/^init_std=.*/init_std=1e38/; s/^bias=0/bias=0\ninit_std=30/; /^\[batchnorm/d' >bright.cfg
"$darknet" classifier train black.data bright.cfg >out.txt 2>err.txt
status=$?
why=
[ -s backup/bright_last.weights ] || why="nothing was saved before the test"
stops "a_test_loss_that_is_no_number_ends_the_run_behind_its_save" \
    '^update 1: the test loss is not a number at rate .*; the last good weights are in backup/bright_last.weights; '
finish
