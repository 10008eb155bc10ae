#!/bin/sh
# The rooms of src/ include each other in one direction and no files in a circle; the sources are as clang-format leaves
# them, and shellcheck has nothing to say about the scripts. The last two are skipped where Debian 12's versions are not
# installed, as others judge differently.
set -u

failed=0

result() { # name, empty or why it failed
    if [ -z "$2" ]; then
        echo "ok $1"
    else
        echo "not ok $1: $(echo "$2" | tr '\n' ' ')"
        failed=1
    fi
}

# What each room may include besides itself (docs/architecture.md); hooks.c and texp.h stand above them all.
rooms='base:
theory: base
data: base
store: base
net: base theory data store
cfg: base theory data store net
cpu: base theory data store net
train: base theory data store net cfg cpu
double: base theory data store net cfg train
tools: base theory data store net cfg cpu train double'

# "FILE INCLUDED" for each include of a file of ours in the tree $1, without src/.
includes() {
    (cd "$1" && grep -rHE '^ *# *include "' src) |
        sed -nE 's,^src/([^:]*):.*"([a-z]+/[a-z_0-9]+\.h|texp\.h)".*,\1 \2,p'
}

# Whoever includes what its room may not, in the tree $1.
against_the_direction() {
    { echo "$rooms" && echo && includes "$1"; } | awk '
        !rules_end && /^$/ { rules_end = 1; next }
        !rules_end { room = $1; sub(":", "", room); known[room] = 1; allowed[room, room] = 1
                     for (i = 2; i <= NF; i++) allowed[room, $i] = 1; next }
        $1 !~ "/" { next }
        { split($1, from, "/"); split($2, to, "/") }
        !(from[1] in known) { print "src/" $1 ": no such room in this test" ; next }
        $2 == "texp.h" || !((from[1], to[1]) in allowed) { print "src/" $1 " includes " $2 }'
}

# A circle of files in the tree $1: a .c file and its header are one.
circle() {
    includes "$1" | sed 's/\.[ch]\>//g' | awk '$1 != $2' | sort -u | tsort 2>&1 >/dev/null | grep -v 'contains a loop' | sed 's/^tsort: //'
}

result rooms_include_in_one_direction "$(against_the_direction .)"
result no_files_include_in_a_circle "$(circle .)"

# Both notice what they are for.
broken=$(mktemp -d) && cp -R src "$broken"
echo '#include "net/layers.h"' >>"$broken/src/base/files.c"
[ "$(against_the_direction "$broken")" = 'src/base/files.c includes net/layers.h' ] && why='' || why='a wrong include passes'
result a_wrong_direction_is_noticed "$why"
echo '#include "net/tracks.h"' >>"$broken/src/net/texp_net.h"
[ -n "$(circle "$broken")" ] && why='' || why='a circle passes'
result a_circle_is_noticed "$why"
rm -rf "$broken"

said=$(scripts/format.sh -check 2>&1)
case $? in
    0) result sources_are_formatted "" ;;
    2) echo "skip sources_are_formatted: no clang-format 14 here" ;;
    *) result sources_are_formatted "make format changes $said" ;;
esac

if shellcheck --version 2>/dev/null | grep -q 'version: 0\.9\.'; then
    if findings=$(shellcheck -x scripts/*.sh tests/*.sh .ci/run 2>&1); then
        echo "ok scripts_pass_shellcheck"
    else
        echo "$findings"
        echo "not ok scripts_pass_shellcheck: see above"
        failed=1
    fi
else
    echo "skip scripts_pass_shellcheck: no shellcheck 0.9 here"
fi
exit $failed
