#!/bin/sh
# Every number that a classifier run prints or logs is what an oracle computes from its files: numbers.awk runs the
# network, of one [connected] layer and a [softmax], over the bytes of the images with the weights that were saved.
set -u
. tests/common.sh
oracle=$(pwd)/tests/numbers.awk
cd "$scratch" || exit 1

# --- images, networks, weights

# $1 images of 8x8 in four classes, seed $2: class c is bright in quadrant c, under noise that hides it now and then.
# NAME.images and NAME.labels are IDX files, NAME.list names the images, NAME.bytes and NAME.classes are the oracle's.
images() { # how many, seed, name
    LC_ALL=C awk -v n="$1" -v seed="$2" -v images="$3.images" -v labels="$3.labels" '
    function byte(file, value) { printf "%c", value >file }
    # The minimal standard generator: every awk has a rand() of its own.
    function random() { seed = seed * 16807 % 2147483647; return seed / 2147483647 }
    function word(file, value) { byte(file, 0); byte(file, 0); byte(file, int(value / 256)); byte(file, value % 256) }
    BEGIN {
        word(images, 8 * 256 + 3); word(images, n); word(images, 8); word(images, 8)
        word(labels, 8 * 256 + 1); word(labels, n)
        for (i = 0; i < n; i++) {
            class = int(4 * random())
            byte(labels, class)
            signal = 60 * random()
            for (y = 0; y < 8; y++) for (x = 0; x < 8; x++)
                byte(images, int(170 * random() + 10 + signal * ((y >= 4) * 2 + (x >= 4) == class)))
        }
    }'
    listed "$3"
}

listed() { # name
    "$darknet" texp images idx "$1.images" "$1.labels" labels.list "$1" >/dev/null || exit 1
    find "$(pwd)/$1" -name '*.png' | sort >"$1.list"
    od -An -v -j16 -w64 -tu1 "$1.images" >"$1.bytes"
    od -An -v -j8 -w1 -tu1 "$1.labels" >"$1.classes"
}

printf 'class_a\nclass_b\nclass_c\nclass_d\n' >labels.list
images 24 10101 train
images 30 20202 test
# Three images, of the classes 3, 2, 0.
{ printf '\0\0\010\003\0\0\0\003\0\0\0\010\0\0\0\010' && tail -c +17 test.images | head -c 192; } >three.images
printf '\0\0\010\001\0\0\0\003\003\002\0' >three.labels
listed three
for part in test three; do
    printf 'classes=4\ntrain=train.list\nvalid=%s.list\nlabels=labels.list\nbackup=backup\n' $part >$part.data
done

linear_cfg() { # batch, keys of [net] ...
    printf '[net]\nbatch=%s\nheight=8\nwidth=8\nmomentum=0.9\ndecay=0.01\nseed=6\n' "$1"
    shift
    printf '%s\n' "$@"
    printf '\n[connected]\noutput=4\nactivation=linear\n\n[softmax]\n'
}

ours="channels=1 mean=.4 std=.25"

# 64 weights and a bias for each of four classes, behind the header: version 0.2.0 and no image seen.
header() { printf '\0\0\0\0\002\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'; }
zeros() { head -c "$1" /dev/zero; }
{ header && zeros 1040; } >zero.weights
# Biases 0, 1, 2, 3.
{ header && printf '\0\0\0\0\0\0\200\077\0\0\0\100\0\0\100\100' && zeros 1024; } >biases.weights

# Bytes 20.. of a weights file as numbers, one a line.
parameters() { od -An -v -j20 -w4 -tf4 "$1"; }

mean=.4 std=.25 channels=1

# "images loss accuracy share-among-the-$3-highest" of weights $1 on part $2.
score() {
    parameters "$1" >parameters.txt
    awk -v mean="$mean" -v std="$std" -v channels="$channels" -v top="${3:-1}" -f "$oracle" \
        parameters.txt "$2.bytes" "$2.classes"
}

# Losses are sums of 64 products in float: a logit of some 10 is off by 1e-5 at most, and so is the loss.
near='function near(a, b, allowed) { return a != "" && a - b <= allowed && b - a <= allowed }'

train() { "$darknet" classifier train "$@" >out.txt 2>err.txt; }

# --- by hand

# words of $ours apart on purpose
# shellcheck disable=SC2086
linear_cfg 24 policy=constant learning_rate=.05 max_batches=12 $ours >hand.cfg

# p_i = e^i / (1 + e + e^2 + e^3): the mean loss of the classes 3, 2, 0 is log(1 + e + e^2 + e^3) - 5/3 = 1.773523.
why=
for top in 1 2 3 4; do
    echo "top=$top" | cat three.data - >top.data
    "$darknet" classifier valid top.data hand.cfg biases.weights >out.txt 2>err.txt || why="$why $(tail -n 1 err.txt)"
    grep -qx "3: top 1: 0.333333, top $top: $(echo 0.333333 0.666667 0.666667 1.000000 | cut -d' ' -f$top)" out.txt ||
        why="$why $(grep top out.txt)"
    grep -qx 'test accuracy 33.33 %, test loss 1.7735' out.txt || why="$why $(grep 'test loss' out.txt)"
done
result "the_loss_and_top_k_of_three_images_are_those_computed_by_hand" "$why"

# All outputs equal: the loss is log 4, and classes count as higher in their order: of 3, 2 and 0 one is among the first two.
why=
for top in 1 2 3 4; do
    echo "top=$top" | cat three.data - >top.data
    "$darknet" classifier valid top.data hand.cfg zero.weights >out.txt 2>err.txt
    grep -qx "3: top 1: 0.333333, top $top: $(echo 0.333333 0.333333 0.666667 1.000000 | cut -d' ' -f$top)" out.txt ||
        why="$why $(grep top out.txt)"
    grep -qx 'test accuracy 33.33 %, test loss 1.3863' out.txt || why="$why $(grep 'test loss' out.txt)"
done
result "of_equal_outputs_the_first_counts_as_the_highest" "$why"

# --- each update an epoch: all weights are there

# shellcheck disable=SC2086
linear_cfg 24 policy=steps learning_rate=.004 steps=9 scales=2 max_batches=14 $ours >each.cfg
train test.data each.cfg zero.weights || echo "note $(tail -n 1 err.txt)"
cp zero.weights backup/each_0.weights
for k in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do
    echo "$k $(score backup/each_$((k - 1)).weights train | cut -d' ' -f2) $(score backup/each_$k.weights test)"
done >expected
tail -n +2 backup/each.csv | tr , ' ' >rows

why=$(paste -d' ' expected rows | awk "$near"'
    NF != 16 { print "columns: " $0; exit }
    $7 != $1 { print "row " $1 " is of update " $7 }
    !near($8, $1, 1e-6) { print "update " $1 ": epoch " $8 }
    !near($9, $2, 1e-5) { print "update " $1 ": train loss " $9 ", not " $2 }
    END { if (NR != 14) print NR " rows" }')
result "the_train_loss_of_each_update_is_that_of_its_images_with_the_weights_before_it" "$why"

why=$(paste -d' ' expected rows | awk "$near"'
    !near($12, $4, 1e-5) { print "update " $1 ": test loss " $12 ", not " $4 }
    !near($13, $5, 1e-5) { print "update " $1 ": test accuracy " $13 ", not " $5 }')
result "test_loss_and_accuracy_are_those_of_all_test_images_with_the_weights_after_it" "$why"

# The 30 test images come 24 and 6 at a time.
why=$(awk "$near"' { printed = $0; getline <"rows"; split(printed, word, /[ ,:]+/)
    # epoch E train loss L test loss T test accuracy A % S images/s
    if (word[2] != sprintf("%.3g", $2) || !near(word[5], $3, 6e-5) || !near(word[8], $6, 6e-5) ||
        !near(word[11], 100 * $7, 6e-3) || !near(word[13], $8, .51 + $8 * 1e-6)) print printed " is not of " $0
    n++ } END { if (n != 14) print n " lines" }' <<EOF
$(grep '^epoch ' out.txt)
EOF
)
result "the_line_of_each_epoch_has_the_numbers_of_its_row" "$why"

# UPDATE, EPOCH: LOSS, AVERAGE avg, RATE rate, SECONDS seconds, IMAGES images
why=$(awk "$near"' { printed = $0; getline <"rows"; split(printed, word, /[ ,:]+/)
    average = n ? .9 * average + .1 * $3 : $3
    if (word[1] != $1 || !near(word[2], $2, 6e-4) || !near(word[3], $3, 2e-6) || !near(word[4], average, 5e-6) ||
        !near(word[6], $4, 1e-5 * $4) || word[10] != 24 * $1 || word[8] <= 0 || word[8] > 24 / $8 + 1e-5)
        print printed " is not of " $0 " average " average
    n++ } END { if (n != 14) print n " lines" }' <<EOF
$(grep ' avg, ' out.txt)
EOF
)
result "the_line_of_each_update_has_the_numbers_of_its_row" "$why"

why=$(awk '{ rate = .004 * ($1 >= 9 ? 2 : 1) } $4 / rate - 1 > 1e-6 || 1 - $4 / rate > 1e-6 { print "update " $1 ": rate " $4 }
    $5 / .01 - 1 > 1e-6 || 1 - $5 / .01 > 1e-6 { print "update " $1 ": decay " $5 }' rows)
result "rate_and_decay_of_a_base_policy_are_those_of_the_cfg" "$why"

# "UPDATE TIMES": the first epoch of the highest accuracy, and how often that is reached.
# shellcheck disable=SC2046 # two words
set -- $(awk '$5 > best { best = $5; at = $1; n = 0 } $5 == best { n++ } END { print at, n }' expected)
why=
[ "$2" -gt 1 ] || why="this run shows nothing"
cmp -s backup/each_best.weights "backup/each_$1.weights" || why="$why it is not epoch $1"
result "of_equal_epochs_best_holds_the_first" "$why"

# --- epochs of 24 images in updates of 14, by 7 at a time, which leaves 2 of the 30 test images for the last time

# shellcheck disable=SC2086
linear_cfg 14 policy=constant learning_rate=.05 subdivisions=2 max_batches=19 $ours >parts.cfg
train test.data parts.cfg zero.weights || echo "note $(tail -n 1 err.txt)"
grep '^epoch ' out.txt >epochs
grep -A 1 '^test accuracy' out.txt >last
tail -n +2 backup/parts.csv | tr , ' ' >rows
# Update, loss and accuracy of each epoch's weights, in the order of the epochs; the last one's are _final.
n=0
awk '{ seen = 14 * $1; if (int(seen / 24) > epoch || $1 == 19) print $1, int(seen / 24); epoch = int(seen / 24) }' rows |
    while read -r update epoch; do
        weights=backup/parts_$epoch.weights
        [ "$update" -lt 19 ] || weights=backup/parts_final.weights
        echo "$update $epoch $(score "$weights" test)"
    done >ends

why=$(awk "$near"'NR == FNR { loss[$1] = $4; accuracy[$1] = $5; next }
    !near($2, $1 * 14 / 24, 1e-6) { print "update " $1 ": epoch " $2 }
    $1 in loss && (!near($6, loss[$1], 1e-5 * (1 + loss[$1])) || !near($7, accuracy[$1], 1e-5)) {
        print "update " $1 ": " $6 " " $7 ", not " loss[$1] " " accuracy[$1] }
    !($1 in loss) && NF != 8 { print "update " $1 " has a test: " $0 }
    END { if (FNR != 19) print FNR " rows" }' ends rows)
result "epochs_are_images_seen_by_images_listed_and_each_ends_with_a_test_of_all_images" "$why"

why=$(awk "$near"'NR == FNR { sum += $3; n++; if (NF == 10) { mean[++ends] = sum / n; epoch[ends] = $2; sum = n = 0 } next }
    { split($0, word, /[ ,:]+/); i++
      if (word[2] != sprintf("%.3g", epoch[i]) || !near(word[5], mean[i], 6e-5)) print $0 " not " epoch[i] " " mean[i] }
    END { if (i != ends || i < 11) print i " lines for " ends " epochs" }' rows epochs)
result "the_train_loss_of_an_epoch_is_the_mean_of_its_updates" "$why"
# The best epoch lies in the middle, and so does the worst.
best=$(awk '$5 > best { best = $5; at = $2 } END { print at }' ends)
why=$(awk '$5 > most { most = $5 } NR == 1 { first = least = $5 } $5 < least { least = $5 } END {
    if (!(most > first && most > $5 && least < first && least < $5)) print "this run shows nothing" }' ends)
cmp backup/parts_best.weights "backup/parts_$best.weights" || why="$why it holds another epoch than $best"
cmp -s backup/parts_best.weights backup/parts_final.weights && why="$why it holds the last"
cmp backup/parts_last.weights backup/parts_final.weights || why="$why _last is not _final"
result "best_holds_the_epoch_of_the_highest_test_accuracy" "$why"

# "test accuracy A %, test loss T (best B %, epoch E)"
why=$(awk "$near"'NR == FNR { if ($5 > best) { best = $5; at = $1 * 14 / 24 } loss = $4; accuracy = $5; next }
    FNR == 1 { split($0, word, /[ ,()]+/)
        if (!near(word[3], 100 * accuracy, 6e-3) || !near(word[7], loss, 6e-5) || !near(word[9], 100 * best, 6e-3) ||
            word[12] != sprintf("%.3g", at)) print $0 ", not " accuracy " " loss " " best " " at }
    FNR == 2 && $0 != "wrote backup/parts_{final,last,best}.weights and backup/parts.csv" { print }
    END { if (FNR != 2) print FNR " last lines" }' ends last)
grep -qx 'Learning Rate: 0.05, Momentum: 0.9, Decay: 0.01' out.txt || why="$why $(grep Momentum out.txt)"
result "the_last_lines_have_the_scores_of_the_last_and_the_best_epoch" "$why"

# --- the other commands

why=
for top in 1 2 3; do
    echo "top=$top" | cat test.data - >top.data
    "$darknet" classifier valid top.data each.cfg backup/each_best.weights >out.txt 2>err.txt
    expected=$(score backup/each_best.weights test $top |
        awk -v top=$top '{ printf "%d: top 1: %f, top %d: %f\ntest accuracy %.2f %%, test loss %.4f\n", $1, $3, top, $4, 100 * $3, $2 }')
    [ "$(tail -n 2 out.txt)" = "$expected" ] || why="$why $(tail -n 2 out.txt), not $expected"
done
result "classifier_valid_prints_the_scores_of_its_weights" "$why"

# Images of class A are named after their places in the IDX file, from 1 on.
echo "top=3" | cat test.data - >top.data
picture=$(sed -n 5p test.list)
place=$(basename "$picture" .png | sed 's/^0*//')
"$darknet" classifier predict top.data each.cfg backup/each_14.weights "$picture" >out.txt 2>err.txt
parameters backup/each_14.weights >parameters.txt
sed -n "${place}p" test.bytes >one.bytes
sed -n "${place}p" test.classes >one.classes
why=$(awk -v mean=.4 -v std=.25 -v channels=1 -v each=1 -f "$oracle" parameters.txt one.bytes one.classes |
    tr ' ' '\n' | awk '{ printf "%.9f class_%c\n", 100 * $1, 97 + NR - 1 }' | sort -rn | head -n 3 | paste -d' ' - out.txt |
    awk "$near"'{ if ($4 != $2 || !near($3 + 0, $1, 6e-3)) print } END { if (NR != 3) print NR " lines" }')
result "classifier_predict_prints_the_highest_outputs_in_their_order" "$why"

# --- Darknet's loader: the same images as three equal channels, values 0..1

linear_cfg 7 policy=cosine channels=3 learning_rate=.05 max_batches=9 >stock.cfg
train test.data stock.cfg
mean=0 std=1 channels=3
why=$(awk -F, 'NR > 1 && $6 != "" { print $1, $6, $7 }' backup/stock.csv | while read -r update loss accuracy; do
    weights=backup/stock_$((update * 7 / 24)).weights
    [ "$update" -lt 9 ] || weights=backup/stock_final.weights
    echo "$(score $weights test) $loss $accuracy"
done | awk "$near"'!near($5, $2, 1e-5) || !near($6, $3, 1e-5) { print $5 " " $6 ", not " $2 " " $3 } END { if (NR != 3) print NR " tests" }')
grep -qx 'trained weights: 772' err.txt || why="$why $(grep 'trained weights' err.txt)"
result "with_darknets_loader_test_loss_and_accuracy_are_those_of_the_whole_list" "$why"

echo "top=2" | cat test.data - >top.data
"$darknet" classifier valid top.data stock.cfg backup/stock_final.weights >out.txt 2>err.txt
why=$(score backup/stock_final.weights test 2 | awk '{ printf "29: top 1: %f, top 2: %f\n", $3, $4 }')
if [ "$(tail -n 1 out.txt)" = "$why" ]; then why=; else why="$(tail -n 1 out.txt), not $why"; fi
result "darknets_classifier_valid_prints_the_scores_of_its_weights" "$why"
mean=.4 std=.25 channels=1

# --- rates and decays of the exponential forms: docs/mathematics.md, section 2, as it stands there

# The tiny network for these images; more keys of [net] come as arguments.
small_cfg() {
    tiny_cfg affine=0 seed=7 mean=.4 std=.25 "$@" | sed '/^output=2/s/2/4/'
}

for form in texp++ texp texp--; do
    for correction in 0 1; do
        [ $form = texp ] || [ $correction = 0 ] || continue
        # The weights grow by a factor above 2, so that powers of two move.
        small_cfg policy=$form momentum_correction=$correction base_policy=steps steps=4,8 scales=.5,2 decays=.5,3 \
            max_batches=50 | sed 's/^decay=.*/decay=.015/' >form.cfg
        [ $form = texp ] || sed -i /^momentum_correction/d form.cfg
        train test.data form.cfg || echo "note $(tail -n 1 err.txt)"
        tail -n +2 backup/form.csv | tr , ' ' | awk -v form=$form -v correction=$correction "$near"'
            BEGIN { P = 1; s = 0; momentum = .9 }
            {
                eta = .1 * ($1 >= 4 ? .5 : 1) * ($1 >= 8 ? 2 : 1)
                lambda = .015 * ($1 >= 4 ? .5 : 1) * ($1 >= 8 ? 3 : 1)
                b = 1 + momentum - eta * lambda
                alpha = form == "texp++" ? 1 - eta * (lambda + momentum * s) : (b + sqrt(b * b - 4 * momentum)) / 2
                before = s
                s = (1 / alpha - 1) / eta
                decay = correction ? momentum * (before - s) / P ^ 2 : 0
                rate = P * P / alpha * (form == "texp--" ? .1 : eta)
                P /= alpha
                if (!near($4, rate, 1e-8 * rate) || !near($5, decay, 1e-7 * (decay < 0 ? -decay : decay)))
                    print form " update " $1 ": " $4 " " $5 ", not " rate " " decay
            }
            END { if (NR != 50 || P < 2) print NR " rows, P " P }'
    done
done >why
result "rate_and_decay_of_the_exponential_forms_are_those_of_the_policy_not_of_its_base" "$(cat why)"

# --- norms: each update an epoch again, from weights that were saved

small_cfg policy=texp++ norms=1 max_batches=1 |
    sed 's/^batch=.*/batch=24/; s/^learning_rate=.*/learning_rate=1/; s/^decay=.*/decay=.0026/' >norms.cfg
train test.data norms.cfg || echo "note $(tail -n 1 err.txt)"
mv backup/norms_final.weights first.weights
sed -i 's/^max_batches=.*/max_batches=25/' norms.cfg
train test.data norms.cfg first.weights -clear || echo "note $(tail -n 1 err.txt)"
cp first.weights backup/norms_0.weights
# Behind the header: [convolutional] of 8 biases and 8x1x3x3 weights, [batchnorm] of 3x8 numbers, [convolutional] of 8
# biases and 8x8x3x3 weights.
for k in $(seq 0 25); do
    parameters "backup/norms_$k.weights" | awk -v k="$k" '
        NR > 8 && NR <= 80 { print k, 0, $1 }
        NR > 112 && NR <= 688 { print k, 3, $1 }'
done >weights
why=$(tail -n +2 backup/norms_norms.csv | tr , ' ' | awk "$near"'
    # P_k is the scale in front of update k, at a constant rate of 1; weights are held at P 2^-m, m the nearest.
    BEGIN {
        decay = .0026; s = 0; P[1] = 1
        for (k = 1; k <= 25; k++) {
            alpha = 1 - (decay + .9 * s)
            s = 1 / alpha - 1
            P[k + 1] = P[k] / alpha
            rate[k] = P[k] * P[k + 1]
            held[k] = 2 ^ int(log(P[k + 1]) / log(2) + .5)
        }
        held[0] = 1
    }
    NR == FNR { w[$1, $2, n[$1, $2]++] = $3 * held[$1]; next }
    {
        k = $1; size = n[k, $2]; before = after = step = dot = 0
        for (i = 0; i < size; i++) {
            a = w[k - 1, $2, i]; b = w[k, $2, i]
            before += a * a; after += b * b; step += (b - a) ^ 2; dot += a * b
        }
        cosine = dot / sqrt(before * after)
        angle = atan2(sqrt(1 - cosine * cosine), cosine)
        q = k > 1 ? .9 * rate[k] / rate[k - 1] : 0
        predicted = sqrt(before + step + q * growth[$2])
        growth[$2] = after - before + step
        settles = sqrt(2 * decay / 1.9)
        if (!near($3, sqrt(after), 1e-7 * $3) || !near($4, predicted, 1e-6 * $4) || !near($5, angle, 1e-6) ||
            !near($6, settles, 1e-7) || !near($7, rate[k] / sqrt(before * after), 1e-6 * $7))
            print $0 ", not " sqrt(after) " " predicted " " angle " " settles " " rate[k] / sqrt(before * after)
        rows++
    }
    END { if (rows != 50) print rows " rows"; if (held[25] < 2) print "nothing was halved: this shows less" }' weights - 2>&1)
result "norms_angles_and_effective_rates_are_those_of_the_weights_saved" "$why"

# --- times: a run that stands still for a second, ends, and goes on a second later

milliseconds() { date +%s%N | cut -c1-13; }

rows_of() { # file
    tail -n +2 "$1" 2>/dev/null | wc -l
}

wait_for_rows() { # how many, file
    tries=0
    while [ "$(rows_of "$2")" -lt "$1" ] && [ $tries -lt 600 ]; do
        sleep .05
        tries=$((tries + 1))
    done
}

# Convolutions of 128 filters, for updates that take milliseconds.
slow_cfg() { # keys
    linear_cfg 4 subdivisions=2 policy=constant learning_rate=1e-6 "$@" | sed '/^\[connected\]/{
        s/^/[convolutional]\nfilters=128\nsize=3\npad=1\nactivation=relu\n\n/
        s/^.*\n\n/&&&/
    }'
}

# shellcheck disable=SC2086
slow_cfg max_batches=0 $ours >slow.cfg
from=$(milliseconds)
"$darknet" classifier train test.data slow.cfg >out.txt 2>err.txt &
child=$!
wait_for_rows 5 backup/slow.csv
kill -STOP $child
sleep 1
kill -CONT $child
wait_for_rows $(($(rows_of backup/slow.csv) + 40)) backup/slow.csv
kill -TERM $child
wait $child
to=$(milliseconds)
first=$((to - from))
kept=$(rows_of backup/slow.csv)

sleep 1
# shellcheck disable=SC2086
slow_cfg max_batches=$((kept + 60)) $ours >slow.cfg
from=$(milliseconds)
train test.data slow.cfg backup/slow_last.weights
to=$(milliseconds)
tail -n +2 backup/slow.csv | cut -d, -f1-9 | tr , ' ' >rows
why=$(awk -v first=$first -v second=$((to - from)) -v kept="$kept" '
    $NF < last { print "update " $1 ": " $NF " seconds, " last " before" }
    { last = $NF }
    NR == kept && (last < 1 || last > first / 1000) { print last " seconds of " first / 1000 ", one of them at rest" }
    END { if (last > (first + second) / 1000) print last " seconds of " (first + second) / 1000
          if (NR != kept + 60) print NR " rows, " kept " of them before" }' rows)
grep -q "^continuing behind update $kept, epoch $(awk -v k="$kept" 'BEGIN { printf "%.2f", k * 4 / 24 }')" out.txt ||
    why="$why $(grep continuing out.txt)"
result "seconds_go_on_in_a_resumed_run_and_leave_out_the_time_between" "$why"

# From one update to the next pass (images an update)/(images a second), and what printing takes, which is no training:
# not half as much. Updates behind a save are left out. A stretch between two saves is a millisecond off at most, as times
# are written in milliseconds, and images/s with one digit behind the point.
why=$(awk -v kept="$kept" '
    { saved = int(4 * ($1 - 1) / 24) > int(4 * ($1 - 2) / 24) || NR <= kept + 1 }
    NR == 1 && $NF < 4 / ($(NF - 1) + .051) - .001 { print "the first took " 4 / $(NF - 1) ", after " $NF " seconds" }
    !saved { passed += $NF - last; told += 4 / $(NF - 1); allowed += .051 * 4 / $(NF - 1) ^ 2
              if (saved_before) stretches++ }
    { last = $NF; saved_before = saved }
    END { allowed += .001 * stretches + .001
          if (told > passed + allowed || passed > 1.5 * told + allowed || stretches < 9 || told < .004 * stretches)
              print told " seconds by images/s, " passed " by seconds, in " stretches }' rows)
result "images_a_second_are_those_of_the_seconds" "$why"

# --- on a terminal: one line that is written again and again

if command -v script >/dev/null; then
    # shellcheck disable=SC2086
    linear_cfg 1 policy=constant learning_rate=.01 max_batches=1000000000 $ours >live.cfg
    # shellcheck disable=SC2016 # for the shell that script starts
    script -q -c 'echo $$ >pid; exec "'"$darknet"'" classifier train test.data live.cfg' live.txt >/dev/null 2>&1 </dev/null &
    child=$!
    wait_for_rows 60 backup/live.csv
    kill -TERM "$(cat pid)"
    wait $child
    tail -n +2 backup/live.csv >rows.live
    # epoch E [###...] loss L  rate R  S images/s  H:MM:SS left
    why=$(tr '\r' '\n' <live.txt | sed -n 's/^.*\[K\(epoch [0-9]* \[.*\)$/\1/p' | awk "$near"'
        NR == FNR { row[FNR] = $0; split($0, r, ","); loss[FNR] = r[3]; speed[FNR] = r[8]; next }
        {
            k = FNR; average = k > 1 ? .9 * average + .1 * loss[k] : loss[k]
            epoch = int(k / 24); full = int(24 * (k / 24 - epoch))
            split($10, clock, ":")
            left = split($10, clock, ":") == 3 ? clock[1] * 3600 + clock[2] * 60 + clock[3] : clock[1] * 60 + clock[2]
            expected = (1e9 - k) / speed[k]
            if ($2 != epoch + 1 || gsub("#", "#", $3) != full || length($3) != 26 || !near($5, average, 6e-5) ||
                !near($7, .01, 1e-6) || !near($8, speed[k], .51 + 1e-6 * speed[k]) ||
                !near(left, expected, .51 + expected * .06 / speed[k]) || $11 !~ "^left")
                print $0 ", not of " row[k] " average " average " left " expected
            n++
        }
        END { if (n < 60) print n " lines" }' rows.live -)
    result "the_live_line_has_the_numbers_of_its_row" "$why"
else
    echo "skip the_live_line_has_the_numbers_of_its_row: no program script here"
fi
finish
