#!/bin/sh
# A run that is killed and goes on is the run in one piece: weights, states and logs to the bit. What does not fit is
# refused. On a data set of 96 images, in batches of 16: an epoch is 6 updates.
set -u
. tests/resume_common.sh

# --- every policy, in the middle of an epoch

# words of $ours apart on purpose
# shellcheck disable=SC2086
{
    n=30
    for policy in constant "step step=7 scale=.5" "steps steps=4,9,18 scales=.5,.1,.5" "exp gamma=.98" "poly power=2" \
        "sigmoid gamma=.1 step=12" "random power=1" "cosine step=2" "sgdr sgdr_cycle=5" "constant burn_in=14"; do
        make_cfg base "" policy=$policy save_every=4 seed=7 $ours
        n=$((n + 3))
        resumes base $n "policy_${policy%% *}_${policy##* }_goes_on_to_the_bit"
    done
    for form in texp texp++ texp--; do
        make_cfg folded "" policy=$form base_policy=steps steps=4,9,18 scales=.5,.1,.5 decays=.5,1,2 save_every=4 \
            seed=7 $ours
        resumes folded 45 "policy_${form}_goes_on_to_the_bit"
    done
    make_cfg corrected "" policy=texp momentum_correction=1 base_policy=cosine save_every=4 seed=7 $ours
    resumes corrected 40 a_momentum_correction_goes_on_to_the_bit
    # The scale passes sqrt(2) at update 15 or so, long before the run is killed.
    make_cfg growing "s/^learning_rate=.*/learning_rate=1/; s/^decay=.*/decay=.0026/; s/^max_batches=.*/max_batches=40/" \
        policy=texp++ save_every=5 seed=7 $ours
    resumes growing 150 weights_that_were_halved_go_on_to_the_bit

    # --- what else a run depends on

    make_cfg parts "" policy=texp++ subdivisions=4 save_every=5 seed=7 $ours
    resumes parts 40 subdivisions_go_on_to_the_bit
    make_cfg dropping 's/^\[avgpool\]/[dropout]\nprobability=.3\n\n&/' policy=texp++ save_every=5 seed=7 $ours
    resumes dropping 40 dropout_goes_on_to_the_bit
    make_cfg plain 's/^bias=0/batch_normalize=1/; s/^fixed=1//; s/^init_std=.*//' policy=constant save_every=5 seed=7 \
        crop_pad=1 backend=plain
    resumes plain 40 trainable_affine_and_last_layer_go_on_to_the_bit
    make_cfg unsaved 's/^\[avgpool\]/[convolutional]\nfilters=8\nsize=3\npad=1\nactivation=relu\ndontload=1\n\n&/' \
        policy=texp++ save_every=5 seed=7 $ours
    resumes unsaved 40 a_layer_that_is_not_loaded_goes_on_to_the_bit
    make_cfg recurrent 's/^\[avgpool\]/[gru]\noutput=6\n\n[connected]\noutput=2\nactivation=linear\n/' policy=texp++ \
        save_every=5 seed=7 $ours
    sed -i '/^output=2/,/^fixed/{/^\[connected\]/,/^$/d}' recurrent.cfg
    resumes recurrent 40 layers_inside_a_layer_go_on_to_the_bit
    make_cfg norms "" policy=texp++ save_every=5 seed=7 norms=1 $ours
    resumes norms 40 the_log_of_norms_goes_on_to_the_bit

    # Darknet's loader and its augmentation; with dropout, which draws from rand() as the loader does.
    make_cfg stock 's/^channels=.*/channels=3/; s/^\[avgpool\]/[dropout]\nprobability=.3\n\n&/' policy=texp++ \
        save_every=5 seed=7 angle=7 hue=.1 saturation=1.2
    resumes stock 40 darknets_loader_goes_on_to_the_bit_with_a_seed
}

# [net] random=1: the size of the images changes, here in front of the first update.
make_cfg resized 's/^channels=.*/channels=3/; s/^batch=.*/batch=4/; s/^max_batches=.*/max_batches=6/' policy=texp++ \
    save_every=2 seed=8 random=1
resumes resized 16 a_network_that_changes_its_size_goes_on_to_the_bit

# words of $ours apart on purpose
# shellcheck disable=SC2086
make_cfg seedless "" policy=texp++ save_every=5 $ours
rm -rf backup
train_killed 40 seedless.cfg
go_on seedless
seed=$(sed -n 's/^seed=\([0-9]*\).*/\1/p' err.txt)
sed "s/^policy/seed=$seed\n&/" seedless.cfg >seeded.cfg
train seeded.cfg
why=
cmp -s backup/seedless_final.weights backup/seeded_final.weights || why="the printed seed $seed makes another run"
grep -q 'as if it had not stopped' out.txt && why="$why nothing was resumed"
result "a_run_without_a_seed_of_its_own_keeps_the_one_it_drew" "$why"

make_cfg anew 's/^channels=.*/channels=3/' policy=texp++ save_every=5
rm -rf backup
train_killed 40 anew.cfg
go_on anew
why=
grep -q 'with its momentum; the images are drawn anew' out.txt || why=$(grep continuing out.txt)
result "darknets_loader_without_a_seed_says_that_it_draws_anew" "$why"

# --- killed at many moments

# words of $ours apart on purpose
# shellcheck disable=SC2086
make_cfg often 's/^max_batches=.*/max_batches=13/' policy=texp++ save_every=3 seed=7 $ours
moments often 5 a_run_killed_at_many_moments_of_its_saves_goes_on_to_the_bit

# Killed again and again, it gets to its end.
rm -rf backup
why=
n=0
while [ ! -e backup/often_final.weights ] && [ $n -lt 60 ]; do
    weights=
    [ -e backup/often_last.weights ] && weights=backup/often_last.weights
    # shellcheck disable=SC2086 # none, or one
    train_killed $((37 + n % 7)) often.cfg $weights
    n=$((n + 1))
done
[ $n -gt 2 ] && [ $n -lt 60 ] || why="$n times"
go_on often
result "a_run_killed_again_and_again_is_the_run_in_one_piece" "$why$(differences whole)"

# --- a full disk

rm -rf backup
train_killed 40 often.cfg
rm -f backup/*.part
cp -r backup before
why=
(
    ulimit -f 8 # 4096 bytes: the weights fit, their state does not
    "$darknet" classifier train tiny.data often.cfg backup/often_last.weights >out.txt 2>err.txt
) && why="exit status 0"
grep -q "^backup/often_[a-z0-9]*.state: can't write: File too large; what was there before is unchanged" err.txt ||
    why="$why $(tail -n 1 err.txt)"
for kind in weights state; do
    cmp -s before/often_last.$kind backup/often_last.$kind || why="$why often_last.$kind has changed"
done
[ ! -e backup/often_last.weights.part ] && [ ! -e backup/often_last.state.part ] || why="$why a .part is left"
go_on often || why="$why it goes not on: $(tail -n 1 err.txt)"
result "a_full_disk_leaves_the_checkpoint_before" "$why$(differences whole)"

if [ "$(id -u)" -eq 0 ] && mkdir disk && mount -t tmpfs -o size=48k tmpfs disk 2>/dev/null; then
    cp -r before/often* disk/
    sed 's/^backup=.*/backup=disk/' tiny.data >disk.data
    why=
    "$darknet" classifier train disk.data often.cfg disk/often_last.weights >out.txt 2>err.txt && why="exit status 0"
    grep -q "No space left on device" err.txt || why="$why $(tail -n 1 err.txt)"
    rm -rf backup && cp -r disk backup && umount disk
    go_on often || why="$why it goes not on: $(tail -n 1 err.txt)"
    [ -n "$why" ] || why=$(differences whole | grep -E 'csv|last|final')
    result "a_full_tmpfs_leaves_a_checkpoint" "$why"
else
    echo "skip a_full_tmpfs_leaves_a_checkpoint: can't mount one here"
fi

# --- what does not fit

# refused NAME TEXT: going on from backup/often_last.weights is refused, with one line that holds TEXT and a remedy.
refused() {
    train often.cfg backup/often_last.weights
    status=$?
    why=
    [ $status -eq 1 ] || why="exit status $status"
    tail -n 1 err.txt | grep -qF -- "$2" || why="$why no '$2' in: $(tail -n 1 err.txt)"
    tail -n 1 err.txt | grep -q 'restore it, remove it to go on without momentum, or start anew with -clear' ||
        why="$why no remedy: $(tail -n 1 err.txt)"
    result "$1" "$why"
    rm -rf backup && cp -r before backup
}

rm -rf backup && cp -r before backup
cp often.cfg often.keep
sed -i 's/^momentum=.*/momentum=0.8/' often.cfg
refused another_momentum_is_refused \
    'often_last.state: made with another cfg than often.cfg: [net] momentum=0.9 there, momentum=0.8 here'
cp often.keep often.cfg
cp whole/often_last.weights backup/often_last.weights
refused weights_of_another_run_are_refused 'often_last.state: belongs to other weights than backup/often_last.weights'
sed '0,/^activation=linear/s//activation=relu/' often.keep >often.cfg
refused another_layer_is_refused 'layer 0 [convolutional] activation=linear there, activation=relu here'
sed 's/^max_batches=.*/max_batches=14/; s/^save_every=.*/valid_every=2/; s/=/ = /; s/^\[avgpool/# a comment\n&/' \
    often.keep >often.cfg
go_on often
why=
grep -q 'as if it had not stopped' out.txt || why=$(tail -n 1 err.txt)
result "a_longer_run_and_another_look_of_the_cfg_are_no_other_cfg" "$why"
rm -rf backup && cp -r before backup
cp often.keep often.cfg

# What only rounds otherwise goes on, log included, after one warning.
# goes_on_with_other_bits NAME THERE HERE SED-SCRIPT: the cfg edited so, with a remark about the line THERE and HERE.
goes_on_with_other_bits() {
    sed "$4" often.keep >often.cfg
    train often.cfg backup/often_last.weights
    status=$?
    why=
    [ $status -eq 0 ] || why="exit status $status: $(tail -n 1 err.txt)"
    grep -qxF "backup/often_last.state: [net] $2 there, $3 here: the run goes on, but its bits may differ" \
        err.txt || why="$why no warning: $(grep often_last err.txt)"
    [ "$(grep -c 'bits may differ' err.txt)" -eq 1 ] || why="$why not one warning"
    grep -q '^continuing behind update [1-9].*, as if it had not stopped but for rounding$' out.txt || why="$why $(grep continuing out.txt)"
    rows=$(sed -n 's/^continuing behind update \([0-9]*\).*/\1/p' out.txt)
    # The row that was not yet validated aside.
    head -n "$rows" before/often.csv >expected.csv
    head -n "$rows" backup/often.csv | cmp -s - expected.csv || why="$why the log began anew"
    [ "$(cut -d, -f1 backup/often.csv | tail -n 1)" -eq 13 ] || why="$why the log ends early"
    [ "$rows" -lt 13 ] || why="$why it had ended before"
    result "$1" "$why"
    rm -rf backup && cp -r before backup
    cp often.keep often.cfg
}
goes_on_with_other_bits another_backend_goes_on_after_a_warning nothing backend=plain 's/^policy=/backend=plain\n&/'
goes_on_with_other_bits another_number_of_threads_goes_on_after_a_warning nothing threads=2 's/^policy=/threads=2\n&/'
goes_on_with_other_bits another_precision_goes_on_after_a_warning nothing precision=float32 \
    's/^policy=/precision=float32\n&/'

head -c 2000 before/often_last.state >backup/often_last.state
refused a_cut_state_is_refused 'often_last.state: cut off: it holds 2000 of'
printf '\001' | dd of=backup/often_last.state bs=1 seek=3000 conv=notrunc 2>/dev/null
refused a_changed_byte_is_refused 'often_last.state: damaged: its checksum is wrong'
printf '\002' | dd of=backup/often_last.state bs=1 seek=8 conv=notrunc 2>/dev/null
refused a_newer_version_is_refused 'often_last.state: of version 2, and this program reads 1'
echo "nothing of that kind" >backup/often_last.state
refused another_file_is_refused 'often_last.state: no training state'
cp train.list train.keep
head -n 90 train.keep >train.list
refused a_list_of_other_length_is_refused 'the list of training images had 96 lines beside its state, and has 90 now'
cp train.keep train.list

# --- without a state

rm backup/often_last.state
why=
go_on often || why="exit status"
grep -q '^continuing behind update .*, no training state beside the weights: momentum starts at 0$' out.txt ||
    why="$why $(grep continuing out.txt)"
cmp -s whole/often_final.weights backup/often_final.weights && why="$why momentum changes nothing: it shows nothing"
result "a_stock_weights_file_goes_on_after_a_word" "$why"

rm -rf backup && cp -r before backup
echo damaged >backup/often_last.state
why=
train often.cfg backup/often_last.weights -clear || why=$(tail -n 1 err.txt)
[ "$(wc -l <backup/often.csv)" -eq 14 ] || why="$why not from the start"
grep -q continuing out.txt && why="$why $(grep continuing out.txt)"
result "clear_starts_anew_whatever_the_state" "$why"

rm -rf backup && cp -r before backup
"$darknet" partial often.cfg backup/often_last.weights backup/part.weights 3 >out.txt 2>err.txt
why=
[ -s backup/part.weights ] || why="partial wrote nothing"
[ ! -e backup/part.state ] || why="$why partial wrote a state"
result "tools_that_do_not_train_write_no_state" "$why"

# --- detector train

mkdir -p images labels
for i in 1 2 3 4; do
    cp "$(sed -n ${i}p train.list)" images/$i.png
    echo "0 .5 .5 .4 .4" >labels/$i.txt
done
find "$(pwd)/images" -name '*.png' >boxes.list
printf 'train=boxes.list\nbackup=backup\n' >boxes.data
printf '[net]\nbatch=2\nheight=32\nwidth=32\nchannels=3\nlearning_rate=.001\nmax_batches=100\n' >boxes.cfg
{
    printf '[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\nstride=2\nactivation=relu\n'
    printf '[convolutional]\nfilters=6\nsize=1\nstride=1\nactivation=linear\n'
    printf '[yolo]\nmask=0\nanchors=8,8\nclasses=1\nnum=1\n'
} >>boxes.cfg
"$darknet" detector train boxes.data boxes.cfg >out.txt 2>err.txt
sed -i 's/^max_batches=.*/max_batches=103/' boxes.cfg
why=
[ -s backup/boxes.backup.state ] || why="no state: $(tail -n 1 err.txt)"
"$darknet" detector train boxes.data boxes.cfg backup/boxes.backup >out.txt 2>err.txt || why="$why $(tail -n 1 err.txt)"
grep -q '^continuing behind update 100, .* with its momentum; the images are drawn anew' out.txt ||
    why="$why $(grep continuing out.txt)"
rm backup/boxes.backup.state
"$darknet" detector train boxes.data boxes.cfg backup/boxes.backup >out.txt 2>err.txt || why="$why $(tail -n 1 err.txt)"
grep -q '^continuing behind update 100, .* momentum starts at 0' out.txt || why="$why $(grep continuing out.txt)"
result "detector_train_goes_on_with_its_momentum" "$why"
finish
