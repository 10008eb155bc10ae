/* The tables of cfg keys, held against the parsers that read them. */
#include "support.h"

#include "cfg/fork_keys.h"
#include "cfg/key_check.h"
#include "net/checkpoint.h"
#include "net/activation.h"
#include "net/keys.h"
#include "net/layer_traits.h"
#include "net/texp_net.h"
#include "theory/policy.h"

#include "activations.h"
#include "cost_layer.h"

/* ---- the keys of stock Darknet ---- */

static char *darknets_parser(void)
{
    static char text[1 << 16];
    FILE *file = fopen("build/darknet-pristine/src/parser.c", "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

/* Whether the function of that name in stock Darknet's parser reads the key; NULL: any function. */
static int is_read(const char *function, const char *key)
{
    const char *from = darknets_parser(), *to = from + strlen(from);
    char quoted[64];
    if (function) {
        from = strstr(from, function);
        assert_non_null(from);
        to = strstr(from, "\n}");
    }
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    for (const char *p = from; (p = strstr(p, quoted)) && p < to; ++p) {
        const char *call = p;
        while (*call != '(') --call;
        if (!strncmp(call - 11, "option_find", 11) || strstr(call - 24, "option_find") < call) return 1;
    }
    return 0;
}

static void darknets_keys_of_net_are_all_in_the_table_and_no_others_are_called_its(void **state)
{
    const char *p = strstr(darknets_parser(), "void parse_net_options"), *end = strstr(p, "\n}");
    int n = 0;
    (void)state;
    while ((p = strstr(p, "option_find")) && p < end) {
        char key[64];
        if (sscanf(p, "%*[a-z_](options, \"%63[^\"]\"", key) == 1) {
            const texp_key *row = texp_net_key_named(key);
            if (!row) fail_msg("Darknet reads %s, which has no row", key);
            if (row->flags & TEXP_OURS) fail_msg("%s is called ours", key);
            ++n;
        }
        ++p;
    }
    assert_true(n > 35); /* the loop found them */
    for (size_t i = 0; texp_net_key_at(i); ++i) {
        const texp_key *row = texp_net_key_at(i);
        int is_darknets = is_read("void parse_net_options", row->name) || !strcmp(row->name, "seen");
        if (is_darknets != !(row->flags & TEXP_OURS)) fail_msg("%s: ours or Darknet's?", row->name);
    }
}

/* What its parser reads of a layer of that type, of its own and of all. */
static int is_read_of(const char *type, const char *key)
{
    char function[64];
    snprintf(function, sizeof function, "parse_%s(list", type);
    return is_read(function, key) || is_read("network *parse_network_cfg(", key);
}

static void a_type_of_layer_has_the_keys_that_darknet_reads_of_it(void **state)
{
    int n = 0;
    (void)state;
    for (int type = 0; type < BLANK; ++type) {
        const char *name = texp_layer_traits_of((LAYER_TYPE)type)->name;
        if (!strcmp(name, "none")) continue;
        for (size_t i = 0; texp_layer_key_at(i); ++i) {
            const char *key = texp_layer_key_at(i)->name;
            const texp_key *row = texp_layer_key_of(type, key);
            if (is_read_of(name, key) != (row && !(row->flags & TEXP_OURS))) fail_msg("[%s] %s", name, key);
            n += row != NULL;
        }
    }
    assert_true(n > 400); /* the loops found them */
}

/* Nothing that the parser reads lacks a row. */
static void every_key_that_darknet_reads_has_a_row(void **state)
{
    const char *p = darknets_parser();
    int n = 0;
    (void)state;
    while ((p = strstr(p, "option_find"))) {
        char key[64];
        ++n;
        if (sscanf(p++, "%*[a-z_](options, \"%63[^\"]\"", key) != 1) continue;
        if (!texp_layer_key_named(key) && !texp_net_key_named(key)) fail_msg("Darknet reads %s, which has no row", key);
    }
    assert_true(n > 150);
}

static void words_are_those_that_darknet_understands(void **state)
{
    static const LAYER_TYPE types[] = {CONVOLUTIONAL, RNN};
    const char *const *words;
    int n;
    (void)state;
    for (int k = 0; k < 2; ++k) {
        int ours = 0;
        words = texp_layer_key_of(types[k], "activation")->words;
        for (n = 0; words[n]; ++n) {
            const int is_ours = texp_activation_named(words[n]) != TEXP_DARKNETS;
            ours += is_ours;
            if (!is_ours) assert_string_equal(get_activation_string(get_activation((char *)words[n])), words[n]);
        }
        assert_int_equal(n - ours, SELU + 1); /* the last of Darknet's */
        assert_int_equal(ours, types[k] == RNN ? 0 : TEXP_SWISH); /* and of ours */
    }
    words = texp_layer_key_named("type")->words;
    for (n = 0; words[n]; ++n) {
        for (int i = 0; i < n; ++i) assert_true(get_cost_type((char *)words[n]) != get_cost_type((char *)words[i]));
    }
    assert_int_equal(n, WGAN + 1);
}

/* ---- the keys of other Darknets ---- */

static void a_key_that_this_darknet_has_is_none_of_a_forks(void **state)
{
    const texp_fork_key *fork;
    (void)state;
    for (size_t i = 0; (fork = texp_fork_key_at(i)); ++i) {
        for (int type = 0; type < BLANK; ++type) {
            if (!(fork->sections >> type & 1)) continue;
            const texp_key *own =
                type == NETWORK ? texp_net_key_named(fork->name) : texp_layer_key_of(type, fork->name);
            if (own) fail_msg("%s is in both tables", fork->name);
            if (texp_fork_key_of((LAYER_TYPE)type, fork->name) != fork) fail_msg("%s has two rows", fork->name);
        }
    }
}

/* ---- rows ---- */

static void a_key_has_one_row_for_each_type_of_layer(void **state)
{
    (void)state;
    for (size_t i = 0; texp_net_key_at(i); ++i) {
        assert_ptr_equal(texp_net_key_named(texp_net_key_at(i)->name), texp_net_key_at(i));
    }
    for (size_t i = 0; texp_layer_key_at(i); ++i) {
        const texp_key *row = texp_layer_key_at(i);
        assert_true(row->layers);
        for (int type = 0; type < BLANK; ++type) {
            if (row->layers >> type & 1) assert_ptr_equal(texp_layer_key_of(type, row->name), row);
        }
    }
    assert_null(texp_net_key_named("momentm"));
    assert_null(texp_layer_key_named(""));
}

/* A network whose [net] has one line more. */
static network *with_line(const char *line)
{
    return network_of("[net]\nbatch=1\nheight=4\nwidth=4\nchannels=3\n%s\n[connected]\noutput=2\n", line);
}

static double field_of(const network *net, const texp_key *key)
{
    const char *field = (const char *)net->texp + key->offset;
    return key->field == TEXP_FIELD_INT    ? *(const int *)field
           : key->field == TEXP_FIELD_LONG ? (double)*(const long *)field
                                           : *(const double *)field;
}

/* A policy that uses the key; constant: none does. */
static const char *policy_with(const char *key)
{
    for (size_t i = 0; texp_policy_at(i); ++i) {
        if (texp_policy_uses(texp_policy_at(i), key)) return texp_policy_at(i)->name;
    }
    return "constant";
}

/* Whether policies use the key, and steps is none of them. */
static int is_of_other_policies(const char *key)
{
    return strcmp(policy_with(key), "constant") && !texp_policy_uses(texp_policy_named("steps"), key);
}

static void a_field_holds_the_value_of_its_key_and_without_it_the_default(void **state)
{
    network *bare = with_line("");
    int n = 0;
    (void)state;
    for (size_t i = 0; texp_net_key_at(i); ++i) {
        const texp_key *key = texp_net_key_at(i);
        if (key->field == TEXP_NO_FIELD || !strcmp(key->name, "momentum_correction")) continue;
        char line[128];
        double value = key->type == TEXP_FLAG ? !key->otherwise : key->type == TEXP_WHOLE ? 3 : .75;
        if (!strcmp(key->name, "sgdr_mult")) value = 1.75; /* cycles don't grow shorter */
        snprintf(line, sizeof line, "%s=%g\npolicy=%s\nmax_batches=100", key->name, value, policy_with(key->name));
        network *net = with_line(line);
        assert_true(field_of(bare, key) == key->otherwise);
        assert_true(field_of(net, key) == value);
        free_network(net);
        ++n;
    }
    assert_true(n > 10);
    free_network(bare);
}

/* What stock Darknet takes where the key is absent. */
static void defaults_are_those_of_darknet(void **state)
{
    network *net = with_line("policy=poly\nmax_batches=10");
    (void)state;
    assert_true(net->learning_rate == (float)net->texp->schedule.recipe.learning_rate);
    assert_true(net->momentum == (float)net->texp->schedule.recipe.momentum);
    assert_true(net->decay == (float)net->texp->schedule.recipe.decay);
    assert_true(net->burn_in == net->texp->schedule.recipe.burn_in);
    assert_true(net->power == (float)net->texp->schedule.recipe.power);
    free_network(net);
    net = with_line("policy=step");
    assert_true(net->step == net->texp->schedule.recipe.step);
    assert_true(net->scale == (float)net->texp->schedule.recipe.scale);
    free_network(net);
    net = with_line("policy=exp");
    assert_true(net->gamma == (float)net->texp->schedule.recipe.gamma);
    free_network(net);
}

/* ---- ranges ---- */

static int is_among(const char *name, const char *const *names)
{
    for (; *names; ++names) {
        if (!strcmp(*names, name)) return 1;
    }
    return 0;
}

static const char *fault_of(const texp_key *key, const char *value)
{
    static char fault[256];
    return texp_value_fault(key, value, fault, sizeof fault) ? fault : "";
}

static void values_outside_a_range_are_named_and_its_ends_pass(void **state)
{
    const texp_key *count = texp_net_key_named("batch"), *flag = texp_net_key_named("affine");
    const texp_key *rate = texp_net_key_named("momentum"), *threads = texp_net_key_named("threads");
    (void)state;
    assert_string_equal(fault_of(count, "1"), "");
    assert_string_equal(fault_of(count, "2147483647"), "");
    assert_string_equal(fault_of(count, "0"), "must be 1 or more");
    assert_string_equal(fault_of(count, "2147483648"), "too large; Darknet counts to 2147483647");
    assert_string_equal(fault_of(count, "1.5"), "not a whole number; write one, as in batch=1");
    assert_string_equal(fault_of(flag, "0"), "");
    assert_string_equal(fault_of(flag, "1"), "");
    assert_string_equal(fault_of(flag, "2"), "must be 0 or 1");
    assert_string_equal(fault_of(flag, "-1"), "must be 0 or 1");
    assert_string_equal(fault_of(rate, "0"), "");
    assert_string_equal(fault_of(rate, "-1e-9"), "negative; must be 0 or more");
    assert_string_equal(fault_of(rate, "inf"), "not a finite number; write one, as in momentum=1");
    assert_string_equal(fault_of(threads, "1024"), "");
    assert_string_equal(fault_of(threads, "1025"), "must be 1 to 1024");
    assert_string_equal(fault_of(texp_net_key_named("batchnorm_eps"), "0"), "must be positive");
    assert_string_equal(fault_of(texp_net_key_named("seed"), "4294967295"), "");
    assert_string_equal(fault_of(texp_net_key_named("seed"), "4294967296"), "must be 0 to 4294967295");
    assert_string_equal(fault_of(texp_net_key_named("angle"), "-7"), "");
}

/* Darknet divides by them, makes arrays of them, or counts with them from 1. */
static const char *const at_least_1[] = {
    "batch",          "subdivisions", "time_steps", "threads",     "valid_every", "save_every", "filters",
    "size",           "stride",       "output",     "groups",      "classes",     "num",        "hidden_filters",
    "output_filters", "side",         "max",        "crop_height", "crop_width",  NULL};
static const char *const any_of_net[] = {"notruth", "adam", "random", "center", "angle", "hue", "gamma", NULL};
static const char *const any_of_layers[] = {
    "truth",       "onlyforward",    "stopbackward",  "smooth",         "dontsave",
    "dontload",    "dontloadscales", "flipped",       "binary",         "xnor",
    "dot",         "shortcut",       "tanh",          "alpha",          "beta",
    "kappa",       "scale",          "angle",         "shift",          "noadjust",
    "reverse",     "flatten",        "spatial",       "noloss",         "noobj",
    "thresh",      "softmax",        "sqrt",          "rescore",        "log",
    "background",  "classfix",       "absolute",      "forced",         "bias_match",
    "random",      "reorg",          "ignore_thresh", "truth_thresh",   "mask_scale",
    "coord_scale", "class_scale",    "object_scale",  "noobject_scale", NULL};
static const char *const positive[] = {"batchnorm_eps", "temperature", "scale_x_y", "max_delta", NULL};

static void assert_lowest(const texp_key *key, const char *const *of_any_sign)
{
    if (key->type == TEXP_WORD || key->type == TEXP_LIST) return;
    int refuses_0 = is_among(key->name, at_least_1) || is_among(key->name, positive);
    if ((*fault_of(key, "0") != 0) != refuses_0) fail_msg("%s=0", key->name);
    if ((*fault_of(key, "-1") == 0) != is_among(key->name, of_any_sign)) fail_msg("%s=-1", key->name);
    if (*fault_of(key, "1")) fail_msg("%s=1", key->name);
}

static void counts_begin_at_1_where_darknet_divides_by_them(void **state)
{
    const texp_key *key, *of_upsample = texp_layer_key_of(UPSAMPLE, "stride"); /* negative, it makes images smaller */
    (void)state;
    for (size_t i = 0; (key = texp_net_key_at(i)); ++i) assert_lowest(key, any_of_net);
    for (size_t i = 0; (key = texp_layer_key_at(i)); ++i) {
        if (key != of_upsample) assert_lowest(key, any_of_layers);
    }
    assert_string_equal(fault_of(of_upsample, "-2"), "");
    assert_string_equal(fault_of(texp_layer_key_named("probability"), "1.1"), "must be 0 to 1");
    assert_string_equal(fault_of(texp_layer_key_named("mask"), "0,-1"), "");
    assert_string_equal(fault_of(texp_layer_key_named("mask"), "0,x,1"),
                        "entry 2, 'x', is no number; write a list as in mask=1,2");
}

/* What README says of them. */
static void defaults_of_our_keys_are_those_of_the_readme(void **state)
{
    network *net = with_line("policy=sgdr\nmax_batches=100");
    const texp_net *t = net->texp;
    (void)state;
    assert_true(t->schedule.recipe.learning_rate_min == 1e-5);
    assert_true(t->schedule.recipe.sgdr_mult == 2);
    /* The first cycle ends with max_batches. */
    assert_true(texp_base_rate(&t->schedule.recipe, 100) == t->schedule.recipe.learning_rate_min);
    assert_true(texp_base_rate(&t->schedule.recipe, 101) > .99 * t->schedule.recipe.learning_rate);
    assert_int_equal(t->schedule.recipe.momentum_correction, 0);
    assert_int_equal(t->schedule.recipe.no_rescale, 0);
    assert_int_equal(t->schedule.all_layers, 0);
    assert_int_equal(t->run.valid_every, 1);
    assert_int_equal(t->run.save_every, 0);
    assert_int_equal(t->run.logs_weight_norms, 0);
    assert_int_equal(t->cpu.plain, 0);
    assert_int_equal(t->cpu.bf16, 0);
    assert_int_equal(t->bn.frozen_affine, 0);
    free_network(net);
}

/* ---- what a key asks for ---- */

/* A value that no cfg is refused for which has batch=2, three channels, 4x4 pixels and policy=texp++ of steps. */
static const char *value_of(const texp_key *key)
{
    static const char *const values[][2] = {{"policy", "texp"},
                                            {"base_policy", "constant"},
                                            {"adam", "0"},
                                            {"clip", "0"},
                                            {"momentum", ".5"},
                                            {"decay", "0"},
                                            {"max_batches", "100"},
                                            {"height", "5"},
                                            {"width", "5"},
                                            {"inputs", "48"},
                                            {"channels", "1"},
                                            {"backend", "plain"},
                                            {"batch", "4"},
                                            {"subdivisions", "2"},
                                            {"precision", "float32"},
                                            {"texp_layers", "invariant"},
                                            {"momentum_correction", "0"},
                                            {"activation", "relu"}};
    for (size_t i = 0; i < sizeof values / sizeof *values; ++i) {
        if (!strcmp(values[i][0], key->name)) return values[i][1];
    }
    return "1";
}

/* Lines in front of all others of [net] and of its layer: of a key given twice the first one counts. */
static network *with_lines(const char *policy, const char *of_net, const char *of_layer)
{
    return network_of("[net]\n%sbatch=2\nheight=4\nwidth=4\nchannels=3\n%s\n[convolutional]\n%s"
                      "filters=2\nsize=2\nstride=2\npad=0\n",
                      of_net, policy, of_layer);
}

static const char *line_of(const texp_key *key)
{
    static char line[64];
    snprintf(line, sizeof line, "%s=%s\n", key->name, value_of(key));
    return line;
}

static void our_update_runs_for_the_keys_that_darknets_cannot_honour(void **state)
{
    static const char *const asking[] = {"affine", "batchnorm_eps", "decays", "norms", NULL};
    (void)state;
    for (size_t i = 0; texp_net_key_at(i); ++i) {
        const texp_key *key = texp_net_key_at(i);
        if (is_among(key->name, (const char *const[]){"policy", "base_policy", "texp_layers", "rescale", NULL}))
            continue;
        if (is_of_other_policies(key->name)) continue;
        network *net = with_lines("policy=steps\nsteps=5\nscales=.5", line_of(key), "");
        if (net->texp->ours != is_among(key->name, asking)) fail_msg("%s: our update?", key->name);
        free_network(net);
    }
}

static void our_loader_runs_for_its_keys_and_not_beside_darknets_augmentation(void **state)
{
    static const char *const asking[] = {"crop_pad", "flip", "mean", "std", NULL};
    static const char *const replaced[] = {"random", "max_crop",   "min_crop", "max_ratio", "min_ratio", "center",
                                           "angle",  "saturation", "aspect",   "exposure",  "hue",       NULL};
    (void)state;
    for (size_t i = 0; texp_net_key_at(i); ++i) {
        const texp_key *key = texp_net_key_at(i);
        assert_int_equal(!!(key->flags & TEXP_REPLACED_LOADER), is_among(key->name, replaced));
        if (is_among(key->name, (const char *const[]){"base_policy", "policy", "texp_layers", "rescale", NULL}))
            continue;
        if (is_of_other_policies(key->name)) continue;
        network *net = with_lines("policy=steps\nsteps=5\nscales=.5", line_of(key), "");
        if (net->texp->images.ours != is_among(key->name, asking)) fail_msg("%s: our loader?", key->name);
        free_network(net);
    }
}

/* ---- resumed runs ---- */

static const char steps[] = "policy=texp++\nbase_policy=steps\nsteps=5\nscales=.5";

typedef struct {
    const char *weights, *of_net, *of_layer;
} resumption;

static void resume(const void *argument)
{
    const resumption *r = argument;
    network *net = with_lines(steps, r->of_net, r->of_layer);
    texp_saved *saved = texp_checkpoint_restore(net, r->weights);
    CHILD_CHECK(saved);
    texp_saved_close(saved);
}

/* A run with one cfg goes on with another. */
static outcome resumed(const char *there_of_net, const char *there_of_layer, const char *here_of_net,
                       const char *here_of_layer)
{
    char *weights = write_file(".weights", "", 0), *file = strdup(weights);
    network *net = with_lines(steps, there_of_net, there_of_layer);
    strcpy(strrchr(file, '.'), ".state");
    *net->seen = 2, *net->t = 1;
    hush();
    save_weights(net, weights);
    speak();
    outcome o = in_child(resume, &(resumption){weights, here_of_net, here_of_layer});
    unlink(file);
    unlink(weights);
    --support_n_files;
    free(file);
    free_network(net);
    return o;
}

static void a_resumed_run_may_change_what_changes_nothing_that_is_done(void **state)
{
    static const char *const free_keys[] = {"valid_every", "save_every", "norms", "max_batches", NULL};
    static const char *const warned[] = {"backend", "precision", "threads", NULL};
    (void)state;
    for (size_t i = 0; texp_net_key_at(i); ++i) {
        const texp_key *key = texp_net_key_at(i);
        if (is_of_other_policies(key->name) || !strcmp(key->name, "base_policy")) continue; /* refused anyway */
        outcome o = resumed("", "", line_of(key), "");
        int is_warned = is_among(key->name, warned);
        if (is_warned || is_among(key->name, free_keys))
            assert_succeeds(o);
        else
            assert_refuses(o, "made with another cfg", key->name);
        if (is_warned != (strstr(o.text, "bits may differ") != NULL)) fail_msg("%s: a warning?", key->name);
    }
}

static void a_resumed_run_may_load_its_weights_otherwise_and_change_nothing_else_of_a_layer(void **state)
{
    static const char *const loading[] = {"dontload", "dontloadscales", "numload", "flipped", NULL};
    (void)state;
    for (size_t i = 0; texp_layer_key_at(i); ++i) {
        const texp_key *key = texp_layer_key_at(i);
        if (key->needs == TEXP_NEEDS_BN) continue; /* the layer has none */
        if (!(key->layers >> CONVOLUTIONAL & 1)) continue;
        outcome o = resumed("", line_of(key), "", "");
        if (is_among(key->name, loading))
            assert_succeeds(o);
        else
            assert_refuses(o, "made with another cfg", key->name);
    }
    assert_refuses(resumed("", "activation=relu\n", "", ""), "activation=relu there, nothing here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(darknets_keys_of_net_are_all_in_the_table_and_no_others_are_called_its),
        cmocka_unit_test(a_type_of_layer_has_the_keys_that_darknet_reads_of_it),
        cmocka_unit_test(every_key_that_darknet_reads_has_a_row),
        cmocka_unit_test(words_are_those_that_darknet_understands),
        cmocka_unit_test(a_key_that_this_darknet_has_is_none_of_a_forks),
        cmocka_unit_test(a_key_has_one_row_for_each_type_of_layer),
        cmocka_unit_test(a_field_holds_the_value_of_its_key_and_without_it_the_default),
        cmocka_unit_test(defaults_are_those_of_darknet),
        cmocka_unit_test(values_outside_a_range_are_named_and_its_ends_pass),
        cmocka_unit_test(counts_begin_at_1_where_darknet_divides_by_them),
        cmocka_unit_test(defaults_of_our_keys_are_those_of_the_readme),
        cmocka_unit_test(our_update_runs_for_the_keys_that_darknets_cannot_honour),
        cmocka_unit_test(our_loader_runs_for_its_keys_and_not_beside_darknets_augmentation),
        cmocka_unit_test(a_resumed_run_may_change_what_changes_nothing_that_is_done),
        cmocka_unit_test(a_resumed_run_may_load_its_weights_otherwise_and_change_nothing_else_of_a_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
