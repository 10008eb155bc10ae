#!/bin/sh
# Puts the files of Darknet 61c9d02 that are used here into build/darknet-pristine: those that
# darknet-patches/upstream.sha256 lists, each with that checksum, wherever they come from.
#
#   scripts/fetch-darknet.sh
#
# Environment:
#   DARKNET         a folder with Darknet: used, and nothing else tried; never written to
#   DARKNET_URL     the git repository to clone; DARKNET_COMMIT, what to take of it
#   DARKNET_FROM    the ways to try, in order (default: "apt git")
#   APT_ENTRIES     the folder of sources.list and sources.list.d, for the tests (default: /etc/apt)
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."

commit=${DARKNET_COMMIT:-61c9d02ec461e30d55762ec7669d6a1d3c356fb2}
url=${DARKNET_URL:-https://github.com/pjreddie/darknet}
ways=${DARKNET_FROM:-apt git}
apt=${APT_ENTRIES:-/etc/apt}
sums=$PWD/darknet-patches/upstream.sha256
pristine=build/darknet-pristine
origin=build/darknet-origin # where they came from
work=$PWD/build/fetch
# Apt's configuration has no way to write a quote.
case $work in *[\"\\]*) work=$(mktemp -d) ;; esac

# Prints what is wrong with the sources in folder $1, one line a file; nothing when all is right.
wrong_files() {
    (cd "$1" && sha256sum -c --quiet "$sums" 2>/dev/null) | sed -n 's/: FAILED open or read$/ is missing/p; s/: FAILED$/ differs/p'
}

have_pristine() {
    [ -d "$pristine" ] && [ -z "$(wrong_files "$pristine")" ]
}

# Takes the listed files of folder $1, described by $2, if all are right; else names the first wrong ones.
take() {
    wrong=$(wrong_files "$1")
    if [ -n "$wrong" ]; then
        {
            echo "$2 is not Darknet 61c9d02:"
            echo "$wrong" | head -n 5 | sed 's/^/    /'
            [ "$(echo "$wrong" | wc -l)" -le 5 ] || echo "    and $(($(echo "$wrong" | wc -l) - 5)) more"
        } >&2
        return 1
    fi
    # Sources that are there and right stay as they are, so that nothing is compiled again.
    if ! have_pristine; then
        rm -rf "$pristine" "$pristine.new"
        mkdir -p "$pristine.new"
        sed 's/^[0-9a-f]*  //' "$sums" | (cd "$1" && tar -cf - -T -) | tar -xmf - -C "$pristine.new" --no-same-owner
        mv "$pristine.new" "$pristine"
        have_pristine || { echo "Could not copy $2 to $pristine (disk full?)" >&2 && return 1; }
    fi
    echo "$2" >"$origin"
    echo "Darknet 61c9d02 from $2"
}

# The files of the commit where the folder's repository has it, whatever is checked out; else the files in the folder.
from_folder() {
    if [ ! -d "$1" ]; then
        echo "DARKNET=$1: no such folder" >&2
        return 1
    fi
    if [ -e "$1/.git" ] && git -C "$1" cat-file -e "$commit^{commit}" 2>/dev/null; then
        unpack_commit "$1" && take "$work/tree" "$1"
    else
        take "$1" "$1"
    fi
}

# $1: a git repository that has the commit.
unpack_commit() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree"
    git -C "$1" archive "$commit" >"$work/tree.tar" && tar -xf "$work/tree.tar" -C "$work/tree"
}

# Writes source entries for the package entries that this machine has, as one-line entries to $1.list and as stanzas to
# $1.sources. $2: a word for the entries wanted: "active", or "commented" for source entries that are switched off.
write_source_entries() {
    for file in "$apt/sources.list" "$apt"/sources.list.d/*.list; do
        [ -r "$file" ] || continue
        case $2 in
            active) sed -nE 's/^[[:space:]]*deb(-src)?[[:space:]]+/deb-src /p' "$file" ;;
            commented) sed -nE 's/^[[:space:]]*#+[[:space:]]*deb-src[[:space:]]+/deb-src /p' "$file" ;;
        esac
    done | grep -v 'cdrom:' | sort -u >"$1.list" || :
    for file in "$apt"/sources.list.d/*.sources; do
        [ -r "$file" ] || continue
        case $2 in
            active) awk -v RS= '!/(^|\n)[Ee]nabled: *[Nn]o/' ORS='\n\n' "$file" ;;
            commented) awk -v RS= '/(^|\n)[Ee]nabled: *[Nn]o/ && /(^|\n)[Tt]ypes:[^\n]*deb-src/' ORS='\n\n' "$file" ;;
        esac | sed -E '/^#/d; s/^[Tt]ypes:.*/Types: deb-src/; /^[Ee]nabled:/d'
        echo
    done >"$1.sources"
}

# apt in a folder of its own: the system's configuration without its lists, caches and hooks. $1: the folder.
write_apt_conf() {
    for list in APT::Update::Pre-Invoke APT::Update::Post-Invoke APT::Update::Post-Invoke-Success; do
        echo "#clear $list;"
    done
    cat <<EOF
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$1/entries";
Dir::State "$1/state";
Dir::State::Lists "$1/state/lists";
Dir::Cache "$1/cache";
Acquire::Languages "none";
Acquire::Retries "2";
APT::Sandbox::User "";
EOF
}

# One try, with the source entries that $1 names.
from_apt_entries() {
    rm -rf "$work"
    mkdir -p "$work/entries" "$work/state/lists/partial" "$work/cache/archives/partial" "$work/package" "$work/tree"
    write_source_entries "$work/entries/darknet" "$1"
    grep -q . "$work"/entries/* || return 1
    write_apt_conf "$work" >"$work/apt.conf"
    # Entries without sources are no reason to stop: what counts is whether the package comes.
    apt-get -c "$work/apt.conf" -q update >>"$log" 2>&1 || :
    # The untouched upstream archive alone, without Debian's changes; its files are checked against checksums below.
    (cd "$work/package" && apt-get -c "$work/apt.conf" -q source --download-only --tar-only darknet) >>"$log" 2>&1 ||
        return 1
    set -- "$work"/package/darknet_*.orig.tar.*
    tar -xf "$1" -C "$work/tree" --strip-components=1 --no-same-owner >>"$log" 2>&1 || return 1
    take "$work/tree" "Debian's source package $(basename "$1")"
}

from_apt() {
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "error: there is no apt-get here" >>"$log"
        return 1
    fi
    from_apt_entries active || from_apt_entries commented
}

from_git() {
    if ! command -v git >/dev/null 2>&1; then
        echo "error: there is no git here" >>"$log"
        return 1
    fi
    git init -q --bare "$work/git" >>"$log" 2>&1 || return 1
    # One commit where the server lets us ask for it, else all.
    git -C "$work/git" fetch -q --depth 1 "$url" "$commit" >>"$log" 2>&1 ||
        git -C "$work/git" fetch -q "$url" '+refs/*:refs/fetched/*' >>"$log" 2>&1 || return 1
    unpack_commit "$work/git" 2>>"$log" && take "$work/tree" "$url"
}

# The first errors of the log, once each; its last lines where it calls none an error.
show_errors() {
    errors=$(grep -E '^(E|W: Failed|fatal|error|tar):? ' "$log" | awk '!seen[$0]++' | head -n 3)
    [ -n "$errors" ] || errors=$(tail -n 3 "$log")
    [ -z "$errors" ] || echo "$errors" | sed 's/^/    /' >&2
    echo "    (all of it: ${log#"$PWD/"})" >&2
}

mkdir -p build
if have_pristine && [ -e "$origin" ] &&
    { [ -z "${DARKNET:-}" ] || [ "$(cat "$origin")" = "$DARKNET" ]; }; then
    exit 0
fi

trap 'rm -rf "$work"' EXIT
if [ -n "${DARKNET:-}" ]; then
    mkdir -p "$work"
    from_folder "$DARKNET"
    exit
fi

for way in $ways; do
    case $way in
        apt | git) ;;
        *)
            echo "DARKNET_FROM=$ways: $way is neither apt nor git" >&2
            exit 1
            ;;
    esac
done
for way in $ways; do
    rm -rf "$work"
    mkdir -p "$work"
    # Of all tries of one way: the error of the first says most.
    log=$PWD/build/fetch-$way.log
    : >"$log"
    case $way in
        apt)
            echo "Fetching Darknet's source package through apt ..."
            from_apt && rm "$log" && exit
            ;;
        git)
            echo "Fetching Darknet from $url ..."
            from_git && rm "$log" && exit
            ;;
    esac
    echo "That did not work." >&2
    show_errors
done
echo "Could not fetch Darknet. If you have it, say where: make DARKNET=/path/to/darknet" >&2
exit 1
