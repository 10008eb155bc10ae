#!/bin/sh
# The README's commands on other systems, from nothing, in chroots that debootstrap makes; for root. Takes both
# processors for half an hour a system.
#
#   tests/systems.sh [SYSTEM...]        bookworm trixie (the default), or another release of Debian or Ubuntu
#
# The mirror is the one that this machine's apt has for the system's distribution; MIRROR=url names another, without
# which a system of another distribution is skipped. CLAIMS="root user" leaves some out: root, user, compilers, options.
# Chroots and logs are in build/systems; KEEP=1 leaves the chroots there. Claims are printed as tests/run.sh reads them.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C.UTF-8
unset MAKEFLAGS MFLAGS MAKELEVEL CC CXX

systems=$PWD/build/systems
claims=${CLAIMS:-root user compilers options}
failures=0

ok() { echo "ok $1"; }

not_ok() { # name, why, log
    echo "not ok $1: $2"
    [ -z "${3:-}" ] || tail -n 25 "$3" | sed 's/^/    | /'
    failures=$((failures + 1))
}

# --- Chroots -----------------------------------------------------------------------------------------------------

distribution() { # system
    case $1 in
        focal | jammy | noble | plucky | questing) echo Ubuntu ;;
        *) echo Debian ;;
    esac
}

mirror() { # system
    if [ -n "${MIRROR:-}" ]; then
        echo "$MIRROR"
    else
        here=$(. /etc/os-release && echo "$VERSION_CODENAME")
        # shellcheck disable=SC2016 # names that apt replaces
        apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' "ORIGIN: $(distribution "$1")" |
            awk -v here="$here" '$2 == here { print $1; exit }'
    fi
}

# Makes the chroot $system.base of the system with git and make, which the README takes for granted.
make_base() {
    base=$systems/$system.base
    log=$systems/$system-base.log
    rm -rf --one-file-system "$base"
    url=$(mirror "$system")
    if [ -z "$url" ]; then
        echo "skip $system: apt here knows no mirror of $(distribution "$system"); MIRROR=url names one"
        return 1
    fi
    if ! debootstrap --variant=minbase --include=git,make "$system" "$base" "$url" >"$log" 2>&1; then
        not_ok "${system}_is_there" "debootstrap fails" "$log"
        return 1
    fi
    cp /etc/hosts /etc/resolv.conf "$base/etc/"
    # How this machine reaches its mirror.
    apt-config dump --no-empty --format '%F "%v";%n' Acquire::http Acquire::https Acquire::Check-Valid-Until \
        Acquire::Check-Date >"$base/etc/apt/apt.conf.d/99here"
}

# Makes the chroot $1 a copy of the base, with the sources in folder $2 of it.
make_chroot() {
    root=$systems/$system.$1
    folder=$2
    rm -rf --one-file-system "$root"
    cp -a --reflink=auto "$systems/$system.base" "$root"
    mkdir -p "$root$folder"
    git ls-files -co --exclude-standard -z | tar -cf - --null --ignore-failed-read -T - 2>/dev/null |
        tar -xf - -C "$root$folder" --no-same-owner
}

remove_chroot() { # name
    [ "${KEEP:-0}" = 1 ] || rm -rf --one-file-system "${systems:?}/$system.$1"
}

# Runs a command line in the chroot, as user $1, in the folder of the sources; output goes to $log. The mounts are in a
# namespace of their own and end with the command, as does whatever it leaves running.
as() { # user, log, command line
    log=$systems/$system-$2.log
    # shellcheck disable=SC2016 # the folder of the inner shell
    printf '%s\n' 'cd "$FOLDER" || exit 1' "$3" >"$root/command.sh"
    # shellcheck disable=SC2016 # the arguments of the inner shell
    unshare --mount --pid --fork --kill-child sh -c '
        mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
        exec env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LC_ALL=C.UTF-8 FOLDER="$3" \
            chroot "$1" su -s /bin/sh "$2" /command.sh' \
        sh "$root" "$1" "$folder" >"$log" 2>&1 </dev/null
}

# As `as`, and reports the claim $4: the command succeeds, and each further argument is a line of its output.
claim() { # user, log, command line, name, patterns...
    if ! as "$1" "$2" "$3"; then
        not_ok "${system}_$4" "$3 fails" "$log"
        return 1
    fi
    name=${system}_$4
    command=$3
    shift 4
    for pattern; do
        if ! grep -qE "$pattern" "$log"; then
            not_ok "$name" "$command does not print $pattern" "$log"
            return 1
        fi
    done
    ok "$name"
}

# --- Claims ------------------------------------------------------------------------------------------------------

# Folders of users have blanks, quotes and letters beyond ASCII.
odd="/root/Netze für \"mich\" & 'dich'"
passed='^[0-9]+ passed, 0 failed'
# What depends on the compiler's arithmetic: blocked, winograd, backends.
kernels="'[bw]*'"
# A few updates of the default cfg: enough to show that it trains.
short="sed 's/^max_batches=.*/max_batches=12/; s/^steps=.*/steps=6,9/' cfg/preresnet32-short-texp++.cfg >build/few.cfg"
train_few="./darknet classifier train cfg/fashion-mnist.data build/few.cfg"

root_claims() {
    make_chroot root "$odd"
    claim root train 'make train' make_train_as_root_from_nothing 'test accuracy' 'wrote backup/' || return
    if grep -n 'warning:' "$log"; then
        not_ok "${system}_make_train_without_warnings" "the compiler warns" "$log"
    else
        ok "${system}_make_train_without_warnings"
    fi
    claim root again 'make && make GPU=0' a_second_make_does_nothing '^\./darknet is up to date$'
    ! grep -q Compiling "$log" || not_ok "${system}_a_second_make_compiles_nothing" "it does" "$log"
    claim root test 'make test' make_test_from_nothing "$passed"
    claim root versions "dpkg-query -W gcc 'libdnnl*-dev' && grep -q ldnnl build/host*onednn/flags" oneDNN_is_built_in libdnnl
    ! grep '^libdnnl-dev' "$log" | sed "s/^/note ${system}_oneDNN_is_built_in: /"
}

# Whoever may not install packages is told once which ones, all at once; whoever ran make as root, whose files they are.
user_claims() {
    make_chroot user /home/ann/texp
    as root useradd "useradd -d /home/ann ann && chown -R ann /home/ann"
    for target in all train test; do
        ! as ann "packages-$target" "make $target" || not_ok "${system}_packages_are_asked_for" "make $target goes on" "$log"
        grep -h -A 9 '^Missing' "$log" | grep '^    apt-get' >"$systems/$system-$target.command"
    done
    if cmp -s "$systems/$system-all.command" "$systems/$system-train.command" &&
        cmp -s "$systems/$system-all.command" "$systems/$system-test.command"; then
        ok "${system}_make_train_and_test_ask_for_the_same_packages"
    else
        not_ok "${system}_make_train_and_test_ask_for_the_same_packages" "they differ" "$log"
    fi
    asked=$(sed 's/apt-get/DEBIAN_FRONTEND=noninteractive apt-get -y -q/g' "$systems/$system-all.command")
    claim root packages "$asked" the_command_named_installs_them || return
    claim ann build make make_as_a_user_without_root '^Built \./darknet' || return
    claim ann train "$short && make train CFG=build/few.cfg" make_train_as_a_user_without_root 'wrote backup/'
    claim ann host "make test TEST=host" make_test_as_a_user_without_root "$passed"

    as root sudo "rm -rf build/host* darknet && make train CFG=build/few.cfg" ||
        not_ok "${system}_make_train_as_root_in_a_users_tree" "make train fails" "$log"
    for target in all train test; do
        if as ann "denied-$target" "make $target CFG=build/few.cfg"; then
            not_ok "${system}_make_${target}_names_roots_files" "make $target goes on" "$log"
        elif [ "$(grep -c . "$log")" -le 2 ] && grep -q 'belongs to root.*sudo chown -R ann' "$log"; then
            ok "${system}_make_${target}_names_roots_files"
        else
            not_ok "${system}_make_${target}_names_roots_files" "it says it otherwise" "$log"
        fi
    done
    as root chown "chown -R ann ."
    claim ann again "make test TEST=host && make train CFG=build/few.cfg" the_remedy_named_helps "$passed" 'wrote backup/'
}

# Every compiler that the system has: kernels whose bits must not depend on how work is divided, and a short training.
compiler_claims() {
    make_chroot compilers "$odd"
    as root compilers 'apt-get update -q && apt-cache policy gcc-12 gcc-13 gcc-14 clang'
    compilers=$(awk '/^[a-z]/ { name = $1 } /Candidate: [^(]/ { sub(":", "", name); print name }' "$log")
    for compiler in $compilers; do
        claim root "$compiler" "make -j8 CC=$compiler && make data CC=$compiler && $short && $train_few" \
            "${compiler}_builds_and_trains" 'wrote backup/' || continue
        claim root "$compiler-test" "make test CC=$compiler TEST=$kernels" "${compiler}_passes_the_tests_of_the_kernels" \
            "$passed"
    done
}

option_claims() {
    make_chroot options /root/texp
    for options in DEBUG=1 OPENMP=0 ONEDNN=0 NATIVE=1 OPENCV=1 'OPENMP=0 ONEDNN=0'; do
        name=$(echo "$options" | tr '= ' '__')
        claim root "$name" "make $options && make data $options && $short && $train_few" "${name}_builds_and_trains" \
            'wrote backup/'
    done
    claim root fuzz 'make fuzz FUZZ_SECONDS=5' fuzzers_build_and_run '^ok      state'
}

if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null 2>&1 || ! unshare --mount --pid --fork true; then
    echo "skip systems: it takes root, debootstrap and the right to mount"
    exit 0
fi
mkdir -p "$systems"
[ $# -gt 0 ] || set -- bookworm trixie
for system; do
    make_base || continue
    for claim in $claims; do
        case $claim in
            root) root_claims ;;
            user) user_claims ;;
            compilers) compiler_claims ;;
            options) option_claims ;;
            *) echo "CLAIMS=$claims: there are root, user, compilers, options" >&2 && exit 1 ;;
        esac
        remove_chroot "$claim"
    done
    remove_chroot base
done
[ "$failures" -eq 0 ]
