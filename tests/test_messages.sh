#!/bin/sh
# What a cfg must not say: one line that names file, line, section, key and value, and a failure.
set -u
. tests/common.sh
cd "$scratch" || exit 1

tiny_cfg policy=texp++ base_policy=steps steps=100,200 scales=.1,.1 max_batches=300 >good.cfg

# refused NAME TEXT SED-SCRIPT: the cfg edited so is refused with one line that holds TEXT and begins with the file.
refused() {
    sed "$3" good.cfg >bad.cfg
    if cmp -s good.cfg bad.cfg; then
        not_ok "$1" "the edit changes nothing"
        return
    fi
    "$darknet" texp "${subcommand:-schedule}" bad.cfg >out.txt 2>err.txt
    status=$?
    why=
    [ $status -ne 0 ] || why="exit status 0"
    [ $status -lt 128 ] || why="killed, status $status"
    [ "$(wc -l <err.txt)" -eq 1 ] || why="$why $(wc -l <err.txt) lines"
    grep -qF -- "$2" err.txt || why="$why no '$2' in: $(cat err.txt)"
    grep -q '^bad.cfg:' err.txt || why="$why the file is not named: $(cat err.txt)"
    result "$1" "$why"
}

refused unknown_policy 'bad.cfg:9: [net] policy=texq: no such schedule' 's/^policy=.*/policy=texq/'
refused unknown_base 'base_policy=texp: no such schedule' 's/^base_policy=.*/base_policy=texp/'
refused random_base 'base_policy=random' 's/^base_policy=.*/base_policy=random/'
refused base_without_texp 'policy=steps: only policy=texp' 's/^policy=.*/policy=steps/'
refused unknown_key 'momentm=.9: unknown key in [net]; did you mean momentum?' 's/^momentum=.*/momentm=.9/'
refused strange_key 'zebra=1: unknown key in [net]' 's/^momentum=.*/zebra=1/'
refused no_number 'momentum=abc: not a finite number' 's/^momentum=.*/momentum=abc/'
refused number_with_tail 'learning_rate=0.1x' 's/^learning_rate=.*/learning_rate=0.1x/'
refused not_a_number 'decay=nan: not a finite number' 's/^decay=.*/decay=nan/'
refused infinite 'decay=inf: not a finite number' 's/^decay=.*/decay=inf/'
refused negative_rate 'learning_rate=-.1: negative' 's/^learning_rate=.*/learning_rate=-.1/'
refused negative_decay 'decay=-1: negative' 's/^decay=.*/decay=-1/'
refused momentum_of_one 'momentum=1: must be 0 or more and below 1' 's/^momentum=.*/momentum=1/'
refused fraction_of_updates 'max_batches=1.5: not a whole number' 's/^max_batches=.*/max_batches=1.5/'
refused no_batch 'batch=0: must be 1 or more' 's/^batch=.*/batch=0/'
refused subdivisions_that_do_not_divide 'subdivisions=3: does not divide batch=16' 's/^batch=.*/&\nsubdivisions=3/'
refused fewer_scales_than_steps 'scales=.1: has 1 entries, steps has 2' 's/^scales=.*/scales=.1/'
refused more_scales_than_steps 'scales=.1,.1,.1: has 3 entries' 's/^scales=.*/scales=.1,.1,.1/'
refused decays_of_another_length 'decays=.5: has 1 entries, steps has 2' 's/^scales=.*/&\ndecays=.5/'
refused decays_without_steps 'decays=.5: base_policy=constant does not use it; remove it, or write base_policy=steps' \
    '/^steps/d; /^scales/d; s/^base_policy=.*/base_policy=constant\ndecays=.5/'
refused steps_without_their_base 'bad.cfg:10: [net] steps=5: needs base_policy=steps; add it, or remove steps' \
    '/^scales/d; s/^base_policy=.*/steps=5/; /^steps=100/d'
refused step_of_a_base_without_steps 'step=5: needs base_policy=step, sigmoid or cosine; add it, or remove step' \
    '/^scales/d; /^steps/d; s/^base_policy=.*/step=5/'
refused power_of_no_policy 'power=2: base_policy=constant does not use it; remove it, or write base_policy=poly' \
    '/^scales/d; /^steps/d; s/^base_policy=.*/base_policy=constant\npower=2/'
refused key_of_ours_beside_a_stock_policy 'sgdr_mult=2: policy=constant does not use it; remove it, or write policy=sgdr' \
    '/^scales/d; /^steps/d; /^base_policy/d; s/^policy=.*/policy=constant\nsgdr_mult=2/'
refused key_beside_a_policy_of_ours 'gamma=2: policy=cosine does not use it; remove it, or write policy=exp or sigmoid' \
    '/^scales/d; /^steps/d; /^base_policy/d; s/^policy=.*/policy=cosine\ngamma=2/'
refused an_empty_entry "entry 2, '', is no number" 's/^scales=.*/scales=.1,/'
refused steps_that_fall 'steps=200,100: must increase' 's/^steps=.*/steps=200,100/'
refused steps_that_stand 'steps=100,100: must increase' 's/^steps=.*/steps=100,100/'
refused missing_steps 'steps: missing' '/^steps=/d'
refused missing_scales 'scales: missing' '/^scales=/d'
refused adam 'adam=1: policy=texp++ folds SGD' 's/^decay=.*/&\nadam=1/'
refused clip 'clip=1: bounds weights' 's/^decay=.*/&\nclip=1/'
refused cosine_without_end 'max_batches: missing' \
    '/^steps/d; /^scales/d; s/^base_policy=.*/base_policy=cosine/; /^max_batches/d'
refused poly_without_end 'max_batches: missing' \
    '/^steps/d; /^scales/d; s/^base_policy=.*/base_policy=poly/; /^max_batches/d'
refused too_much_decay 'decay=.05: learning_rate*decay reaches 0.005 at update 1, above (1-sqrt(momentum))^2 = 0.0026334' \
    's/^decay=.*/decay=.05/'
refused the_decay_that_would_do 'decay=0.026334 is the largest' 's/^decay=.*/decay=.05/'
refused correction_elsewhere 'momentum_correction=1: belongs to policy=texp alone' 's/^decay=.*/&\nmomentum_correction=1/'
refused affine_of_two 'affine=2: must be 0 or 1' 's/^decay=.*/&\naffine=2/'
refused other_layers 'texp_layers=some: must be invariant or all' 's/^policy=.*/&\ntexp_layers=some/'
refused layers_of_a_plain_policy 'texp_layers=all: belongs to policy=texp' \
    '/^base_policy=/d; s/^policy=.*/policy=steps\ntexp_layers=all/'
refused rescale_of_a_plain_policy 'rescale=1: belongs to policy=texp' \
    '/^base_policy=/d; s/^policy=.*/policy=steps\nrescale=1/'
refused no_epsilon 'batchnorm_eps=0: must be positive' 's/^decay=.*/&\nbatchnorm_eps=0/'
refused unknown_backend 'backend=gpu: must be auto or plain' 's/^decay=.*/&\nbackend=gpu/'
refused unknown_precision 'precision=half: must be float32 or bf16' 's/^decay=.*/&\nprecision=half/'
refused bf16_of_plain_loops 'backend=plain has no bf16' 's/^decay=.*/&\nprecision=bf16\nbackend=plain/'
refused no_thread 'threads=0: must be 1 or more' 's/^decay=.*/&\nthreads=0/'
refused more_threads_than_can_be 'threads=100000: must be 1 to 1024' 's/^decay=.*/&\nthreads=100000/'
refused flat_std 'std=0: must be positive' 's/^decay=.*/&\nstd=0/'
refused means_of_other_channels 'mean=.1,.2: has 2 entries for channels=1' 's/^decay=.*/&\nmean=.1,.2/'
# Whether they go together depends on the layers.
subcommand=check
refused both_augmentations "angle=7: belongs to Darknet's own augmentation" 's/^decay=.*/&\ncrop_pad=1\nangle=7/'
subcommand=schedule
refused no_equals_sign "'momentum' is neither [section] nor key=value" 's/^momentum=.*/momentum/'
refused no_value "'momentum=' is neither" 's/^momentum=.*/momentum=/'
refused another_first_section 'the first section is [nett]' 's/^\[net\]/[nett]/'

# Layers: these are read when the network is made.
printf 'classes=2\n' >refused.data
refused_layer() { # NAME TEXT SED-SCRIPT
    sed "$3" good.cfg >bad.cfg
    "$darknet" classifier valid refused.data bad.cfg none.weights >out.txt 2>err.txt
    status=$?
    why=
    [ $status -ne 0 ] && [ $status -lt 128 ] || why="status $status"
    grep -qF -- "$2" err.txt || why="$why no '$2' in: $(tail -n 2 err.txt)"
    result "$1" "$why"
}
ONEDNN_MAX_CPU_ISA=AVX2 DNNL_MAX_CPU_ISA=AVX2 refused_layer bf16_without_instructions \
    'precision=bf16: this processor has no instructions for bfloat16' 's/^decay=.*/&\nprecision=bf16/'
refused_layer unknown_layer 'bad.cfg:41: [avgpol] Darknet has no layer of this type; did you mean [avgpool]?' \
    's/^\[avgpool\]/[avgpol]/'
refused_layer layer_of_a_fork "[sam] a layer of AlexeyAB's fork" 's/^\[avgpool\]/[sam]\nfrom=-2\n\n&/'
refused_layer unknown_key_of_a_layer 'filtres=8: unknown key in [convolutional]; did you mean filters?' \
    's/^filters=8/filtres=8/'
refused_layer strange_key_of_a_layer 'bad.cfg:42: [avgpool] zebra=1: unknown key in [avgpool]; remove it' \
    's/^\[avgpool\]/&\nzebra=1/'
refused_layer key_of_net_in_a_layer 'seed=1: a key of [net]; move it there' 's/^filters=8/&\nseed=1/'
refused_layer network_of_a_fork "dilation=2: a key of AlexeyAB's fork (dilated convolutions); without it" \
    's/^filters=8/&\ndilation=2/'
refused_layer another_case 'activation=Leaky: unknown activation; did you mean leaky? Known: logistic, loggy' \
    '0,/^activation=/s/^activation=.*/activation=Leaky/'
refused_layer unknown_activation 'activation=zebra: unknown activation; use logistic, loggy, relu' \
    '0,/^activation=/s/^activation=.*/activation=zebra/'
refused_layer activation_of_a_fork "activation=gelu: an activation of AlexeyAB's fork; this Darknet knows logistic" \
    '0,/^activation=/s/^activation=.*/activation=gelu/'
refused_layer unknown_cost 'type=sme: unknown type; did you mean sse? Known: sse, masked, smooth, L1, seg or wgan' \
    's/^\[softmax\]/[cost]\ntype=sme/'
refused_layer a_pad_that_local_does_not_have 'pad=2: must be 0, or 1 with size=3' \
    's/^\[avgpool\]/[local]\nsize=3\npad=2\n\n&/'
refused_layer a_pad_beside_another_size_of_local 'pad=1: must be 0, or 1 with size=3' \
    's/^\[avgpool\]/[local]\nsize=1\npad=1\n\n&/'
refused_layer windows_outside_of_the_image 'padding=9: leaves windows of size=2 that touch no pixel' \
    's/^\[avgpool\]/[maxpool]\nsize=2\nstride=1\npadding=9\n\n&/'
refused_layer a_window_of_more_channels_than_there_are 'size=18: is more than twice the 8 channels' \
    's/^\[avgpool\]/[normalization]\nsize=18\n\n&/'
refused_layer a_reorg_of_too_few_channels 'stride=4: must divide the 4 x 4 before it, and its square the 8 channels' \
    's/^\[avgpool\]/[reorg]\nstride=4\n\n&/'
refused_layer no_enlargement 'stride=0: must be 1 or more, or -1 or less' 's/^\[avgpool\]/[upsample]\nstride=0\n\n&/'
refused_layer batch_normalisation_of_a_fork 'batch_normalize=2: must be 0 or 1' \
    's/^filters=8/&\nbatch_normalize=2/'
refused_layer layer_number 'filters=eight: not a whole number' 's/^filters=8/filters=eight/'
refused_layer fixed_without_weights 'fixed=1: this layer has no weights' 's/^\[avgpool\]/&\nfixed=1/'
refused_layer affine_without_norm 'affine=0: this layer has no batch normalisation' 's/^\[avgpool\]/&\naffine=0/'
refused_layer negative_init_std 'init_std=-1: negative' 's/^init_std=.*/init_std=-1/'
refused_layer rate_of_one_layer_among_all 'learning_rate=2: texp_layers=all has one rate' \
    's/^filters=8/&\nlearning_rate=2/; s/^policy=.*/&\ntexp_layers=all/'
refused_layer fixed_of_two 'fixed=2: must be 0 or 1' 's/^fixed=1/fixed=2/'

refused_layer no_stride 'stride=0: must be 1 or more' '0,/^stride=1/s/^stride=1/stride=0/'
refused_layer a_shortcut_from_nowhere 'from=99: names no layer before this one' \
    's/^\[avgpool\]/[shortcut]\nfrom=99\nactivation=linear\n\n&/'
refused_layer a_shortcut_from_its_future 'from=0x: not a list' \
    's/^\[avgpool\]/[shortcut]\nfrom=0x\nactivation=linear\n\n&/'
refused_layer a_route_without_layers 'layers: missing' 's/^\[avgpool\]/[route]\n\n&/'
refused_layer a_filter_larger_than_the_image 'size=11: is larger than the 8 x 8 before' \
    '0,/^size=3/s/^size=3/size=11/; 0,/^pad=1/s/^pad=1/pad=0/'
refused_layer more_outputs_than_an_int_counts 'outputs a batch, and Darknet counts to 2147483647' \
    '0,/^filters=8/s/^filters=8/filters=99999999/'
refused_layer groups_that_do_not_divide 'groups=3: does not divide 1 channels and filters=8' \
    '0,/^filters=8/s/^filters=8/filters=8\ngroups=3/'
refused_layer a_crop_larger_than_the_image "crop_width=9: is larger than the image's 8" \
    '0,/^\[conv/s/^\[conv.*/[crop]\ncrop_width=9\ncrop_height=8\n\n&/'
refused_layer channels_that_yolo_does_not_take 'needs 12 channels before it, (classes + 5) for each entry' \
    's/^\[avgpool\]/[yolo]\nclasses=1\nnum=2\nmask=0,1\n\n&/'
refused_layer more_anchors_than_num 'anchors=1,2,3: has 3 entries; num=1 takes 2' \
    's/^\[avgpool\]/[yolo]\nclasses=3\nnum=1\nanchors=1,2,3\n\n&/'
refused_layer fewer_anchors_than_num 'anchors=1: has 1 entries; num=1 takes 2' \
    's/^\[avgpool\]/[yolo]\nclasses=3\nnum=1\nanchors=1\n\n&/'
refused_layer a_mask_beyond_num "mask=1: entry '1' names none of the num=1 pairs" \
    's/^\[avgpool\]/[yolo]\nclasses=3\nnum=1\nmask=1\n\n&/'
refused_layer a_dropout_in_front "can't be the first layer" '0,/^\[conv/s/^\[conv.*/[dropout]\nprobability=.5\n\n&/'
# shellcheck disable=SC2016 # sed's last line
refused_layer no_layers 'no layer follows [net]' '/^\[conv/,$d'
refused_layer inputs_unlike_the_image 'inputs=9: height, width and channels make 64' 's/^batch=.*/&\ninputs=9/'
refused_layer a_batch_that_no_int_counts 'inputs in a batch, and Darknet counts to' 's/^batch=.*/batch=2000000000/'
refused too_many_updates 'max_batches=3000000000: too large' 's/^max_batches=.*/max_batches=3000000000/'

# All of a cfg's keys are told in one run, each kind of line once.
sed 's/^filters=8/&\ndilation=2\nzebra=1/; s/^decay=.*/&\nmosaic=1\nmosaic_bound=0\nema_alpha=.9/' good.cfg >bad.cfg
"$darknet" texp check bad.cfg >out.txt 2>err.txt
status=$?
why=
[ $status -eq 2 ] || why="status $status"
cat >expected <<'END'
bad.cfg:9: [net] mosaic=1: ignored; a key of AlexeyAB's fork (images mixed of four); remove it
bad.cfg:11: [net] ema_alpha=.9: a key of AlexeyAB's fork (averaged weights); without it this is another network: remove it, or train with the fork
bad.cfg:20: [convolutional] dilation=2: a key of AlexeyAB's fork (dilated convolutions); without it this is another network: remove it, or train with the fork (and on 1 more line)
bad.cfg:21: [convolutional] zebra=1: unknown key in [convolutional]; remove it (and on 1 more line)
END
cmp -s expected err.txt || why="$why $(cat err.txt)"
result "all_unknown_keys_are_named_at_once" "$why"

# Keys that the policy does not use: told at once where they are refused, and ignored where stock Darknet ignores them.
sed '/^base_policy/d' good.cfg >bad.cfg
"$darknet" texp schedule bad.cfg >out.txt 2>err.txt
status=$?
cat >expected <<'END'
bad.cfg:10: [net] steps=100,200: needs base_policy=steps; add it, or remove steps
bad.cfg:11: [net] scales=.1,.1: needs base_policy=steps; add it, or remove scales
END
why=
[ $status -eq 1 ] || why="status $status"
cmp -s expected err.txt || why="$why $(cat err.txt)"
result "steps_without_base_policy_are_refused_at_once" "$why"
sed '/^base_policy/d; s/^policy=.*/policy=constant/; s/^steps=.*/burn_in=5\npower=2/' good.cfg >stock.cfg
"$darknet" texp schedule stock.cfg >out.txt 2>err.txt
status=$?
why=
[ $status -eq 0 ] || why="status $status"
[ "$(cat err.txt)" = "stock.cfg:12: [net] scales=.1,.1: ignored; policy=constant does not use it; remove it, or write policy=steps" ] || why="$why $(cat err.txt)"
result "unused_keys_of_a_stock_policy_are_ignored_with_a_word" "$why"

# What a fork ignores or has by default is no other network.
sed '0,/^filters=8/s/^filters=8/&\ndilation=1\nstride_x=1\nstride_y=1\nantialiasing=0/; s/^decay=.*/&\nmosaic=0\nletter_box=1/' \
    good.cfg >same.cfg
"$darknet" texp check same.cfg >out.txt 2>err.txt
status=$?
why=
[ $status -lt 2 ] || why="status $status"
grep -q "letter_box=1: ignored; a key of AlexeyAB's fork" err.txt && [ "$(wc -l <err.txt)" -eq 1 ] || why="$why $(cat err.txt)"
result "keys_of_forks_that_ask_for_nothing_pass" "$why"

# As stock Darknet: keys of other layers.
sed 's/^\[avgpool\]/&\nfilters=3\npad=1/; s/^\[softmax\]/&\nstride=1/' good.cfg >stray.cfg
"$darknet" texp check stray.cfg >out.txt 2>err.txt
printf "Unused field: '%s'\n" 'filters = 3' 'pad = 1' 'stride = 1' >expected
why=
cmp -s expected err.txt || why="$(cat err.txt)"
result "keys_that_a_layer_does_not_use_are_reported_as_in_stock" "$why"

# The decay that a refusal names will do, whatever the rate and the momentum.
why=
for pair in ".7 .9" ".1 .9" ".3 .99" ".013 .5" "1.7 .95" ".9 0" ".033 .899"; do
    sed "s/^learning_rate=.*/learning_rate=${pair% *}/; s/^momentum=.*/momentum=${pair#* }/; s/^decay=.*/decay=99/" \
        good.cfg >much.cfg
    "$darknet" texp schedule much.cfg >out.txt 2>err.txt
    decay=$(sed -n 's/.*decay=\([0-9.e-]*\) is the largest.*/\1/p' err.txt)
    sed "s/^decay=.*/decay=$decay/" much.cfg >less.cfg
    "$darknet" texp schedule less.cfg >out.txt 2>err.txt || why="$why $pair: $(cat err.txt)"
    awk -v d="$decay" 'BEGIN { printf "decay=%.6g\n", d * 1.00001 }' >line
    sed "s/^decay=.*/$(cat line)/" much.cfg >more.cfg
    "$darknet" texp schedule more.cfg >out.txt 2>err.txt && why="$why $pair: $(cat line) passes"
done
result "the_largest_decay_passes_and_a_little_more_does_not" "$why"

# A file written on another system.
sed 's/$/\r/' good.cfg >crlf.cfg
why=
"$darknet" texp schedule crlf.cfg -csv >crlf.csv 2>err.txt || why=$(cat err.txt)
"$darknet" texp schedule good.cfg -csv | cmp -s - crlf.csv || why="$why another schedule"
result "line_ends_of_cr_and_lf_are_read" "$why"

# Every cfg that Darknet ships is still understood.
why=
for cfg in "$OLDPWD"/build/darknet/cfg/*.cfg; do
    "$darknet" texp schedule "$cfg" -to 3 >out.txt 2>err.txt || why="$why $(tail -n 1 err.txt)"
done
result "every_cfg_of_darknet_has_a_schedule" "$why"
finish
