#!/bin/sh
# Installs the Debian packages named that are missing; says so, and is silent when none is.
#
#   scripts/install-packages.sh gcc libdnnl-dev ...
#
# As root, or through sudo. Without either it names the command to run and fails.
set -eu
export LC_ALL=C

has_header() {
    if command -v gcc >/dev/null 2>&1; then
        echo "#include <$1>" | gcc -E -x c - >/dev/null 2>&1
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
        gcc | g++ | make | patch | git | clang | clang-format | shellcheck) command -v "$1" >/dev/null 2>&1 ;;
        xz-utils) command -v xz >/dev/null 2>&1 ;;
        pkgconf) command -v pkg-config >/dev/null 2>&1 ;;
        libclang-rt-14-dev) ls "$(clang -print-runtime-dir 2>/dev/null)"/libclang_rt.fuzzer-* >/dev/null 2>&1 ;;
        libc6-dev) has_header stdio.h ;;
        libdnnl-dev) has_header dnnl.h ;;
        libcmocka-dev) is_installed "$1" || [ -e /usr/include/cmocka.h ] || [ -e /usr/local/include/cmocka.h ] ;;
        *) is_installed "$1" ;;
    esac
}

missing=
for package; do
    has_package "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

refuse() {
    {
        echo "Missing:$missing"
        echo "$1"
        echo "    apt-get install$missing"
    } >&2
    exit 1
}

command -v apt-get >/dev/null 2>&1 || refuse "Please install them; on Debian, as root:"

if [ "$(id -u)" -eq 0 ]; then
    as_root() { env DEBIAN_FRONTEND=noninteractive "$@"; }
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || { [ -t 0 ] && [ -t 2 ]; }; }; then
    as_root() { sudo env DEBIAN_FRONTEND=noninteractive "$@"; }
else
    refuse "Please run as root:"
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
        refuse "Could not install them. Please run as root:"
    }
