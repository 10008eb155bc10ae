#!/bin/sh
# Photographs of blood cells with boxes of three classes as Darknet takes them: data/bccd/, which cfg/bccd.data names:
#   images/*.jpg, each with its boxes in a .txt beside it
#   train.list, val.list, test.list, names.list
#
#   BCCD=PATH scripts/prepare-bccd.sh
#
# PATH is the data set in Darknet's form, a folder or an archive that tar knows: images/ and the lists above, in which paths begin
# with images/.
set -eu
# shellcheck source=scripts/prepare-common.sh
. "$(dirname "$0")/prepare-common.sh"

folder=data/bccd
part=data/bccd.part

# Whether folder $1 has lists, and all the images that they name.
is_whole() {
    [ -s "$1/train.list" ] && [ -s "$1/test.list" ] && [ -s "$1/names.list" ] || return 1
    sed "s|^$folder/||" "$1/train.list" "$1/test.list" | while read -r image; do
        [ -s "$1/$image" ] || exit 1
    done
}

if [ -e "$folder" ]; then
    is_whole "$folder" || die "$folder is not whole: remove it (rm -r $folder) and run this again"
    echo "$folder is ready"
    exit 0
fi
source=${BCCD:-}
[ -n "$source" ] || die "BCCD=PATH says where the data set is, a folder or an archive: make train DATA=bccd BCCD=PATH"
[ -e "$source" ] || die "BCCD=$source: no such file or folder"
rm -rf "$part"
mkdir -p "$part"
trap 'rm -rf "$part"' EXIT
trap 'exit 130' HUP INT TERM
if [ -d "$source" ]; then
    cp -R "$source/." "$part"
else
    tar -xf "$source" -C "$part" || die "BCCD=$source: no archive that tar can read"
fi
is_whole "$part" || die "BCCD=$source: needs train.list, test.list, names.list and the images that they name"
for list in "$part"/*.list; do
    [ "$list" = "$part/names.list" ] || sed -i "s|^images/|$folder/images/|" "$list"
done
mv "$part" "$folder" || die "cannot rename $part to $folder"
echo "$folder: $(wc -l <$folder/train.list) training and $(wc -l <$folder/test.list) test images"
