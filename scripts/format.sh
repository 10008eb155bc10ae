#!/bin/sh
# Formats the C sources by .clang-format, as clang-format 14 reads it; other versions read the same rules otherwise and
# are refused.
#
#   scripts/format.sh           formats
#   scripts/format.sh -check    prints the files that it would change
#
# Exit status: 0; 1 where -check printed some; 2 without clang-format 14. CLANG_FORMAT=name is tried alone.
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."

formatter=
for name in ${CLANG_FORMAT:-clang-format-14 clang-format}; do
    ! "$name" --version 2>/dev/null | grep -q 'version 14\.' || formatter=$name
done
if [ -z "$formatter" ]; then
    there=$("${CLANG_FORMAT:-clang-format}" --version 2>/dev/null | sed -n 's/.*version \([0-9]*\).*/clang-format \1 is/p')
    echo "The sources are formatted as clang-format 14 does it; ${there:-none is} here." >&2
    echo "Please install clang-format-14 (apt-get on Debian 12) or clang-format==14.0.6 (pip)." >&2
    exit 2
fi

mode=${1:-}
set -- src/*.[ch] src/*/*.[ch] tests/*.[ch] tests/*/*.[ch]
if [ "$mode" = -check ]; then
    others=$("$formatter" --dry-run -Werror "$@" 2>&1 | sed -nE 's/^([^ :]*\.[ch]):.*/\1/p' | sort -u)
    [ -z "$others" ] || { echo "$others" && exit 1; }
else
    "$formatter" -i "$@"
fi
