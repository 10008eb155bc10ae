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

# Which of Darknet's commands trains and judges it.
trainer=classifier judge="classifier valid" what="the accuracy"
if grep -q '^\[yolo\]' "$cfg"; then trainer=detector judge="detector map" what="the mean average precision"; fi

echo
echo "$ ./darknet $trainer train $data $cfg"
./darknet $trainer train "$data" "$cfg"

name=$(basename "$cfg" .cfg)
cat <<EOF

What next:
    ./darknet texp schedule $cfg -every 100
        the rates it used
    ./darknet $judge $data $cfg backup/${name}_best.weights
        $what of the best weights
    make train DATA=$(basename "$data" .data) CFG=cfg/...
        another schedule; see cfg/
EOF
