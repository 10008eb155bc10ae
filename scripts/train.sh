#!/bin/sh
# Trains, with the command shown; `make train` calls it.
#
#   scripts/train.sh DATA CFG
set -eu
cd "$(dirname "$0")/.."

data=$1
cfg=$2
scripts/check-writable.sh backup
if [ ! -f "$cfg" ]; then
    echo "CFG=$cfg: no such file; there are" >&2
    ls cfg/*.cfg >&2
    exit 1
fi

echo
echo "$ ./darknet classifier train $data $cfg"
./darknet classifier train "$data" "$cfg"

name=$(basename "$cfg" .cfg)
cat <<EOF

What next:
    ./darknet texp schedule $cfg -every 100
        the rates it used
    ./darknet classifier valid $data $cfg backup/${name}_best.weights
        the accuracy of the best weights
    make train DATA=$(basename "$data" .data) CFG=cfg/...
        another schedule; see cfg/
EOF
