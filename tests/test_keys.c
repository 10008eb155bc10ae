/* The tables of cfg keys, held against the parsers that read them. */
#include "support.h"

#include "cfg/key_check.h"
#include "net/keys.h"
#include "net/texp_net.h"
#include "theory/policy.h"

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

static void darknets_keys_of_layers_are_those_that_it_reads(void **state)
{
    (void)state;
    for (size_t i = 0; texp_layer_key_at(i); ++i) {
        const texp_key *row = texp_layer_key_at(i);
        if (is_read(NULL, row->name) != !(row->flags & TEXP_OURS)) fail_msg("%s: ours or Darknet's?", row->name);
    }
}

/* ---- rows ---- */

static void a_key_has_one_row(void **state)
{
    (void)state;
    for (size_t i = 0; texp_net_key_at(i); ++i) {
        assert_ptr_equal(texp_net_key_named(texp_net_key_at(i)->name), texp_net_key_at(i));
    }
    for (size_t i = 0; texp_layer_key_at(i); ++i) {
        assert_ptr_equal(texp_layer_key_named(texp_layer_key_at(i)->name), texp_layer_key_at(i));
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

static void a_field_holds_the_value_of_its_key_and_without_it_the_default(void **state)
{
    network *bare = with_line("");
    int n = 0;
    (void)state;
    for (size_t i = 0; texp_net_key_at(i); ++i) {
        const texp_key *key = texp_net_key_at(i);
        if (key->field == TEXP_NO_FIELD || !strcmp(key->name, "momentum_correction")) continue;
        char line[64];
        double value = key->type == TEXP_FLAG ? !key->otherwise : key->type == TEXP_WHOLE ? 3 : .75;
        snprintf(line, sizeof line, "%s=%g", key->name, value);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(darknets_keys_of_net_are_all_in_the_table_and_no_others_are_called_its),
        cmocka_unit_test(darknets_keys_of_layers_are_those_that_it_reads),
        cmocka_unit_test(a_key_has_one_row),
        cmocka_unit_test(a_field_holds_the_value_of_its_key_and_without_it_the_default),
        cmocka_unit_test(defaults_are_those_of_darknet),
        cmocka_unit_test(values_outside_a_range_are_named_and_its_ends_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
