#!/bin/sh
# Stops where the user cannot write what make has made here, as after `sudo make`: says whose it is and what to do.
#
#   scripts/check-writable.sh PATH...      files, or folders with all that is in them; what is missing is no fault
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."

me=$(id -un 2>/dev/null || id -u)

refuse() { # path
    path=${1#./}
    [ "$path" != . ] || path="this folder"
    owner=$(stat -c %U "$1")
    if [ "$owner" = "$me" ]; then
        echo "$path is not writable: chmod -R u+w . in this folder" >&2
    else
        echo "$path belongs to $owner, and $me cannot write it (was it sudo make?): run sudo chown -R $me . in this folder" >&2
    fi
    exit 1
}

for path in . "$@"; do
    [ -e "$path" ] || continue
    [ "$path" = . ] && depth=0 || depth=99
    # A file of one's own that is read-only is replaced, not written: copies of a read-only checkout are such.
    # The chroots of tests/systems.sh are root's.
    found=$(find "$path" -maxdepth "$depth" -path build/systems -prune -o \
        ! -writable \( -type d -o ! -uid "$(id -u)" \) ! -type l -print -quit 2>/dev/null) || :
    [ -z "$found" ] || refuse "$found"
done
