#!/bin/sh
# `darknet texp schedule`: its columns, its choice of updates, its reach.
set -u
. tests/common.sh
root=$(pwd)
cd "$scratch" || exit 1

schedule() { "$darknet" texp schedule "$@"; }

tiny_cfg policy=texp++ base_policy=steps steps=100,200 scales=.1,.1 max_batches=300 >texp.cfg
tiny_cfg policy=steps steps=100,200 scales=.1,.1 max_batches=300 >base.cfg
tiny_cfg policy=texp max_batches=1000000 >long.cfg

schedule texp.cfg -csv >texp.csv
why=
[ "$(head -n 1 texp.csv)" = update,base_rate,base_decay,alpha,scale,rate,decay,held_rate,doublings ] || why="header $(head -n 1 texp.csv)"
[ "$(wc -l <texp.csv)" -eq 301 ] || why="$why $(wc -l <texp.csv) lines for 300 updates"
# eta(1 - eta lambda) at the first update; 1 and 0 elsewhere: checked by hand.
[ "$(sed -n 2p texp.csv | cut -d, -f1-5)" = "1,0.10000000000000001,0.001,0.99990000000000001,1" ] ||
    why="$why first row $(sed -n 2p texp.csv)"
result "csv_has_the_columns_and_a_row_an_update" "$why"

why=$(awk -F, 'NR > 1 {
    expected = .1
    if ($1 >= 100) expected *= .1
    if ($1 >= 200) expected *= .1
    if (($2 / expected - 1) ^ 2 > 1e-28) { print "update " $1 ": base rate " $2; exit }
}' texp.csv)
result "the_base_rate_changes_at_its_steps" "$why"

why=$(awk -F, 'NR > 2 && (scale / alpha / $5 - 1) ^ 2 > 1e-28 { print "update " $1; exit } { scale = $5; alpha = $4 }' texp.csv)
result "the_scale_is_divided_by_alpha" "$why"

why=$(awk -F, 'NR > 1 && ($6 / ($5 * $5 * $2 / $4) - 1) ^ 2 > 1e-28 { print "update " $1; exit }' texp.csv)
result "the_rate_is_scale_squared_eta_over_alpha" "$why"

# What is held is the rate at the scale P 2^-doublings of the weights, within sqrt(1/2) .. sqrt(2).
why=$(schedule long.cfg -csv -to 20000 | awk -F, 'NR > 1 { held = $5 / 2 ^ $9
    if (held < .7071 || held > 1.4143 || ($8 * 4 ^ $9 / $6 - 1) ^ 2 > 1e-28) { print "update " $1; exit } }
    END { if (!$9) print "no doubling" }')
result "the_rate_held_is_that_of_weights_near_scale_1" "$why"

schedule base.cfg -csv >base.csv
why=$(awk -F, 'NR > 1 && ($4 != 1 || $5 != 1 || $6 != $2 || $7 != $3) { print; exit }' base.csv)
result "a_policy_without_exponential_part_is_itself" "$why"

schedule texp.cfg -csv -from 11 -to 31 -every 10 >part.csv
why=
[ "$(cut -d, -f1 part.csv | tr '\n' ' ')" = "update 11 21 31 " ] || why="updates $(cut -d, -f1 part.csv | tr '\n' ' ')"
[ "$(sed -n 2p part.csv)" = "$(sed -n 12p texp.csv)" ] || why="$why row 11 differs"
result "from_to_and_every_choose_updates" "$why"

# 1.48 an epoch of 391 updates at the standard values: Figure 1 of the paper.
sed 's/^decay=.*/decay=0.0005/' long.cfg >standard.cfg
why=$(schedule standard.cfg -csv -from 1 -to 392 -every 391 | awk -F, 'NR == 2 { first = $6 } NR == 3 { growth = $6 / first }
    END { if (growth < 1.4805 || growth > 1.4815) print "grows by " growth }')
result "the_standard_rate_grows_by_1_481_an_epoch" "$why"

why=
schedule long.cfg -csv -from 1000000 >last.csv
sed -n 2p last.csv | cut -d, -f6 | grep -Eq '^[0-9.]+e\+[0-9]{3}$' || why="rate $(sed -n 2p last.csv | cut -d, -f6)"
result "rates_beyond_the_range_of_float_are_printed" "$why"

# 21 digits tell any two long doubles apart: a number that is read as one and written with so many is what it was, unless
# digits were missing.
why=$(tail -n +3 texp.csv | cut -d, -f5,6,8 | tr ',' '\n' | while read -r number; do
    [ "$(env printf '%.21g' "$number")" = "$number" ] || echo "$number"
done | head -n 3)
result "scales_and_rates_are_printed_with_all_their_digits" "$why"

schedule long.cfg -csv -every 1000 >long.csv
why=$(awk -F, 'NR > 1 && $1 != 1 + 1000 * (NR - 2) { print "row " NR ": update " $1; exit } END { if (NR != 1001) print NR " lines" }' long.csv)
result "every_thousandth_of_a_million_updates_is_printed" "$why"

for arguments in "" "nothere.cfg" "texp.cfg -from 0" "texp.cfg -to x" "texp.cfg -every" "texp.cfg -from 9 -to 8" \
    "texp.cfg -cvs" "texp.cfg base.cfg"; do
    why=
    # words on purpose
    # shellcheck disable=SC2086
    if schedule $arguments >out.txt 2>err.txt; then why="exit status 0"; fi
    [ -s err.txt ] || why="$why no message"
    result "schedule_refuses_'$arguments'" "$why"
done

why=
for cfg in "$root"/cfg/*.cfg; do
    schedule "$cfg" >out.txt 2>err.txt || why="$why $(tail -n 1 err.txt)"
done
result "every_cfg_of_ours_has_a_schedule" "$why"
finish
