#!/bin/sh
# The rooms of src/ include each other in one direction and no files in a circle; headers declare what their .c file
# defines; the sources are as clang-format leaves them, and shellcheck has nothing to say about the scripts. The last two
# are skipped where Debian 12's versions are not installed, as others judge differently.
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
tools: base theory data store net cfg cpu train double
program: base'

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

# Functions and variables of the plug-in that the headers of the tree $1 declare and the .c or .cu file of the same name does not
# define. Declarations and definitions begin in the first column, as clang-format leaves them; functions may be declared
# by a type of functions, several at once. texp.h is hooks.c's.
declared_elsewhere() {
    (cd "$1" && for header in src/*/*.h; do
        source=${header%.h}.c
        [ -e "$source" ] || source=${header%.h}.cu
        [ -e "$source" ] || source=/dev/null
        awk 'FILENAME ~ /[.]h$/ && (listing || /^(texp_[a-z0-9_]+|extern .*) [*]*texp_[a-z0-9_]+(,|;|\[)/) {
                 listing = !/;/
                 sub(/^(texp_[a-z0-9_]+|extern) /, "")
                 while (match($0, /texp_[a-z0-9_]+ *(,|;|\[)/)) {
                     name = substr($0, RSTART, RLENGTH)
                     sub(/[^a-z0-9_].*/, "", name)
                     declared[name] = 1
                     $0 = substr($0, RSTART + RLENGTH)
                 }
                 next
             }
             /^[A-Za-z]/ && !/^(static|typedef|extern)/ && match($0, /texp_[a-z0-9_]+\(/) {
                 name = substr($0, RSTART, RLENGTH - 1)
                 if (FILENAME ~ /[.]h$/) declared[name] = 1
                 else if (!/;$/) defined[name] = 1
             }
             FILENAME ~ /[.]c$/ && /^[A-Za-z]/ && !/^(static|typedef|extern)/ && match($0, /texp_[a-z0-9_]+( =|;|\[)/) {
                 name = substr($0, RSTART, RLENGTH)
                 sub(/[^a-z0-9_].*/, "", name)
                 defined[name] = 1
             }
             END { for (name in declared) if (!(name in defined)) print ARGV[1] " declares " name }' "$header" "$source"
    done)
}

result rooms_include_in_one_direction "$(against_the_direction .)"
result no_files_include_in_a_circle "$(circle .)"
result headers_declare_what_their_c_file_defines "$(declared_elsewhere .)"

# All notice what they are for.
broken=$(mktemp -d) && cp -R src "$broken"
echo '#include "net/layers.h"' >>"$broken/src/base/files.c"
[ "$(against_the_direction "$broken")" = 'src/base/files.c includes net/layers.h' ] && why='' || why='a wrong include passes'
result a_wrong_direction_is_noticed "$why"
echo '#include "net/tracks.h"' >>"$broken/src/net/texp_net.h"
[ -n "$(circle "$broken")" ] && why='' || why='a circle passes'
result a_circle_is_noticed "$why"
echo 'int texp_stray(int n);' >>"$broken/src/base/files.h"
echo 'int texp_stray(int n) { return n; }' >>"$broken/src/base/number.c"
echo 'texp_runs texp_run_pack, texp_run_stray;' >>"$broken/src/cpu/ops.h"
[ "$(declared_elsewhere "$broken")" = 'src/base/files.h declares texp_stray
src/cpu/ops.h declares texp_run_stray' ] && why='' || why='it passes'
result a_function_declared_elsewhere_is_noticed "$why"
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
