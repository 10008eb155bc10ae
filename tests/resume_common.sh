# Sourced by test_resume.sh and long_resume.sh, from the root of the tree: runs that are killed and go on, beside the
# same run in one piece.
# shellcheck shell=sh
. tests/common.sh

${CC:-gcc} -shared -fPIC -o "$scratch/kill_at.so" tests/kill_at.c || exit 1
cd "$scratch" || exit 1
tiny_data
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0"

# shellcheck disable=SC2034 # words, for those who source this
ours="affine=0 batchnorm_eps=1e-5 crop_pad=1 flip=1 mean=.4 std=.25"

# words of $trainer apart on purpose
# shellcheck disable=SC2086
# A blank in the name would end it, and the folder of the sources may have one.
train() { LD_PRELOAD=./kill_at.so "$darknet" ${trainer:-classifier train tiny.data} "$@" >out.txt 2>err.txt; }

# The same, dead in front of step $1 of its saves.
train_killed() {
    at=$1
    shift
    KILL_AT=$at train "$@"
    [ $? -eq 137 ]
}

# The run of $1.cfg that is in backup goes on from _last, or from its start where nothing was saved yet.
go_on() {
    if [ -e "backup/$1_last.weights" ]; then
        train "$1.cfg" "backup/$1_last.weights"
    else
        train "$1.cfg"
    fi
}

# make_cfg NAME SED-SCRIPT KEY...
make_cfg() {
    name=$1 edit=$2
    shift 2
    tiny_cfg max_batches=25 "$@" | sed "$edit" >"$name.cfg"
}

# Prints what is not the same in folder $1 and in backup: all files to the bit, the columns of time in the logs aside.
differences() {
    for file in "$1"/*; do
        other=backup/$(basename "$file")
        case $file in
            *.csv)
                cut -d, -f1-7 "$file" >one.csv
                cut -d, -f1-7 "$other" >two.csv
                cmp one.csv two.csv 2>&1
                ;;
            *.old | *.part) ;;
            *) cmp "$file" "$other" 2>&1 ;;
        esac
    done
}

# resumes NAME STEP CLAIM: the run of NAME.cfg, killed in front of STEP and resumed, is the run in one piece.
resumes() {
    why=
    rm -rf whole backup
    train "$1.cfg" || why="trains not: $(tail -n 1 err.txt)"
    mv backup whole
    train_killed "$2" "$1.cfg" || why="$why it was not killed: $(tail -n 1 err.txt)"
    [ -e "backup/$1_last.weights" ] || why="$why killed before its first save"
    rows=$(wc -l <"backup/$1.csv")
    [ "$rows" -lt "$(wc -l <"whole/$1.csv")" ] || why="$why killed behind its last update"
    go_on "$1" || why="$why goes not on: $(tail -n 1 err.txt)"
    grep -q 'as if it had not stopped' out.txt || why="$why $(grep -i continuing out.txt)"
    result "$3" "$why$(differences whole)"
}

# moments NAME STEP CLAIM: killed in front of every STEP-th step of its saves and resumed, it is the run in one piece,
# which is left in whole.
moments() {
    why=
    rm -rf whole backup
    train "$1.cfg"
    mv backup whole
    n=1
    while train_killed $n "$1.cfg"; do
        go_on "$1" || why="$why $n: $(tail -n 1 err.txt)"
        why="$why$(differences whole)"
        [ -z "$why" ] || break
        rm -rf backup
        n=$((n + $2))
    done
    [ $n -gt 60 ] || why="$why ended at $n"
    result "$3" "$why"
}
