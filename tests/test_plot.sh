#!/bin/sh
# Charts: what `texp plot` and `texp schedule -plot` draw, and that the chart of a run neither slows nor breaks it, whatever
# gnuplot does. Pictures themselves are looked at where a gnuplot is installed.
set -u
. tests/common.sh
unset GNUPLOT
cd "$scratch" || exit 1
tiny_data

header=update,epoch,train_loss,rate,decay,test_loss,test_accuracy,images_per_second,seconds,base_rate
# log N EPOCH: a log of N rows, a test behind each EPOCH of them; its rates grow tenfold an update.
log() {
    awk -v n="$1" -v epoch="$2" -v header=$header 'BEGIN {
        print header
        for (k = 1; k <= n; k++)
            printf "%d,%.6f,%.6g,1e%d,0,%s,100,%.3f,.1\n", k, k / epoch, 2 / k, k, k % epoch ? "," : 3 / k "," 1 - 1 / k, k * 7
    }'
}

# programs that stand for gnuplot
mkdir bin none
fake() { # name, what it does with the script in its input
    printf '#!/bin/sh\n%s\n' "$2" >"bin/$1" && chmod +x "bin/$1"
}
fake keeps "cat >$scratch/script.gp; echo picture"
fake fails 'cat >/dev/null; echo "line 3: all is lost" >&2; exit 1'
fake silent 'cat >/dev/null'
fake half 'cat >/dev/null; echo half; exit 1'
fake hangs "echo \$\$ >>$scratch/hanging; exec sleep 1000"
fake slow "echo begun >>$scratch/begun; cat >$scratch/script.gp; sleep .3; echo picture; echo ended >>$scratch/begun"

plot() { "$darknet" texp plot "$@" >out.txt 2>err.txt; }
# script ARGUMENTS: what gnuplot is told by texp plot.
script() {
    rm -f script.gp
    GNUPLOT=bin/keeps plot "$@" || echo "exit status $?: $(cat err.txt)"
}
# The numbers of the block of data that is drawn as $1.
block() {
    name=$(grep '^plot' script.gp | sed 's/, [$]/\n$/g' | grep -F "$1" | grep -o '[$]d[0-9]*' | head -n 1)
    awk -v begin="$name << EOD" '$0 == begin { on = 1; next } $0 == "EOD" { on = 0 } on' script.gp
}

# --- what is drawn

log 60 10 >run.csv
why=$(script run.csv)
[ "$(cat run.svg)" = picture ] || why="$why no run.svg"
[ "$(block "title 'test'" | tr '\n' ' ')" = "1 0.3 2 0.15 3 0.1 4 0.075 5 0.06 6 0.05 " ] || why="$why test $(block "title 'test'")"
[ "$(block "title 'training'" | sed -n 2p)" = "0.2 1" ] || why="$why training $(block "title 'training'" | sed -n 2p)"
[ "$(block "title 'rate'" | tail -n 1)" = "6 60" ] || why="$why rate $(block "title 'rate'" | tail -n 1)"
[ "$(block "title 'base rate'" | tail -n 1)" = "6 -1" ] || why="$why base $(block "title 'base rate'" | tail -n 1)"
[ "$(block '*100)' | head -n 1)" = "1 0.9" ] || why="$why accuracy $(block '*100)' | head -n 1)"
grep -q "^set label 1 'test accuracy, %'" script.gp || why="$why no accuracy"
grep -q "base rate'" script.gp && grep "base rate'" script.gp | grep -q "dt (.*title 'base rate'" || why="$why base rate not dashed"
result losses_accuracy_and_rates_of_a_run_are_drawn "$why"

sed 's/,base_rate$//; s/,[^,]*$//' run.csv | sed "1s/.*/${header%,base_rate}/; s/test_accuracy/test_mAP/; 1s/,decay,/,unheard of,/" >old.csv
why=$(script old.csv -o old.svg)
grep -q 'base rate' script.gp && why="$why a base rate"
grep -q "'test mAP, %'" script.gp || why="$why no mAP"
[ "$(block "title 'test'" | tail -n 1)" = "6 0.05" ] || why="$why test $(block "title 'test'" | tail -n 1)"
sed "1s/test_accuracy/test_it's; \`touch a\`/" run.csv >quoted.csv
why="$why$(script quoted.csv)"
grep -qF "set label 1 'test it''s; \`touch a\`, %' noenhanced" script.gp || why="$why $(grep "label 1 'test" script.gp)"
result columns_are_found_by_their_names "$why"

why=$(script run.csv -x update)
[ "$(block "title 'test'" | head -n 1)" = "10 0.3" ] || why="$why update $(block "title 'test'" | head -n 1)"
why="$why$(script run.csv -x seconds)"
[ "$(block "title 'test'" | head -n 1)" = "70 0.3" ] || why="$why seconds $(block "title 'test'" | head -n 1)"
result the_axis_has_epochs_updates_or_seconds "$why"

# Rows of no number, of blanks, cut rows, the row that is being written: the others are drawn.
{
    echo "$header" | sed 's/$/\r/'
    printf '1,.1,nan,1e400,0,,,100,1,1e400\r\n2,.2,1.5,1e401,0,inf,,100,1,1e400\n\nx,y\n,,,\n3,.3\n4,.4,2.5,0,0,,,100,1,\n4,.4,-1e308,0,0,,,1,1,\n4,1e308,3,0,0,,,1,1,\n5,.5,9.9,1e4'
} >odd.csv
why=$(script odd.csv)
[ "$(block "title 'training'" | tr '\n' ' ')" = "0.2 1.5 0.4 2.5 " ] || why="$why $(block "title 'training'")"
[ "$(block "title 'rate'" | tr '\n' ' ')" = "0.1 400 0.2 401 " ] || why="$why rates $(block "title 'rate'")"
[ "$(block "title 'base rate'" | tr '\n' ' ')" = "0.1 400 0.2 400 " ] || why="$why base $(block "title 'base rate'")"
result fields_that_are_no_numbers_are_no_points "$why"

# A million rows, one of which is far below and one far above the others.
awk -v header=$header 'BEGIN {
    print header
    for (k = 1; k <= 1000000; k++)
        printf "%d,%.6f,%s,.1,0,,,100,%d,.1\n", k, k / 1000, k == 400123 ? 77.7 : k == 700321 ? .0123 : 1 + k % 7 / 10, k
}' >million.csv
why=$(script million.csv -x update)
[ "$(wc -c <script.gp)" -lt 100000 ] || why="$why $(wc -c <script.gp) bytes"
band=$(block '#B0')
for point in '400123 77.7' '700321 0.0123' '1 1.1' '1000000 1.1'; do
    echo "$band" | grep -qx "$point" || why="$why no $point"
done
[ "$(block "title 'training'" | wc -l)" -le 128 ] || why="$why $(block "title 'training'" | wc -l) means"
result a_million_rows_are_few_points_with_all_extremes "$why"
rm million.csv

# Names are text, whatever stands in them.
odd="it's \`touch a\` \"q\" %d_{x}^y \\n @z
2 é"
cp run.csv "$odd.csv"
printf 'cp run.csv "bad\377.csv"' | sh
long=$(printf 'n%.0s' $(seq 200))
cp run.csv "$long.csv"
why=$(script "$odd.csv" "bad$(printf '\377').csv" "$long.csv" -o odd.svg)
grep -qF "set label 1 'it''s \`touch a\` \"q\" %d_{x}^y \\n @z 2 é' noenhanced" script.gp || why="$why $(grep 'set label 1' script.gp)"
grep -qF "set label 2 'bad?' noenhanced" script.gp || why="$why $(grep 'set label 2' script.gp)"
grep -qE "set label 3 'n+…n+' noenhanced" script.gp || why="$why $(grep 'set label 3' script.gp)"
[ "$(grep 'set label 3' script.gp | grep -o n | wc -l)" -lt 110 ] || why="$why a long name stays long"
mkdir -p a b && cp run.csv a && cp run.csv b
why="$why$(script a/run.csv b/run.csv "$odd.csv")"
grep -q "^set label 1 'a/run.csv'" script.gp && grep -q "^set label 2 'b/run.csv'" script.gp || why="$why not told apart"
[ "$(cat compared.svg)" = picture ] || why="$why no compared.svg"
result names_are_shown_as_they_are "$why"

log 3000 500 >r8.csv
for i in 1 2 3 4 5 6 7; do cp r8.csv r$i.csv; done
why=$(script r1.csv r2.csv r3.csv r4.csv r5.csv r6.csv r7.csv r8.csv)
for what in 'lc rgb .#[0-9A-F]*.' 'dt [^ ]*' 'pt [0-9]*'; do
    [ "$(grep 'l1 with' script.gp | grep -o "$what" | sort -u | wc -l)" -eq 8 ] || why="$why $what: not eight"
done
result eight_runs_have_eight_colours_dashes_and_points "$why"

# --- what is refused

# refused NAME TEXT ARGUMENTS: a failure, one line that begins with TEXT, and no file.
refused() {
    name=$1 text=$2
    shift 2
    rm -f no.svg
    GNUPLOT=bin/keeps "$darknet" texp "$@" >out.txt 2>err.txt && why=accepted || why=
    [ "$(wc -l <err.txt)" -eq 1 ] || why="$why $(wc -l <err.txt) lines"
    case $(cat err.txt) in "$text"*) ;; *) why="$why $(cat err.txt)" ;; esac
    [ ! -s out.txt ] && [ ! -e no.svg ] || why="$why it wrote"
    result "$name" "$why"
}
echo $header >empty.csv
echo 'update,layers,norm' >norms.csv
: >nothing.csv
head -c 100000 /dev/urandom >noise.csv
mkdir folder.csv
refused a_log_without_rows_is_refused 'empty.csv: no row with a number yet; ' plot empty.csv -o no.svg
refused another_table_is_refused 'norms.csv: no log of a run: its first line must name the column epoch' plot norms.csv -o no.svg
refused its_losses_are_asked_for 'norms.csv: no log of a run: its first line must name the column update and one of train_loss' \
    plot norms.csv -o no.svg -x update
refused an_empty_file_is_refused 'nothing.csv: no log of a run' plot nothing.csv -o no.svg
refused noise_is_refused 'noise.csv: no log of a run' plot run.csv noise.csv -o no.svg
refused weights_are_refused 'test.images: no log of a run' plot test.images -o no.svg
refused a_folder_is_refused "folder.csv: can't read: " plot folder.csv -o no.svg
refused a_missing_file_is_refused "absent.csv: can't read: No such file" plot absent.csv -o no.svg
refused another_picture_is_refused '-o no.jpg: a picture ends in .svg, .png or .pdf' plot run.csv -o no.jpg
refused another_axis_is_refused '-x time: must be epoch, update or seconds' plot run.csv -x time -o no.svg
refused a_folder_that_is_not_there_is_told "absent/no.svg.part: can't write: No such file" plot run.csv -o absent/no.svg

echo old >kept.svg
why=
GNUPLOT=bin/fails plot run.csv -o kept.svg && why=accepted
grep -qx 'kept.svg: gnuplot fails: line 3: all is lost' err.txt || why="$why $(cat err.txt)"
GNUPLOT=bin/silent plot run.csv -o kept.svg && why="$why silence accepted"
grep -qx 'kept.svg: gnuplot drew nothing' err.txt || why="$why $(cat err.txt)"
GNUPLOT=bin/half env --ignore-signal=CHLD "$darknet" texp plot run.csv -o kept.svg >out.txt 2>err.txt &&
    why="$why half a picture accepted"
GNUPLOT=$scratch/none/gnuplot plot run.csv -o kept.svg && why="$why absence accepted"
grep -qx "there is no gnuplot; install Debian's gnuplot-nox" err.txt || why="$why $(cat err.txt)"
PATH=$scratch/none plot run.csv -o kept.svg && why="$why absence from PATH accepted"
[ "$(cat kept.svg)" = old ] || why="$why the file that was there is gone"
[ -z "$(find . -name '*.part')" ] || why="$why $(find . -name '*.part')"
result a_gnuplot_that_fails_leaves_what_was_there "$why"

# --- schedules

tiny_cfg policy=texp++ base_policy=steps steps=100,200 scales=.1,.1 max_batches=300 >texp.cfg
tiny_cfg policy=constant max_batches=200 >base.cfg
why=
GNUPLOT=bin/keeps "$darknet" texp schedule texp.cfg -plot schedule.svg >out.txt 2>err.txt || why=$(cat err.txt)
[ "$(cat schedule.svg)" = picture ] || why="$why no picture"
why="$why$("$darknet" texp schedule texp.cfg -csv | tail -n +2 | cut -d, -f2,6 | tr , ' ' >rates
    block "title 'rate'" >drawn && block "title 'base rate'" | paste -d' ' drawn - | paste -d' ' rates - | awk '
    function off(a, b) { return (a - b) ^ 2 > 1e-12 }
    off(log($2) / log(10), $4) || off(log($1) / log(10), $6) || $3 != NR { print "update " NR ": " $0; exit }
    END { if (NR != 300) print NR " points" }')"
GNUPLOT=bin/keeps "$darknet" texp schedule texp.cfg base.cfg -plot schedule.svg >out.txt 2>err.txt || why="$why $(cat err.txt)"
grep -q "^set label 2 'base'" script.gp || why="$why no second cfg"
result schedules_are_drawn "$why"
refused several_cfgs_are_drawn_alone 'base.cfg: one cfg at a time; several are drawn into one chart by -plot FILE' \
    schedule texp.cfg base.cfg
refused a_table_or_a_chart '-csv -plot no.svg: choose one of them' schedule texp.cfg -csv -plot no.svg
refused a_schedule_of_another_kind_is_refused '-plot no.gif: a picture ends in .svg' schedule texp.cfg -plot no.gif

# --- the chart of a run

tiny_cfg policy=texp++ max_batches=60 seed=1 crop_pad=1 >run.cfg
# train GNUPLOT: what it leaves behind is looked for.
train() {
    rm -rf backup && mkdir backup
    GNUPLOT=$1 "$darknet" classifier train tiny.data run.cfg >out.txt 2>err.txt || echo "exit status $?: $(tail -n 1 err.txt)"
    [ "$(grep -c '^no chart' err.txt)" -le 1 ] || echo "said $(grep -c '^no chart' err.txt) times"
    [ -z "$(find backup -name '*.part')" ] || find backup -name '*.part'
}
# reference: weights without charts
why=$(train '')
grep -q chart out.txt err.txt && why="$why $(grep chart out.txt err.txt)"
[ ! -e backup/run.svg ] || why="$why a chart"
cp backup/run_final.weights whole.weights
result an_empty_gnuplot_is_none_without_a_word "$why"

why=$(train bin/keeps)
[ "$(cat backup/run.svg)" = picture ] || why="$why no chart"
grep -qx 'wrote backup/run.svg, its chart' out.txt || why="$why $(tail -n 1 out.txt)"
[ "$(block "title 'test'" | tail -n 1 | cut -d' ' -f1)" = 10 ] || why="$why $(block "title 'test'" | tail -n 1)"
cmp -s backup/run_final.weights whole.weights || why="$why other weights"
result a_run_draws_its_chart_up_to_its_last_epoch "$why"

why=
for case in "fails:backup/run.svg: gnuplot fails: line 3: all is lost" "silent:backup/run.svg: gnuplot drew nothing" \
    "absent:there is no gnuplot; Debian's gnuplot-nox would draw one at each epoch's end"; do
    why="$why$(train "bin/${case%%:*}")"
    grep -qx "no chart: ${case#*:}; training goes on" err.txt || why="$why ${case%%:*}: $(grep chart err.txt)"
    [ ! -e backup/run.svg ] || why="$why a chart by ${case%%:*}"
    cmp -s backup/run_final.weights whole.weights || why="$why other weights"
done
result a_gnuplot_that_is_absent_or_fails_is_told_once_and_the_run_goes_on "$why"

rm -f begun
why=$(train bin/slow)
[ "$(cat backup/run.svg)" = picture ] || why="$why no chart"
[ "$(block "title 'test'" | tail -n 1 | cut -d' ' -f1)" = 10 ] || why="$why the last epoch is not drawn"
why="$why$(awk '{ n += $1 == "begun" ? 1 : -1; if (n > 1) print "two at once" } END { if (n) print "one is left" }' begun)"
[ "$(grep -c begun begun)" -lt 10 ] || why="$why all ten epochs drawn, one behind the other"
result one_drawing_is_at_work_at_a_time "$why"

# alive FILE: which of the processes in it are still there after a moment.
alive() {
    for try in 1 2 3 4 5 6 7 8 9 10; do
        left=
        while read -r process; do
            state=$(sed 's/.*) //; s/ .*//' "/proc/$process/stat" 2>/dev/null) && left="$left $process:$state"
        done <"$1"
        [ -n "$left" ] || return
        sleep .1
    done
    echo "left:$left after $try"
}
: >hanging
tiny_cfg policy=texp++ max_batches=0 seed=1 crop_pad=1 >run.cfg
rm -rf backup && mkdir backup
GNUPLOT=bin/hangs "$darknet" classifier train tiny.data run.cfg >out.txt 2>err.txt &
child=$!
for try in $(seq 100); do
    [ ! -s hanging ] || break
    sleep .1
done
rows=$(wc -l <backup/run.csv)
sleep .5
why=
[ "$(wc -l <backup/run.csv)" -gt "$rows" ] || why="it stands still"
# Ctrl-C reaches a terminal's whole group; gnuplot is not in it. Then the run ends it.
[ "$(ps -o pgid= -p "$(head -n 1 hanging)")" != "$(ps -o pgid= -p $child)" ] || why="$why one group"
[ "$(ps -o ni= -p "$(head -n 1 hanging)" | tr -d ' ')" = 19 ] || why="$why niceness $(ps -o ni= -p "$(head -n 1 hanging)")"
kill -TERM $child
wait $child || why="$why exit status $?"
grep -q '^stopped after update' out.txt || why="$why $(tail -n 1 out.txt)"
[ "$(wc -l <hanging)" -eq 1 ] || why="$why $(wc -l <hanging) at once"
why="$why$(alive hanging)"
[ ! -e backup/run.svg ] && [ -z "$(find backup -name '*.part')" ] || why="$why files $(ls backup)"
result a_gnuplot_that_hangs_does_not_hold_the_run_and_ends_with_it "$why"

# --- the real one

if command -v gnuplot >/dev/null; then
    why=
    plot run.csv || why=$(cat err.txt)
    # Band (none for 60 rows), mean and test; accuracy; rate and base rate; and one that holds the name.
    [ "$(grep -c 'id="gnuplot_plot_' run.svg)" -eq 6 ] || why="$why $(grep -c 'id="gnuplot_plot_' run.svg) curves"
    for text in run training test loss 'test accuracy, %' rate 'base rate' epoch; do
        grep -q "<text>\(<tspan[^>]*>\)\?$text *<" run.svg || why="$why no '$text'"
    done
    grep -qi 'fill = *"#ffffff"\|fill="#ffffff"\|fill:#ffffff' run.svg || why="$why no white ground"
    [ ! -s err.txt ] || why="$why $(cat err.txt)"
    grep -q '</svg>' run.svg || why="$why cut"
    plot "$odd.csv" "bad$(printf '\377').csv" r8.csv odd.csv -o odd.svg || why="$why $(cat err.txt)"
    grep -qF "it's \`touch a\` \"q\" %d_{x}^y \\n @z 2 é" odd.svg || why="$why the odd name is another"
    [ ! -e a ] || [ -d a ] || why="$why a command ran"
    plot run.csv -o run.png && head -c 8 run.png | tail -c 7 | grep -q PNG || why="$why no PNG: $(cat err.txt)"
    plot run.csv -o run.pdf && head -c 5 run.pdf | grep -q %PDF || why="$why no PDF: $(cat err.txt)"
    head -n 2 run.csv >row.csv
    plot row.csv || why="$why one row: $(cat err.txt)"
    tiny_cfg policy=texp++ max_batches=60 seed=1 crop_pad=1 >run.cfg
    why="$why$(train gnuplot)"
    grep -q '</svg>' backup/run.svg || why="$why no chart: $(cat err.txt)"
    result gnuplot_draws_them "$why"
else
    echo "skip gnuplot_draws_them: no gnuplot here"
fi
finish
