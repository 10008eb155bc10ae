#!/bin/sh
# The program starts itself again, once, so that its threads wait without taking processors from others and are no more than its
# share of the machine has room for, unless the user has said how.
set -u
. tests/common.sh
unset OMP_NUM_THREADS OMP_WAIT_POLICY GOMP_SPINCOUNT KMP_BLOCKTIME
cd "$scratch" || exit 1

# Each start shows what OpenMP's library has read.
starts() { OMP_DISPLAY_ENV=verbose "$@" 2>&1 | grep -E '^ *(\[host\] )?(GOMP_SPINCOUNT|OMP_NUM_THREADS) *=' | tr -d " '" | tr '\n' ' '; }
case $(starts "$darknet" texp help) in
    *GOMP_SPINCOUNT*) ;;
    *)
        echo "skip the_program_starts_again_once: no libgomp in this build"
        exit 0
        ;;
esac
allowed=$(starts "$darknet" texp help | sed 's/.*OMP_NUM_THREADS=\([0-9]*\).*/\1/')
train="$darknet classifier train absent.data absent.cfg"

# $1: what is expected of the spin counts of all starts; then a command.
spins() {
    expected=$1
    shift
    found=$(starts "$@" | grep -o 'GOMP_SPINCOUNT=[0-9A-Z]*' | cut -d= -f2 | tr '\n' ' ')
    [ "$found" = "$expected" ] || echo "spins $found, not $expected: $*;"
}
usual=$(starts "$darknet" texp help | sed 's/.*GOMP_SPINCOUNT=\([0-9A-Z]*\).*/\1/')
# words of $train on purpose
# shellcheck disable=SC2086
why=$(
    spins "$usual 1000 " $train
    spins "$usual 1000 " "$darknet" detector train absent.data absent.cfg
    spins "$usual 1000 " "$darknet" texp verify absent.cfg
)
result a_program_that_computes_starts_again_once "$why"

# shellcheck disable=SC2086
why=$(
    spins "$usual " "$darknet" texp schedule absent.cfg
    spins "$usual " "$darknet"
    spins "0 " env OMP_WAIT_POLICY=passive $train
    spins "77 " env GOMP_SPINCOUNT=77 $train
    OMP_WAIT_POLICY=active
    export OMP_WAIT_POLICY
    [ "$(starts $train | grep -o GOMP_SPINCOUNT | wc -l)" -eq 1 ] || echo "active: started again"
)
result what_the_user_set_stays "$why"

# A library must not start the program of whoever loads it.
why=
ar t "${darknet%/*}/libdarknet.a" >objects || why='no libdarknet.a'
grep threads_at_start objects && why='it is in the library'
grep -q processors objects || why="$why $(wc -l <objects) objects"
result the_library_starts_nothing_again "$why"

# Arguments, name, process and exit status are those of the first start.
tiny_data
mkdir backup
tiny_cfg policy=texp++ max_batches=6 seed=1 flip=1 >"a cfg'.cfg"
ln -s "$darknet" "$scratch/other name"
why=
"./other name" classifier train tiny.data "a cfg'.cfg" >out.txt 2>err.txt || why="exit status $? $(cat err.txt)"
[ -s "backup/a cfg'_final.weights" ] || why="$why $(ls backup)"
"./other name" classifier train tiny.data absent.cfg >out.txt 2>err.txt && why="$why accepted"
"./other name" classifier train >out.txt 2>err.txt
grep -q 'other name' err.txt || why="$why $(cat err.txt)"
tiny_cfg policy=texp++ seed=1 flip=1 >endless.cfg
"./other name" classifier train tiny.data endless.cfg >out.txt 2>err.txt &
child=$!
for try in $(seq 100); do
    [ ! -s backup/endless.csv ] || break
    sleep .1
done
[ "$(cat /proc/$child/comm)" = darknet ] || why="$why named $(cat /proc/$child/comm) after $try"
kill -TERM $child
wait $child || why="$why signalled: exit status $?"
result it_is_called_as_before "$why"

# A team that gets fewer threads than it asks for leaves more to each of them, as one does whose threads are displaced.
{
    printf '[net]\nbatch=96\nheight=8\nwidth=8\nchannels=1\nlearning_rate=.1\nmomentum=.9\ndecay=.001\npolicy=texp++\n'
    printf 'max_batches=8\nseed=1\nflip=1\nthreads=4\n'
    for filters in 64 64 96; do
        printf '[convolutional]\nbatch_normalize=1\nfilters=%s\nsize=3\npad=1\nstride=1\nactivation=leaky\n' $filters
    done
    printf '[maxpool]\nsize=2\nstride=2\n[convolutional]\nfilters=2\nsize=1\nactivation=linear\n[avgpool]\n[softmax]\n'
} >claims.cfg
why=
for limit in 100 1 2 3 100; do
    rm -f backup/claims*
    OMP_THREAD_LIMIT=$limit "$darknet" classifier train tiny.data claims.cfg >out.txt 2>err.txt || why="$why $(tail -n 1 err.txt)"
    [ -e whole ] || cp backup/claims_final.weights whole
    cmp -s backup/claims_final.weights whole || why="$why other weights with $limit threads of 4;"
done
result weights_do_not_depend_on_which_thread_takes_which_images "$why"

# Each update's loss shows the gradients of those before it. Floats in another order: 8 updates at a rate of .1 make of 2^-24
# some 1e-4; a sum that is left out makes 6 % at once and more behind it.
sed 's/^threads=.*/threads=1\nbackend=plain/' claims.cfg >plain.cfg
why=
"$darknet" classifier train tiny.data plain.cfg >out.txt 2>err.txt || why=$(tail -n 1 err.txt)
why="$why$(cut -d, -f3 backup/plain.csv | paste -d' ' - backup/claims.csv | tr , ' ' | awk 'NR > 1 {
    if (($1 / $4 - 1) ^ 2 > 1e-4) print "update " $2 ": loss " $4 ", plain " $1 }
    END { if (NR != 9) print NR - 1 " updates" }')"
result all_groups_of_images_count_in_a_weight_gradient "$why"

# In a mount namespace of its own with control groups that are made up.
mkdir -p groups
if unshare -m mount --bind groups /sys/fs/cgroup 2>/dev/null; then
    in_groups() { unshare -m sh -c 'mount --bind groups /sys/fs/cgroup && shift && exec "$@"' sh "" "$@"; }
    # threads QUOTA COMMAND...: how many there are at last.
    threads() {
        echo "$1 100000" >groups/cpu.max
        mkdir -p groups/cpu && echo 100000 >groups/cpu/cpu.cfs_period_us && echo "${1%max}" | sed 's/^$/-1/' >groups/cpu/cpu.cfs_quota_us
        shift
        starts in_groups "$@" | grep -o 'OMP_NUM_THREADS=[0-9]*' | tail -n 1 | cut -d= -f2
    }
    why=
    # shellcheck disable=SC2086
    for case in "max $allowed" "50000 1" "100000 1" "$((allowed * 100000 - 50000)) $allowed" \
        "$((allowed * 100000 + 50000)) $allowed" "$((allowed > 1 ? allowed * 100000 - 100000 : 100000)) $((allowed > 1 ? allowed - 1 : 1))"; do
        found=$(threads ${case% *} $train)
        [ "$found" = "${case#* }" ] || why="$why quota ${case% *}: $found threads, not ${case#* };"
    done
    # shellcheck disable=SC2086
    [ "$(threads 50000 env OMP_NUM_THREADS=3 $train)" = 3 ] || why="$why the user's number is another"
    result a_quota_limits_the_number_of_threads "$why"
else
    echo "skip a_quota_limits_the_number_of_threads: no mount namespaces here"
fi
finish
