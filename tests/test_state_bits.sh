#!/bin/sh
# State files pass between machines whose long double has 64 bits (x86), 113 (aarch64) and 53: a number means the same
# there, or is refused in words. The source is compiled here with the compiler's types of those sizes.
set -u
. tests/common.sh

# machine BITS TYPE SUFFIX: a program for a machine with such a long double; SUFFIX ends its functions' names.
machine() {
    mkdir -p "$scratch/$1/store"
    for file in src/store/state.h src/store/state.c; do
        sed -E "s/long double/$2/g; s/\\b(frexp|ldexp|fabs|trunc)l\\b/\\1$3/g" $file >"$scratch/$1/store/${file##*/}"
    done
    include=
    [ "$3" != q ] || include='-include quadmath.h'
    # words on purpose
    # shellcheck disable=SC2046,SC2086
    ${CC:-gcc} -std=gnu11 -O1 $include "-DREAL=$2" -I"$scratch/$1" -Isrc tests/state_bits.c "$scratch/$1/store/state.c" \
        src/base/files.c -o "$scratch/$1/program" $([ "$3" != q ] || echo -lquadmath) -lm 2>"$scratch/$1/errors"
}
if ! { machine 53 double '' && machine 64 'long double' l && machine 113 __float128 q; }; then
    echo "skip state_files_pass_between_machines: $(head -n 1 "$scratch"/*/errors)"
    exit 0
fi
cd "$scratch" || exit 1
for bits in 53 64 113; do $bits/program write $bits.state >$bits.txt || echo "not ok state_files_are_written: $(cat $bits.txt)"; done

# passes FROM TO NAME...: these records of the file are read to the bit; all others are refused.
passes() {
    from=$1 to=$2 why=
    shift 2
    "$to/program" read "$from.state" >read.txt || why="not read: $(cat read.txt)"
    for name in third long short; do
        case " $* " in
            *" $name "*) grep "^$name " "$from.txt" | grep -qxFf - read.txt || why="$why $name: $(grep "$name" read.txt)" ;;
            *)
                grep -q "^$from.state: $name has more bits than a .* of this machine: go on with it where" read.txt ||
                    why="$why $name: $(grep "$name" read.txt)"
                ;;
        esac
    done
    result "from_${from}_bits_to_$to" "$why"
}
for bits in 53 64 113; do passes $bits $bits third long short; done
passes 53 64 third long short
passes 53 113 third long short
passes 64 53 short
passes 64 113 third long short
passes 113 53 short
passes 113 64 long short

# They are what they are called; "long" has 64 bits, and is .5 where there are 53.
sort -u ./*.txt >all.txt
printf '%s\n' 'long 80000000000000000000000000000000' 'long 80000000000000010000000000000000' \
    'short a0000000000000000000000000000000' 'third 55555555555554000000000000000000' \
    'third 55555555555555558000000000000000' 'third 55555555555555555555555555554000' | sort >wanted.txt
grep -v : all.txt | diff wanted.txt - >difference.txt
result the_machines_have_the_bits_that_are_said "$(cat difference.txt)"
finish
