#!/bin/sh
# `darknet texp check`: its answers against hand analysis (tests/check/expected.txt), its forms, its exit status.
set -u
. tests/common.sh
root=$(pwd)
pristine=$root/build/darknet-pristine/cfg
expected=$root/tests/check/expected.txt
cd "$scratch" || exit 1

check() { "$darknet" texp check "$@"; }

# ---- the networks

preresnet=$root/cfg/preresnet32-texp++.cfg
cp "$preresnet" preresnet32.cfg
# The [batchnorm] between a [route] and its 1x1 convolution goes; the shortcut behind counts one less.
awk '/^\[/ { drop = $0 == "[batchnorm]" && last == "[route]"; if (drop) fewer = 1; last = $0 }
    fewer && /^from=-4/ { print "from=-3"; fewer = 0; next } !drop' preresnet32.cfg >preresnet32-unnormalised.cfg
grep -v '^fixed=1' preresnet32.cfg >preresnet32-last-layer.cfg
grep -v '^affine=0' preresnet32.cfg >preresnet32-affine.cfg

conv() { # filters size stride activation more
    printf '[convolutional]\nfilters=%s\nsize=%s\nstride=%s\npad=1\nactivation=%s\n' "$1" "$2" "$3" "$4"
    shift 4
    printf '%s\n' "$@"
}
net() { printf '[net]\nbatch=4\nheight=8\nwidth=8\nchannels=3\nlearning_rate=.1\ndecay=.001\npolicy=texp++\n' && printf '%s\n' "$@"; }
last() { printf '[connected]\noutput=4\nactivation=linear\n' && printf '%s\n' "$@" && printf '[softmax]\n'; }
postresnet() { # of [net], of the projection
    net "$1"
    conv 4 3 1 relu batch_normalize=1
    conv 6 3 2 relu batch_normalize=1
    conv 6 3 1 linear batch_normalize=1
    printf '[route]\nlayers=-3\n'
    conv 6 1 2 linear "$2"
    printf '[shortcut]\nfrom=-3\nactivation=relu\n[avgpool]\n'
    last fixed=1
}
postresnet affine=0 batch_normalize=1 >postresnet.cfg
postresnet affine=0 bias=0 >postresnet-unnormalised.cfg
postresnet '' batch_normalize=1 >postresnet-affine.cfg
postresnet '' bias=0 >postresnet-affine-unnormalised.cfg
{ net && conv 4 3 1 leaky && printf '[maxpool]\nsize=2\n' && conv 4 3 1 leaky && printf '[avgpool]\n' && last; } >plain.cfg
{ net affine=0 && conv 4 3 1 linear && printf '[maxpool]\nsize=2\n[batchnorm]\n' && last fixed=1; } >plain-norm.cfg
{ net affine=0 && conv 4 3 1 relu && printf '[maxpool]\nsize=2\n[batchnorm]\n' && last fixed=1; } >plain-norm-relu.cfg
{ net affine=0 && conv 4 3 1 linear bias=0 learning_rate=2 && conv 4 3 1 linear bias=0 && printf '[batchnorm]\n' &&
    last fixed=1; } >own-rate.cfg
{ printf '[net]\nbatch=4\ninputs=6\n[gru]\noutput=5\n' && last; } >recurrent.cfg
for name in darknet19 resnet50 yolov3 yolov3-tiny alexnet vgg-16 densenet201; do
    cp "$pristine/$name.cfg" .
done

# ---- answers

# The section of a network, without its reasons.
expected_of() { awk -v name="$1" '/^== / { on = $2 == name; next } on && !/^#/ && NF' "$expected"; }

sed -n 's/^== //p' "$expected" >names.txt
while read -r name; do
    check "$name.cfg" -csv >csv.txt 2>err.txt
    status=$?
    check "$name.cfg" >table.txt 2>>err.txt
    {
        echo "base:$(awk -F, 'NR > 1 && $6 > 0 && $9 == "base" { printf " %s", $1 }' csv.txt)"
        grep -E '^(layer [0-9]|scale invariant|exponential rate)' table.txt
    } >said.txt
    expected_of "$name" >wanted.txt
    why=
    cmp -s said.txt wanted.txt || why="$(diff wanted.txt said.txt | head -n 4)"
    grep -q '^scale invariant: yes' wanted.txt && wanted=0 || wanted=1
    [ $status -eq "$wanted" ] || why="$why exit status $status"
    [ ! -s err.txt ] || why="$why stderr: $(head -n 2 err.txt)"
    result "hand_analysis_agrees:$name" "$why"
done <names.txt

# Degrees by hand: stem 0 -> 1 -> norm; 1+1 in the sum; a route carries 1, its norm ends it.
check postresnet-affine-unnormalised.cfg | sed -n 1,10p >table.txt
cat >wanted.txt <<'END'
layer  type             output          degree in  degree out  rate
    0  convolutional    8x8x4                   0           0  exponential
    1  convolutional    4x4x6                   0           0  exponential
    2  convolutional    4x4x6                   0           0  exponential
    3  route            8x8x4                   0           0  none
    4  convolutional    4x4x6                   0           0  base
    5  shortcut         4x4x6                   0           0  none
    6  avgpool          1x1x6                   0           0  none
    7  connected        1x1x4                   0           0  fixed
    8  softmax          1x1x4                   0           0  none
END
result the_table_has_a_row_a_layer "$(diff wanted.txt table.txt)"

check preresnet32-affine.cfg >table.txt
why=$(awk '/^ +[0-9]+ / {
    if ($2 == "convolutional" && ($4 != 0 || $5 != 1 || $6 != "exponential")) print
    if ($2 == "shortcut" && ($4 != 1 || $5 != 1)) print
    if ($2 == "route" && ($4 != 1 || $5 != 1)) print
    if ($2 == "batchnorm" && ($4 != 1 || $5 != 0 || $6 != "base")) print
    if ($2 == "connected" && $6 != "fixed") print
    rows++
} END { if (rows != 117) print rows " rows" }' table.txt)
result every_row_of_preresnet32_is_as_by_hand "$why"

# ---- remedies: a cfg that follows them is scale invariant

# add_key CFG LAYER KEY
add_key() { awk -v n="$2" -v key="$3" '{ print } /^\[/ && i++ == n + 1 { print key }' "$1" >added.cfg && mv added.cfg "$1"; }
yes() { # name cfg
    check "$2" >out.txt 2>&1
    status=$?
    result "$1" "$([ $status -eq 0 ] || tail -n 4 out.txt)"
}
cp darknet19.cfg remedied.cfg
add_key remedied.cfg 23 fixed=1
add_key remedied.cfg 22 affine=0
yes following_the_remedies_makes_darknet19_scale_invariant remedied.cfg
cp yolov3.cfg remedied.cfg
for head in 81 93 105; do
    add_key remedied.cfg $head fixed=1
    add_key remedied.cfg $((head - 1)) affine=0
done
yes following_the_remedies_makes_yolov3_scale_invariant remedied.cfg
awk '/^\[avgpool\]/ { print "[batchnorm]\naffine=0\n" } { print }' resnet50.cfg >remedied.cfg
add_key remedied.cfg 68 fixed=1
yes following_the_remedies_makes_resnet50_scale_invariant remedied.cfg
awk '/^\[softmax\]/ { print "[batchnorm]\n" } { print }' alexnet.cfg | sed 's/^\[net\]/&\naffine=0/' >remedied.cfg
for layer in 2 4 5 6 8 10 12; do add_key remedied.cfg $layer bias=0; done
yes following_the_remedies_makes_alexnet_scale_invariant remedied.cfg

# ---- -csv

check preresnet32-unnormalised.cfg -csv >csv.txt
why=
[ "$(head -n 1 csv.txt)" = layer,type,width,height,channels,weights,degree_in,degree_out,rate,group,scale_invariant,obstacle ] ||
    why="header $(head -n 1 csv.txt)"
[ "$(wc -l <csv.txt)" -eq 116 ] || why="$why $(wc -l <csv.txt) lines for 115 layers"
# 3x3x3 by 16
[ "$(sed -n 2p csv.txt)" = "0,convolutional,32,32,16,432,0,1,exponential,0,no," ] || why="$why row $(sed -n 2p csv.txt)"
[ "$(sed -n 46p csv.txt)" = '44,shortcut,16,16,32,0,1,1,none,,no,"layer 44 [shortcut] adds degrees 1 and 2: put a [batchnorm] before layer 43"' ] ||
    why="$why row $(sed -n 46p csv.txt)"
[ "$(awk -F, '$9 == "exponential"' csv.txt | wc -l)" -eq 31 ] || why="$why not 31 exponential"
[ "$(awk -F, 'NR > 1 && $6 > 0' csv.txt | wc -l)" -eq 34 ] || why="$why not 34 with weights"
result csv_has_a_row_a_layer_and_all_answers "$why"

# One for each stage's sum, and one for every convolution within a block: 3 + 15.
why=$(check preresnet32.cfg -csv | awk -F, '$10 != "" && NR > 1 { seen[$10] = 1 } END { for (g in seen) n++; if (n != 18) print n }')
result groups_are_numbered "$why"

# ---- exit status and messages

refused() { # name, words, arguments
    name=$1 words=$2
    shift 2
    check "$@" >out.txt 2>err.txt
    status=$?
    why=
    [ $status -eq 2 ] || why="exit status $status"
    grep -qF -- "$words" err.txt || why="$why no '$words' in: $(cat err.txt)"
    [ "$(wc -l <err.txt)" -eq 1 ] || why="$why $(wc -l <err.txt) lines"
    [ ! -s out.txt ] || why="$why stdout: $(head -n 1 out.txt)"
    result "exit_status_2:$name" "$why"
}
refused no_file 'usage: darknet texp check CFG'
refused two_files 'plain.cfg: one argument too many' plain.cfg plain.cfg
refused unknown_flag '-cvs: unknown argument' plain.cfg -cvs
refused missing_file "nothere.cfg: can't read: No such file" nothere.cfg
sed 's/^decay=.*/decay=x/' plain.cfg >bad.cfg
refused bad_number 'bad.cfg:7: [net] decay=x: not a finite number' bad.cfg
sed 's/^\[maxpool\]/[maxpol]/' plain.cfg >bad.cfg
refused bad_section '[maxpol] Darknet has no layer of this type; did you mean [maxpool]?' bad.cfg
sed 's/^\[avgpool\]/[avgpool]\n[route]\nlayers=99/' plain.cfg >bad.cfg
refused bad_route 'layers=99: names no layer before this one' bad.cfg
sed 's/^\[softmax\]/&\n[convolutional]/' plain.cfg >bad.cfg
refused no_image 'this layer needs an image' bad.cfg
sed 's/^\[softmax\]/[yolo]/' plain.cfg >bad.cfg
refused wrong_filters 'needs 25 channels before it' bad.cfg
: >bad.cfg
refused empty_file 'Config file has no sections' bad.cfg
printf '[net]\nheight=8\nwidth=8\nchannels=3\n' >bad.cfg
refused no_layers 'bad.cfg: no layer follows [net]' bad.cfg

sed 's/^\[softmax\]/&\npad=1/' plain.cfg >warned.cfg
check warned.cfg >out.txt 2>err.txt
status=$?
why=
[ $status -eq 1 ] || why="exit status $status"
[ "$(cat err.txt)" = "Unused field: 'pad = 1'" ] || why="$why stderr: $(cat err.txt)"
result warnings_are_shown_and_the_layer_table_is_not "$why"

if [ -w /dev/full ]; then
    check plain.cfg >/dev/full 2>err.txt
    status=$?
    result exit_status_2:full_disk "$([ $status -eq 2 ] || echo "status $status")"
else
    echo "skip exit_status_2:full_disk: no /dev/full"
fi

# ---- -probe

for name in preresnet32-unnormalised postresnet postresnet-affine-unnormalised plain-norm own-rate yolov3-tiny; do
    check "$name.cfg" >table.txt 2>&1
    before=$?
    check "$name.cfg" -probe >out.txt 2>&1
    status=$?
    why=
    [ "$(tail -n 1 out.txt)" = "probe: passed" ] || why="$(tail -n 2 out.txt)"
    [ $status -eq $before ] || why="$why exit status $status, without the probe $before"
    head -n -2 out.txt | cmp -s - table.txt || why="$why the table is not what it is without the probe"
    tail -n 2 out.txt | grep -Eq 'probe: [0-9]+ layers scaled, largest relative difference [0-9.e-]+ ' || why="$why $(tail -n 2 out.txt)"
    result "the_probe_passes:$name" "$why"
done
check plain.cfg -csv -probe >csv.txt 2>err.txt
why=
printf 'probe: no layer to scale\nprobe: passed\n' | cmp -s - err.txt || why="stderr: $(cat err.txt)"
grep -q probe csv.txt && why="$why stdout: $(grep probe csv.txt)"
result with_csv_the_probe_speaks_on_stderr "$why"
finish
