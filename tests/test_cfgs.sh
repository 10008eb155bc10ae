#!/bin/sh
# The shipped PreResNet32 cfgs: in step with scripts/make-cfgs.sh, the paper's network, alike but for the schedule.
# Run from the root of the tree. One line a test: "ok NAME" or "not ok NAME: why"; exit status 1 if any failed.
set -u

made=$(mktemp -d) || exit 1
trap 'rm -rf "$made"' EXIT
failed=0

result() { # name, empty or why it failed
    if [ -z "$2" ]; then
        echo "ok $1"
    else
        echo "not ok $1: $2"
        failed=1
    fi
}

one_line() {
    tr '\n' ' ' | cut -c1-200
}

# Walks the sections as Darknet does. Prints "trained T fixed F norms N", one "conv I" for each convolution at layer I
# or one line "wrong: ..." for the first thing that does not fit.
# shellcheck disable=SC2016 # awk's dollars, not the shell's
walk='
function value(key, otherwise) { return (key in option) ? option[key] : otherwise }
function wrong(why) { if (!bad) print "wrong: layer " i ", " why; bad = 1 }
function at(layer) { return layer < 0 ? i + layer : layer + 0 }
function finish(    from, s, n) {
    if (type == "") return
    if (type == "net") { c = value("channels"); h = value("height"); i = 0; return }
    if (type == "convolutional") {
        n = value("filters"); s = value("size")
        if (value("bias", 1) != 0) wrong("a bias")
        trained += n * c * s * s
        c = n; h = int((h - 1) / value("stride")) + 1
        list = list "conv " i "\n"
    } else if (type == "batchnorm") {
        norms++
    } else if (type == "activation") {
        if (value("activation") != "relu") wrong("not relu")
    } else if (type == "route") {
        from = at(value("layers")); c = channels[from]; h = height[from]
    } else if (type == "shortcut") {
        from = at(value("from"))
        if (channels[from] != c || height[from] != h) wrong("shapes of the shortcut differ")
    } else if (type == "avgpool") {
        h = 1
    } else if (type == "connected") {
        n = value("output") * c * h * h
        if (value("bias", 1) != 0) wrong("a bias")
        if (value("fixed", 0) == 1) fixed += n; else trained += n
        c = value("output")
    } else if (type != "softmax") wrong("unexpected [" type "]")
    channels[i] = c; height[i] = h; i++
}
/^#/ || /^$/ { next }
/^\[/ { finish(); type = substr($0, 2, length($0) - 2); split("", option); next }
{ split($0, pair, "="); option[pair[1]] = pair[2] }
END { finish(); if (!bad) { print "trained " trained " fixed " fixed " norms " norms; printf "%s", list } }
'

test_in_step() {
    why=$(sh scripts/make-cfgs.sh "$made" 2>&1; sh scripts/make-detector-cfgs.sh "$made" 2>&1)
    for file in cfg/*.cfg; do
        [ -f "$made/${file#cfg/}" ] || why="$why $file is not generated;"
    done
    for file in "$made"/*.cfg; do
        cmp -s "$file" "cfg/${file##*/}" || why="$why cfg/${file##*/} differs;"
    done
    [ -z "$why" ] || why="$why run make cfg"
    result cfgs_are_what_make_cfgs_writes "$why"
}

# The paper's network has 463,792 trained weights with three input channels, 2 * 16 * 9 fewer with one.
test_weights() {
    why=
    for file in cfg/preresnet32*.cfg; do
        case $file in
            *-short-*) expected="trained 463504 fixed 640 norms 33" ;;
            *) expected="trained 463792 fixed 640 norms 33" ;;
        esac
        found=$(awk "$walk" "$file" | head -n 1)
        [ "$found" = "$expected" ] || why="$why $file: $found, expected $expected;"
    done
    result preresnet32_has_463792_trained_weights "$why"
}

# Lines, comments aside, in which a cfg differs from the step decay of its data set.
differing() { # cfg
    case $1 in
        *-short-*) base=cfg/preresnet32-short-steps.cfg ;;
        *bccd*) base=cfg/bccd-tiny-steps.cfg ;;
        *) base=cfg/preresnet32-steps.cfg ;;
    esac
    grep -v '^#' "$base" >"$made/base"
    grep -v '^#' "$1" >"$made/other"
    diff "$made/base" "$made/other" | grep '^[<>]'
}

test_swap() {
    why=
    for file in cfg/preresnet32*.cfg; do
        case $file in
            *cosine* | *constant*) keys='policy|base_policy|steps|scales' ;;
            *) keys='policy|base_policy|momentum_correction' ;;
        esac
        other=$(differing "$file" | grep -Ev "^[<>] ($keys)=" | one_line)
        [ -z "$other" ] || why="$why $file: $other;"
    done
    result schedules_differ_in_their_own_lines_only "$why"

    expected='< policy=steps
> policy=texp++
> base_policy=steps'
    why=
    for file in cfg/preresnet32-texp++.cfg cfg/preresnet32-short-texp++.cfg cfg/bccd-tiny-texp++.cfg; do
        found=$(differing "$file")
        [ "$found" = "$expected" ] || why="$why $file: $(echo "$found" | one_line);"
    done
    result texp_plus_plus_is_two_lines_away_from_steps "$why"
}

# The tensors of PyTorch are filed under the numbers of Darknet's layers.
test_reference() {
    awk "$walk" cfg/preresnet32-steps.cfg | awk '$1 == "conv" { print $2 }' >"$made/expected"
    awk '$1 ~ /^weights\./ && $2 == 1 { sub(/^weights\./, "", $1); print $1 }' tests/reference/preresnet32.index |
        sort -n >"$made/found"
    result reference_knows_every_convolution "$(diff "$made/expected" "$made/found" 2>&1 | one_line)"
}

test_in_step
test_weights
test_swap
test_reference
exit $failed
