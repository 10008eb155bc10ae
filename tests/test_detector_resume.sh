#!/bin/sh
# A detector's run that is killed and goes on is the run in one piece, to the bit, whatever number of threads loads its images.
set -u
# shellcheck disable=SC2034 # of resume_common.sh
trainer="detector train boxes.data"
. tests/resume_common.sh
root=$OLDPWD
. "$root/tests/detector_common.sh"
boxes_data 24

colours="hue=.1 saturation=1.5 exposure=1.5"
# words on purpose
# shellcheck disable=SC2086
{
    boxes_cfg 48 batch=8 max_batches=13 save_every=3 seed=7 policy=texp++ base_policy=steps steps=5,9 scales=.1,.1 burn_in=4 \
        mean=.4 std=.3 backend=plain $colours >often.cfg
    yolo="jitter=.2 random=1"
    boxes_cfg 48 batch=1 max_batches=9000 save_every=4 seed=9 policy=texp++ base_policy=poly power=2 $colours | sed "s,^learning_rate=.*,learning_rate=1e-5," >resized.cfg
    yolo=
    boxes_cfg 48 batch=4 subdivisions=2 max_batches=13 save_every=5 policy=constant flip=0 $colours >seedless.cfg
}

export OMP_NUM_THREADS=1
moments often 9 a_detector_killed_at_many_moments_goes_on_to_the_bit
for threads in 2 5; do
    rm -rf backup
    OMP_NUM_THREADS=$threads train_killed 40 often.cfg
    OMP_NUM_THREADS=$((7 - threads)) go_on often
    result "a_detector_goes_on_to_the_bit_with_${threads}_loader_threads" "$(differences whole)"
done
export OMP_NUM_THREADS=1

# [yolo] random=1: a size is drawn in front of update 81 and another one in front of update 91; behind update 100 the weights
# are kept, and the run is ended.
boxes_cfg 48 batch=1 max_batches=1 policy=constant >start.cfg
train start.cfg
mv backup/start_final.weights start.weights
set_seen start.weights 80
rm -rf whole
rm -rf backup
run_to_100() {
    rm -f out.txt
    train resized.cfg "$@" &
    while [ ! -e backup/resized_100.state ] && kill -0 $! 2>/dev/null; do sleep .05; done
    program=$(ps -o pid= --ppid $! 2>/dev/null)
    # shellcheck disable=SC2086 # none or one
    kill -9 ${program:-$!} 2>/dev/null
    wait $! 2>/dev/null
}
run_to_100 start.weights
sizes=$(sed -n '/^Resizing/{n;p;}' out.txt | head -n 2 | tr '\n' ' ')
mv backup whole
why=
train_killed 14 resized.cfg start.weights || why="it was not killed: $(tail -n 1 err.txt)"
run_to_100 backup/resized_last.weights
update=$(sed -n 's/^continuing behind update \([0-9]*\), .*, as if it had not stopped$/\1/p' out.txt)
[ "${update:-0}" -gt 80 ] && [ "${update:-0}" -lt 100 ] || why="$why resumed behind update '$update'"
[ "$(echo "$sizes" | tr ' ' '\n' | grep . | sort -u | wc -l)" -eq 2 ] || why="$why sizes $sizes: it shows nothing"
for kind in weights state; do
    difference=$(cmp whole/resized_100.$kind backup/resized_100.$kind 2>&1) || why="$why $difference"
done
result a_detector_whose_size_is_drawn_goes_on_to_the_bit "$why"

# A seed that the run drew itself is in its state.
rm -rf backup whole
train seedless.cfg
mv backup whole
seed=$(sed -n 's/^seed=\([0-9]*\).*/\1/p' err.txt)
sed "s/^policy/seed=$seed\n&/" seedless.cfg >seeded.cfg
train seeded.cfg
why=
cmp -s backup/seeded_final.weights whole/seedless_final.weights || why="the printed seed $seed makes another run"
result a_seed_that_a_detector_drew_itself_repeats_its_run "$why"
finish
