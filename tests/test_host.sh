#!/bin/sh
# The sources of Darknet: fetched, verified and patched in a tree of their own, without a network.
set -u

mkdir -p build/tests
tree=$(mktemp -d "$PWD/build/tests/host.XXXXXX") || exit 1
trap 'rm -rf "$tree"' EXIT
pristine=$PWD/build/darknet-pristine
mkdir -p "$tree/scripts" "$tree/darknet-patches/fixes" "$tree/darknet-patches/hooks"
cp scripts/fetch-darknet.sh scripts/patch-darknet.sh "$tree/scripts"
cp darknet-patches/upstream.sha256 "$tree/darknet-patches"
unset DARKNET DARKNET_URL DARKNET_COMMIT DARKNET_FROM
failed=0

result() { # name, empty or why it failed
    if [ -z "$2" ]; then
        echo "ok $1"
    else
        echo "not ok $1: $2" | tr '\n' ' '
        echo
        failed=1
    fi
}

# Runs fetch-darknet.sh from nothing, with settings; leaves its output in $said.
fetch() {
    rm -rf "$tree/build"
    said=$(env "$@" "$tree/scripts/fetch-darknet.sh" 2>&1)
}

is_pristine() {
    diff -r "$pristine" "$tree/build/darknet-pristine" 2>&1
}

state_of() { # folder
    (cd "$1" && find . -not -path './.git/*' -type f -exec sha256sum {} + | sort)
}

in_repository() {
    git -C "$tree/repository" -c user.name=test -c user.email=test@localhost "$@"
}

test_checkout() {
    cp -R "$pristine" "$tree/mine"
    echo "int mine;" >"$tree/mine/src/mine.c"
    before=$(state_of "$tree/mine")
    why=
    fetch DARKNET="$tree/mine" || why="$said"
    [ "$before" = "$(state_of "$tree/mine")" ] || why="$why the checkout changed"
    result a_checkout_is_copied_and_left_alone "$why$(is_pristine)"
}

test_wrong() {
    cp -R "$pristine" "$tree/wrong"
    echo "int wrong;" >>"$tree/wrong/src/gemm.c"
    rm "$tree/wrong/include/darknet.h"
    why=
    if fetch DARKNET="$tree/wrong"; then
        why="taken"
    elif ! echo "$said" | grep -q 'src/gemm.c differs' || ! echo "$said" | grep -q 'include/darknet.h is missing'; then
        why="$said"
    elif [ -e "$tree/build/darknet-pristine" ]; then
        why="something was copied"
    fi
    result wrong_contents_are_refused_by_name "$why"

    why=
    fetch DARKNET="$tree/nowhere" && why="taken"
    echo "$said" | grep -q 'nowhere: no such folder' || why="$why $said"
    result a_missing_checkout_is_refused "$why"
}

test_changed_copy() {
    why=
    fetch DARKNET="$tree/mine" || why="$said"
    echo "int changed;" >>"$tree/build/darknet-pristine/src/gemm.c"
    said=$(env DARKNET="$tree/mine" "$tree/scripts/fetch-darknet.sh" 2>&1) || why="$why $said"
    result a_changed_copy_is_replaced "$why$(is_pristine)"
}

test_git() {
    if ! command -v git >/dev/null 2>&1; then
        echo "skip git: no git here"
        return
    fi
    cp -R "$pristine" "$tree/repository"
    in_repository init -q
    in_repository add -A
    in_repository commit -q -m "the pinned one"
    commit=$(in_repository rev-parse HEAD)
    echo "int later;" >>"$tree/repository/src/gemm.c"
    in_repository commit -q -a -m "a later one"
    before=$(state_of "$tree/repository")$(in_repository rev-parse HEAD)

    why=
    fetch DARKNET_FROM=git DARKNET_URL="file://$tree/repository" DARKNET_COMMIT="$commit" || why="$said"
    result the_pinned_commit_is_cloned "$why$(is_pristine)"

    why=
    fetch DARKNET="$tree/repository" DARKNET_COMMIT="$commit" || why="$said"
    [ "$before" = "$(state_of "$tree/repository")$(in_repository rev-parse HEAD)" ] || why="$why the checkout changed"
    result the_pinned_commit_of_a_checkout_is_taken_whatever_it_has_out "$why$(is_pristine)"

    why=
    fetch DARKNET_FROM=git DARKNET_URL="file://$tree/repository" && why="taken without the commit"
    echo "$said" | grep -q 'make DARKNET=' || why="$why no advice: $said"
    result a_repository_without_the_commit_is_refused "$why"
}

# An apt-get of our own, first in PATH, whose lines for "update" and "source" are given.
fake_apt() { # commands of update, commands of source
    mkdir -p "$tree/bin"
    printf '#!/bin/sh\ncase "$*" in\n*update*)\n%s\n;;\n*source*)\n%s\n;;\nesac\n' "$1" "$2" >"$tree/bin/apt-get"
    chmod +x "$tree/bin/apt-get"
}

test_apt() {
    # Folders of users have blanks and quotes.
    plain=$tree
    tree="$plain/of \"me\" & 'you'"
    mkdir -p "$tree/package"
    cp -R "$plain/scripts" "$plain/darknet-patches" "$tree"
    (cd "$pristine/.." && tar -cJf "$tree/package/darknet_0.orig.tar.xz" darknet-pristine)
    # What Debian adds to the upstream archive is not needed, so that its absence is no reason to fail. Apt itself says
    # which folder it reads from its configuration.
    # shellcheck disable=SC2016 # the dollars of the script
    fake_apt : '
        state=$(apt-config -c "$2" dump --format "%v%n" Dir::State 2>/dev/null | head -n 1)
        if command -v apt-config >/dev/null && [ ! -d "$state/lists" ]; then
            echo "E: apt reads $state"
            exit 100
        fi
        case "$*" in
            *--tar-only*) cp "$DARKNET_PACKAGE" . ;;
            *) echo "E: Failed to fetch darknet_0-1.debian.tar.xz" && exit 100 ;;
        esac'
    why=
    fetch PATH="$tree/bin:$PATH" DARKNET_FROM=apt DARKNET_PACKAGE="$tree/package/darknet_0.orig.tar.xz" || why="$said"
    result the_source_package_needs_its_upstream_archive_alone "$why$(is_pristine)"

    # Active entries are tried first, then commented ones; the error of the first try is the one that tells.
    mkdir "$tree/apt"
    printf 'deb http://localhost/active x main\n# deb-src http://localhost/commented x main\n' >"$tree/apt/sources.list"
    fake_apt : "echo \"E: no \$(cat ../entries/darknet.list)\"; exit 100"
    why=
    fetch PATH="$tree/bin:$PATH" DARKNET_FROM=apt APT_ENTRIES="$tree/apt" && why="taken from nowhere"
    echo "$said" | grep -A 1 'did not work' | grep -q 'E: no .*active' || why="$why the first error is lost: $said"
    grep -q 'E: no .*commented' "$tree/build/fetch-apt.log" || why="$why the commented entries were not tried"
    result the_first_error_of_apt_is_shown "$why"

    why=
    fetch DARKNET_FROM=floppy && why="accepted"
    echo "$said" | grep -q 'DARKNET_FROM=floppy: floppy is neither apt nor git' || why="$why $said"
    result an_unknown_way_is_refused "$why"
    tree=$plain
}

# Prints a patch to src/gemm.c that adds a line after line $1 of the file $2.
patch_after() {
    mkdir -p "$tree/a/src" "$tree/b/src"
    cp "$2" "$tree/a/src/gemm.c"
    sed "$1a /* added */" "$2" >"$tree/b/src/gemm.c"
    (cd "$tree" && diff -u a/src/gemm.c b/src/gemm.c)
}

test_patches() {
    fetch DARKNET="$pristine" || :
    patch_after 40 "$pristine/src/gemm.c" >"$tree/darknet-patches/fixes/0001-fits.patch"
    why=$("$tree/scripts/patch-darknet.sh" 2>&1) && why=
    grep -q 'added' "$tree/build/darknet/src/gemm.c" || why="$why not applied"
    result a_patch_is_applied "$why$(is_pristine)"

    why=
    touch -d '2001-01-01' "$tree/build/darknet/src/blas.c" "$tree/build/darknet/src/gemm.c"
    patch_after 41 "$pristine/src/gemm.c" >"$tree/darknet-patches/fixes/0001-fits.patch"
    "$tree/scripts/patch-darknet.sh" >/dev/null 2>&1 || why="refused"
    [ -z "$(find "$tree/build/darknet/src/blas.c" -newermt 2002-01-01)" ] || why="$why blas.c was touched"
    [ -n "$(find "$tree/build/darknet/src/gemm.c" -newermt 2002-01-01)" ] || why="$why gemm.c was not"
    result a_changed_patch_touches_what_it_changes "$why"

    # The same lines, further down: patch would take it with an offset.
    sed '1i /* one more line */' "$pristine/src/gemm.c" >"$tree/moved.c"
    patch_after 41 "$tree/moved.c" >"$tree/darknet-patches/fixes/0001-fits.patch"
    why=
    said=$("$tree/scripts/patch-darknet.sh" 2>&1) && why="applied"
    echo "$said" | grep -q '0001-fits.patch does not fit' || why="$why not named: $said"
    result a_patch_with_an_offset_is_refused "$why"

    # One line of context differs: patch would take it with fuzz.
    sed '43s/.*/something else/' "$pristine/src/gemm.c" >"$tree/moved.c"
    patch_after 41 "$tree/moved.c" >"$tree/darknet-patches/fixes/0001-fits.patch"
    why=
    said=$("$tree/scripts/patch-darknet.sh" 2>&1) && why="applied"
    result a_patch_with_fuzz_is_refused "$why"

    # A hook stands on what the fixes left, whatever their numbers.
    patch_after 40 "$pristine/src/gemm.c" >"$tree/darknet-patches/fixes/0002-first.patch"
    rm "$tree/darknet-patches/fixes/0001-fits.patch"
    sed '40a /* added */' "$pristine/src/gemm.c" >"$tree/fixed.c"
    patch_after 60 "$tree/fixed.c" >"$tree/darknet-patches/hooks/0001-second.patch"
    why=$("$tree/scripts/patch-darknet.sh" 2>&1) && why=
    [ "$(grep -c added "$tree/build/darknet/src/gemm.c")" = 2 ] || why="$why not both applied"
    result hooks_are_applied_after_fixes "$why"

    rm "$tree/darknet-patches"/*/*.patch
    why=$("$tree/scripts/patch-darknet.sh" 2>&1) && why=
    result no_patch_leaves_the_sources_pristine "$why$(diff -r "$pristine" "$tree/build/darknet" 2>&1)"
}

# Whatever is wrong with the head of a patch: it is a subject of one line, an empty line, the reason in sentences, and
# where the patch stands upstream, up to "---".
wrong_head() { # file
    awk '
    /^---$/ { exit }
    NR == 1 && (!/^[A-Z][A-Za-z]/ || /[.<>@]$/ || length > 72) { print "no subject in line 1" }
    NR == 2 && !/^$/ { print "line 2 is not empty" }
    NR == 3 && (/^ *$/ || /^Upstream:/) { print "no reason in line 3" }
    /[<@]|^(From|Date|Subject|Signed-off-by):/ { print "a mail header in line " NR }
    length > 80 { print "line " NR " is too long" }
    /^Upstream: [a-z]/ { upstream = 1 }
    END { if (!upstream) print "not where it stands upstream" }' "$1"
}

# A fix knows nothing of us; a hook includes texp.h and nothing else of ours.
wrong_side() { # file
    case $1 in
        */fixes/*) grep -iE '^[+].*texp' "$1" ;;
        *) grep -E '^[+] *# *include' "$1" | grep -vxF '+#include "texp.h"' ;;
    esac
}

added_lines() {
    cat "$@" | grep -E '^[+]' | grep -cvE '^[+][+][+] '
}

test_heads() {
    why=
    for patch in darknet-patches/*/*.patch; do
        head=$(wrong_head "$patch")
        [ -z "$head" ] || why="$why ${patch##*/}: $head;"
    done
    result every_patch_has_a_subject_a_reason_and_its_place_upstream "$why"

    # What a mangled mail leaves, and each part left out.
    good=$(ls darknet-patches/fixes/0001-*.patch)
    why=
    for edit in '1s/^/ <somebody@example.invalid>\n/' '1s/^/Subject: /' 1d 2d '3,/^$/d' '/^Upstream/,/^---/{/^---/!d}'; do
        sed "$edit" "$good" >"$tree/head.patch"
        [ -n "$(wrong_head "$tree/head.patch")" ] || why="$why $edit passes;"
    done
    result a_mangled_head_is_noticed "$why"
}

test_sides() {
    why=
    for patch in darknet-patches/*/*.patch; do
        side=$(wrong_side "$patch")
        [ -z "$side" ] || why="$why ${patch##*/}: $side;"
    done
    result fixes_know_nothing_of_us_and_hooks_include_texp_h_alone "$why"

    added=$(added_lines darknet-patches/*/*.patch)
    [ "$added" -lt 300 ] && why='' || why="they add $added"
    result patches_add_fewer_than_300_lines "$why"
}

# Darknet's own Makefile builds the fixes alone, with its own flags but for the optimiser, and the program predicts.
test_fixes_alone() {
    cp darknet-patches/fixes/*.patch "$tree/darknet-patches/fixes"
    why=$("$tree/scripts/patch-darknet.sh" 2>&1) && why=
    # Whatever CC is here: Darknet's Makefile names gcc; and g++, which need not be here, for a file that is empty
    # without OpenCV.
    said=$(cd "$tree/build/darknet" && make -s -j2 OPTS=-O0 CC="${CC:-gcc}" CPP="${CC:-gcc} -x c" 2>&1) || why="$why $(echo "$said" | grep -E 'error|Error' | head -n 3)"
    cat >"$tree/fixed.cfg" <<'END'
[net]
height=4
width=4
channels=3

[batchnorm]

[convolutional]
batch_normalize=1
filters=2
size=1
stride=2
activation=leaky

[avgpool]

[softmax]
END
    printf 'P6\n4 4\n255\n' >"$tree/image.ppm"
    head -c 48 "$pristine/src/gemm.c" >>"$tree/image.ppm"
    printf 'one\ntwo\n' >"$tree/names"
    # A name alone: Darknet takes blanks out of values.
    printf 'classes=2\ntop=2\nnames=names\n' >"$tree/fixed.data"
    said=$(cd "$tree" && build/darknet/darknet classifier predict fixed.data fixed.cfg "" image.ppm 2>&1)
    [ "$(echo "$said" | grep -cE '^ *[0-9.]+%: (one|two)$')" = 2 ] || why="$why predicted: $(echo "$said" | tail -n 2)"
    result the_fixes_alone_build_and_predict "$why"
}

test_checkout
test_wrong
test_changed_copy
test_git
test_apt
test_patches
test_heads
test_sides
test_fixes_alone
exit $failed
