#!/bin/sh
# Makes build/darknet: build/darknet-pristine with darknet-patches/fixes/*.patch, Darknet's own repairs, applied in order,
# and then darknet-patches/hooks/*.patch, which call the plug-in. Again whenever a patch, or the list of them, has changed;
# files that come out the same keep their time, so that they are not compiled again.
#
# By patch and not by `git apply`, which takes hunks at another line silently: here a hunk fits exactly or is refused.
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."

pristine=build/darknet-pristine
target=build/darknet
new=build/darknet.new
stamp=build/darknet-patched

set --
for patch in darknet-patches/fixes/*.patch darknet-patches/hooks/*.patch; do
    [ ! -e "$patch" ] || set -- "$@" "$patch"
done

# What build/darknet depends on; this script too.
state=$(sha256sum darknet-patches/upstream.sha256 scripts/patch-darknet.sh "$@")
if [ -d "$target" ] && [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$state" ]; then
    exit 0
fi

rm -rf "$new"
cp -R "$pristine" "$new"
for patch; do
    if ! said=$(patch -d "$new" -p1 --fuzz=0 --forward --no-backup-if-mismatch --batch <"$patch" 2>&1) ||
        echo "$said" | grep -qiE 'offset|fuzz'; then
        echo "$patch does not fit Darknet 61c9d02 and the patches before it exactly:" >&2
        echo "$said" | grep -vE '^patching file' | sed 's/^/    /' >&2
        exit 1
    fi
done

# Into place, file by file, touching only what changed.
mkdir -p "$target"
(cd "$new" && find . -type d) | while read -r folder; do mkdir -p "$target/$folder"; done
(cd "$new" && find . -type f) | while read -r file; do
    cmp -s "$new/$file" "$target/$file" || cp "$new/$file" "$target/$file"
done
(cd "$target" && find . -type f) | while read -r file; do
    [ -e "$new/$file" ] || rm "$target/$file"
done
rm -rf "$new"
echo "$state" >"$stamp"
echo "Applied $# patches"
