#!/bin/sh
# `detector map`, `valid`, `valid2`, `recall`, `test`, and the validation of `detector train`.
set -u
. tests/common.sh
. tests/detector_common.sh
cd "$scratch" || exit 1

boxes_data 24
echo valid=boxes.list >>boxes.data
boxes_cfg 64 batch=8 max_batches=300 policy=texp++ seed=3 threads=1 valid_every=10 >a.cfg
"$darknet" detector train boxes.data a.cfg -map -dont_show >trained.txt 2>err.txt || { cat err.txt; exit 1; }
weights=backup/a_final.weights

# --- average precision

# COCO's file of boxes holds all that it takes to compute the numbers anew; images are numbered.
cp boxes.data coco.data && echo eval=coco >>coco.data
"$darknet" detector valid coco.data a.cfg $weights >out.txt 2>err.txt || cat err.txt
# shellcheck disable=SC2016 # awk's dollars
oracle='
# Files: labels by FILENAME, sizes of images as "size IMAGE W H", then the boxes. Prints AP CLASS IOU POINTS VALUE, and counts.
FILENAME ~ /labels\// { image = FILENAME; sub(/.*\//, "", image); sub(/\.txt/, "", image); image += 0; t = ++truths[image, $1]
    total[$1]++
    tw[image, $1, t] = $4 * W[image]; th[image, $1, t] = $5 * H[image]
    tx[image, $1, t] = $2 * W[image] - tw[image, $1, t] / 2; ty[image, $1, t] = $3 * H[image] - th[image, $1, t] / 2; next }
$1 == "size" { W[$2] = $3; H[$2] = $4; next }
/image_id/ { gsub(/[^0-9.-]+/, " "); $0 = $0; n++; image_of[n] = $1; class[n] = $2 - 1; x[n] = $3; y[n] = $4; w[n] = $5; h[n] = $6; score[n] = $7 }
function min(a, b) { return a < b ? a : b }
function max(a, b) { return a > b ? a : b }
function iou(d, i, c, t,   ow, oh) {
    ow = min(x[d] + w[d], tx[i, c, t] + tw[i, c, t]) - max(x[d], tx[i, c, t])
    oh = min(y[d] + h[d], ty[i, c, t] + th[i, c, t]) - max(y[d], ty[i, c, t])
    return ow <= 0 || oh <= 0 ? 0 : ow * oh / (w[d] * h[d] + tw[i, c, t] * th[i, c, t] - ow * oh) }
# Whether each detection of a class, from the best down, is right.
function match_all(c, wanted, coco, least,   k, d, i, t, best, here, at) {
    m = 0; split("", taken)
    for (k = 1; k <= n; k++) { d = order[k]; if (class[d] != c || score[d] < least) continue
        i = image_of[d]; best = 0; at = 0
        for (t = 1; t <= truths[i, c]; t++) { if (coco && taken[i, t]) continue
            here = iou(d, i, c, t); if (here > best) { best = here; at = t } }
        good[++m] = at && best >= wanted && !taken[i, at]
        if (good[m]) { taken[i, at] = 1; overlap += best } } }
function ap(c, wanted, points,   k, right, sum, last, r) {
    match_all(c, wanted, points == 101, 0); right = 0
    for (k = 1; k <= m; k++) { right += good[k]; recall[k] = right / total[c]; precision[k] = right / k }
    for (k = m - 1; k >= 1; k--) precision[k] = max(precision[k], precision[k + 1])
    sum = last = 0
    if (!points) { for (k = 1; k <= m; k++) { sum += (recall[k] - last) * precision[k]; last = recall[k] } return sum }
    k = 1
    for (r = 0; r < points; r++) { while (k <= m && recall[k] < r / (points - 1) - 1e-12) k++; if (k <= m) sum += precision[k] }
    return sum / points }
END {
    for (k = 1; k <= n; k++) { for (j = k; j > 1 && score[order[j - 1]] < score[k]; j--) order[j] = order[j - 1]; order[j] = k }
    printf "area %.6f %.6f %.6f\n", 100 * ap(0, .5, 0), 100 * ap(1, .5, 0), 50 * (ap(0, .5, 0) + ap(1, .5, 0))
    printf "eleven %.6f\n", 50 * (ap(0, .5, 11) + ap(1, .5, 11))
    printf "strict %.6f\n", 50 * (ap(0, .6, 0) + ap(1, .6, 0))
    for (k = 50; k <= 95; k += 5) all += ap(0, k / 100, 101) + ap(1, k / 100, 101)
    printf "coco %.6f %.6f\n", 5 * all, 50 * (ap(0, .5, 101) + ap(1, .5, 101))
    overlap = right = wrong = 0
    for (c = 0; c < 2; c++) { match_all(c, .5, 0, .2); for (k = 1; k <= m; k++) { right += good[k]; wrong += !good[k] } }
    printf "counts %d %d %d %.6f %.6f %.6f %.6f\n", right, wrong, total[0] + total[1] - right, right / (right + wrong),
        right / (total[0] + total[1]), 2 * right / (right + wrong + total[0] + total[1]), 100 * overlap / right }'
for image in images/*.png; do
    sed -n "2s/^/size $(basename "$image" .png) /p" "$image" | head -n 1
done >sizes.txt 2>/dev/null
LC_ALL=C awk "$oracle" sizes.txt labels/*.txt results/coco_results.json >oracle.txt

map() { "$darknet" detector map boxes.data a.cfg $weights "$@" 2>err.txt; }
value() { sed -n "s/$1/\\1/p"; } # of the first group
{
    map >map.txt
    echo "area $(value '^class 0, one: AP \([0-9.]*\) .*' <map.txt) $(value '^class 1, two: AP \([0-9.]*\) .*' <map.txt) $(value '^mAP@0.5 \([0-9.]*\) .*' <map.txt)"
    echo "eleven $(map -points 11 | value '^mAP@0.5 \([0-9.]*\) .*')"
    echo "strict $(map -iou .6 | value '^mAP@0.6 \([0-9.]*\) .*')"
    map -iou .5:.95 >coco.txt
    echo "coco $(value '^mAP@.5:.95 \([0-9.]*\) .*' <coco.txt) $(value '^mAP@0.5 \([0-9.]*\) .*' <coco.txt)"
    map -thresh .2 >low.txt
    echo "counts $(value '^at threshold 0.2: TP \([0-9]*\).*' <low.txt) $(value '^at threshold.* FP \([0-9]*\).*' <low.txt) $(value '^at.* FN \([0-9]*\)$' <low.txt) $(value '^at.*precision \([0-9.]*\).*' <low.txt) $(value '^at.*recall \([0-9.]*\).*' <low.txt) $(value '^at.*F1 \([0-9.]*\).*' <low.txt) $(value '^at.*IoU \([0-9.]*\).*' <low.txt)"
} >ours.txt
# Six digits behind the point were written of boxes, all of scores: IoUs of boxes of 10 pixels agree to 1e-5 percent, shares of counts
# to all digits.
why=$(LC_ALL=C awk 'NR == FNR { expected[FNR] = $0; next }
    { n = split(expected[FNR], e); if (n != NF) print "another line: " $0 " for " expected[FNR]
      for (i = 2; i <= NF; i++) if ($i - e[i] > 1e-4 || e[i] - $i > 1e-4) print $0 " for " expected[FNR] }' oracle.txt ours.txt)
[ "$(wc -l <oracle.txt)" -eq 5 ] && LC_ALL=C awk '/^area/ { exit !($4 > 5 && $4 < 99) }' oracle.txt || why="$why the oracle has $(cat oracle.txt)"
result map_is_what_an_independent_judge_computes_from_the_boxes "$why"

echo map=coco >map.txt && cat boxes.data map.txt >cocos.data
"$darknet" detector map cocos.data a.cfg $weights >out.txt 2>err.txt
difference=$(diff out.txt coco.txt) && why= || why="$difference"
result map=coco_asks_for_the_ten_ious "$why"

# refused NAME TEXT ARGUMENTS...: a failure with one line behind Darknet's table that has TEXT.
refused() {
    name=$1 text=$2
    shift 2
    "$darknet" detector "$@" >out.txt 2>err.txt
    status=$?
    why=
    [ $status -eq 1 ] || why="exit status $status"
    tail -n 1 err.txt | grep -qF -- "$text" || why="$why no '$text' in: $(tail -n 1 err.txt)"
    result "$name" "$why"
}
refused points_of_twelve '-points 12: must be 0' map boxes.data a.cfg $weights -points 12
refused an_overlap_of_nothing '-iou 0: must be above 0 and 1 at most' map boxes.data a.cfg $weights -iou 0
refused an_overlap_of_letters '-iou x: must be above 0' map boxes.data a.cfg $weights -iou x
grep -v ^valid boxes.data >novalid.data
refused map_without_a_list "list; add valid=FILE" map novalid.data a.cfg $weights
refused valid_without_a_list 'valid: missing; write valid=FILE' valid novalid.data a.cfg $weights
printf 'one\n' >short.names && sed 's/boxes.names/short.names/' boxes.data >short.data
for command in map valid recall test; do
    refused "names_fewer_than_classes:$command" 'short.names has 1 names' $command short.data a.cfg $weights
done
tiny_cfg max_batches=3 >class.cfg
refused a_network_without_boxes 'class.cfg: its last layer must find boxes' map boxes.data class.cfg
sed 's/eval=coco/eval=cocoa/' coco.data >cocoa.data
refused a_kind_of_files_that_is_none 'eval=cocoa: must be voc, coco or imagenet' valid cocoa.data a.cfg $weights
sed 's/eval=coco/eval=imagenet/' coco.data >imagenet.data
refused a_kind_of_files_for_more_classes 'eval=imagenet: ImageNet has 200 classes, the network 2' valid imagenet.data a.cfg $weights

# --- validation while training

# The same run without: not a bit of the weights is another, and nothing of the order of images.
mv backup backup.valid
"$darknet" detector train novalid.data a.cfg >out.txt 2>err.txt || cat err.txt
why=$(cmp backup/a_final.weights backup.valid/a_final.weights 2>&1)
result validation_changes_no_bit_of_training "$why"
rm -rf backup && mv backup.valid backup
header=$(head -n 1 backup/a.csv)
case $header in
    *,test_loss,test_mAP,*) why= ;;
    *) why=$header ;;
esac
result the_log_has_a_column_of_map "$why"
last=$(tail -n 1 backup/a.csv | cut -d, -f6,7)
map >out.txt
ours="$(value '^loss \([0-9.]*\),.*' <out.txt),$(value '^mAP@0.5 \([0-9.]*\) .*' <out.txt)"
why=$(echo "$last,$ours" | LC_ALL=C awk -F, '{ a = $1 - $3; b = 100 * $2 - $4; if (a * a > 1e-10 || b * b > 1e-6) print $0 }')
result the_log_has_what_detector_map_says "$why"
best=$(LC_ALL=C awk -F, 'NR > 1 && $7 != "" && $7 + 0 > best { best = $7 } END { printf "%.2f", 100 * best }' backup/a.csv)
got=$("$darknet" detector map boxes.data a.cfg backup/a_best.weights 2>err.txt | value '^mAP@0.5 \([0-9.]*\) .*')
[ "$(printf '%.2f' "$got")" = "$best" ] && why= || why="_best has $got, the log $best"
result best_is_by_map "$why"

# --- a fresh folder: no results, fewer than four images, no data/labels

mkdir fresh && cp -R images labels a.cfg backup boxes.names fresh && cd fresh || exit 1
find "$(pwd)/images" -name '[12].png' | sort >two.list
printf 'classes=2\nvalid=two.list\nnames=boxes.names\n' >two.data
"$darknet" detector valid two.data a.cfg $weights >out.txt 2>err.txt && why= || why="status $? $(tail -n 1 err.txt)"
[ "$(ls results)" = "comp4_det_test_one.txt
comp4_det_test_two.txt" ] || why="$why $(ls results)"
cut -d' ' -f1 results/*.txt | sort -u | tr '\n' ' ' | grep -qx '1 2 ' || why="$why $(cat results/*.txt | head -n 3)"
result valid_makes_its_folder_and_takes_two_images "$why"
# As VOC has it, the first pixel is 1: the same boxes as in COCO's file, but for that.
grep -E '"image_id":[12],' ../results/coco_results.json | LC_ALL=C awk '{ gsub(/[^0-9.-]+/, " "); $0 = $0; print $1, $7, $3 + 1 }' | sort >a.txt
LC_ALL=C awk '{ print $1, $2, $3 + 0 }' results/*.txt | sort >b.txt
why=$(cmp a.txt b.txt 2>&1)
result both_files_have_the_same_boxes "$why"
"$darknet" detector valid two.data a.cfg $weights -out mine -thresh .1 >out.txt 2>err.txt && why= || why="status $?"
LC_ALL=C awk '$2 <= .1 { bad = 1 } END { exit bad || !NR }' results/mineone.txt results/minetwo.txt || why="$why $(head -n 3 results/mineone.txt)"
result valid_takes_a_name_and_a_threshold "$why"
"$darknet" detector valid2 two.data a.cfg $weights -out mirrored >out.txt 2>err.txt && why= || why="status $? $(tail -n 1 err.txt)"
[ -s results/mirroredone.txt ] || why="$why no boxes"
cmp -s results/mirroredone.txt results/comp4_det_test_one.txt && why="$why nothing was averaged"
result valid2_averages_with_the_mirrored_image "$why"
"$darknet" detector recall two.data a.cfg $weights >out.txt 2>err.txt && why= || why="status $? $(tail -n 1 err.txt)"
[ "$(wc -l <out.txt)" -eq 2 ] && tail -n 1 out.txt | grep -qE "^ +1 +[0-9]+ +$(cat labels/1.txt labels/2.txt | wc -l)	" || why="$why $(cat out.txt)"
result recall_counts_the_objects_of_valid "$why"
"$darknet" detector test two.data a.cfg $weights images/1.png -thresh .1 >out.txt 2>err.txt && why= || why="status $? $(tail -n 1 err.txt)"
"$darknet" detector test two.data a.cfg $weights images/1.png -thresh 1 -out 'none at all' >none.txt 2>err.txt || why="$why status $?"
for file in predictions.jpg 'none at all.jpg'; do
    [ "$(head -c 2 "$file" | od -An -tx1 | tr -d ' ')" = ffd8 ] || why="$why $file is no JPEG"
done
cmp -s predictions.jpg 'none at all.jpg' && why="$why no box is drawn"
grep -qE '^(one|two): [0-9]+%$' out.txt || why="$why $(cat out.txt)"
grep -q '%' none.txt && why="$why $(cat none.txt)"
result test_draws_boxes_and_names_without_letters_in_files "$why"
printf 'images/1.png\nimages/2.png\n' | "$darknet" detector test two.data a.cfg $weights >out.txt 2>err.txt && why= || why="status $?"
[ "$(grep -c Predicted out.txt)" -eq 2 ] || why="$why $(cat out.txt)"
result test_reads_names_of_images_from_stdin "$why"
refused a_picture_that_can_not_be_written "no/such/folder/x.jpg: can't write the picture" test two.data a.cfg $weights images/1.png -out no/such/folder/x
echo results=a.cfg/x >>two.data
refused a_folder_that_can_not_be_made "a.cfg" valid two.data a.cfg $weights
finish
