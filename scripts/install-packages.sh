#!/bin/sh
# Installs the Debian packages named that are missing; says so, and is silent when none is.
#
#   scripts/install-packages.sh NEEDED... [-- LATER...]
#
# As root, or through sudo. Without either it fails and names the command to run, which installs those needed later, too:
# whoever has to ask somebody else for packages asks once.
set -eu
export LC_ALL=C

has_header() {
    # The compiler may be two words, as ccache gcc.
    # shellcheck disable=SC2086
    if command -v ${CC:-gcc} >/dev/null 2>&1; then
        echo "#include <$1>" | ${CC:-gcc} ${2:-} -E -x c - >/dev/null 2>&1
    else
        [ -e "/usr/include/$1" ]
    fi
}

is_installed() {
    case $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null || :) in
        ?i*) return 0 ;;
    esac
    return 1
}

# What a package gives may be there without it: a compiler of one's own, another system.
has_package() {
    case $1 in
        gcc | gcc-[0-9]* | clang | clang-[0-9]* | g++ | patch | curl | shellcheck) command -v "$1" >/dev/null 2>&1 ;;
        binutils) command -v objcopy >/dev/null 2>&1 && command -v ar >/dev/null 2>&1 ;;
        libomp*-dev) has_header omp.h -fopenmp ;;
        xz-utils) command -v xz >/dev/null 2>&1 ;;
        gnuplot-nox) command -v gnuplot >/dev/null 2>&1 ;;
        pkgconf) command -v pkg-config >/dev/null 2>&1 ;;
        libclang-rt-dev) ls "$(clang -print-runtime-dir 2>/dev/null)"/libclang_rt.fuzzer-* >/dev/null 2>&1 ;;
        libc6-dev) has_header stdio.h ;;
        libdnnl-dev) has_header dnnl.h ;;
        libcmocka-dev) is_installed "$1" || [ -e /usr/include/cmocka.h ] || [ -e /usr/local/include/cmocka.h ] ;;
        *) is_installed "$1" ;;
    esac
}

missing=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    has_package "$1" || missing="$missing $1"
    shift
done
[ -n "$missing" ] || exit 0
[ $# -eq 0 ] || shift

refuse() { # what to do; packages needed later...
    advice=$1
    shift
    # In the order of those needed later, so that the command is the same whoever asks.
    all=
    # shellcheck disable=SC2086 # a word for each package
    for package in "$@" $missing; do
        case "$all " in
            *" $package "*) ;;
            *) has_package "$package" || all="$all $package" ;;
        esac
    done
    {
        echo "Missing:$missing"
        [ "$all" = "$missing" ] || advice="$advice, for make, make train and make test together"
        echo "$advice:"
        echo "    apt-get update && apt-get install$all"
    } >&2
    exit 1
}

command -v apt-get >/dev/null 2>&1 || refuse "Please install them; on Debian, as root" "$@"

if [ "$(id -u)" -eq 0 ]; then
    as_root() { env DEBIAN_FRONTEND=noninteractive "$@"; }
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || { [ -t 0 ] && [ -t 2 ]; }; }; then
    as_root() { sudo env DEBIAN_FRONTEND=noninteractive "$@"; }
else
    refuse "Please run as root" "$@"
fi

install_missing() {
    # The list of packages is meant to be split.
    # shellcheck disable=SC2086
    as_root apt-get install -y -q --no-install-recommends $missing </dev/null
}

# The package lists of a new machine may be absent or old, hence the second try.
echo "Installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_missing >"$log" 2>&1 ||
    { as_root apt-get update -q </dev/null && install_missing; } >"$log" 2>&1 ||
    {
        tail -n 15 "$log" >&2
        refuse "Could not install them. Please run as root" "$@"
    }
