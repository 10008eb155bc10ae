#include "net/keys.h"

#include "net/texp_net.h"

#include <float.h>
#include <limits.h>
#include <math.h>

/* Types with their ranges. Darknet keeps whole numbers as ints. */
#define RANGE(kind, least, most) .type = kind, .lowest = least, .highest = most
#define ANY_NUMBER               RANGE(TEXP_NUMBER, -INFINITY, INFINITY)
#define NUMBER(least)            RANGE(TEXP_NUMBER, least, INFINITY)
#define POSITIVE                 RANGE(TEXP_NUMBER, DBL_MIN, INFINITY)
#define ANY_WHOLE                RANGE(TEXP_WHOLE, INT_MIN, INT_MAX)
#define WHOLE(least)             RANGE(TEXP_WHOLE, least, INT_MAX)
#define FLAG                     RANGE(TEXP_FLAG, 0, 1)
#define LIST                     .type = TEXP_LIST
#define WORD                     .type = TEXP_WORD

/* Fields of texp_net, and what they hold where the key is absent. */
#define FIELD(kind, member, value) .field = kind, .offset = offsetof(texp_net, member), .otherwise = value
#define INT(member, value)         FIELD(TEXP_FIELD_INT, member, value)
#define LONG(member, value)        FIELD(TEXP_FIELD_LONG, member, value)
#define DOUBLE(member, value)      FIELD(TEXP_FIELD_DOUBLE, member, value)

#define AUGMENTS .flags = TEXP_REPLACED_LOADER
#define OURS     .flags = TEXP_OURS
#define UPDATES  .flags = TEXP_OURS | TEXP_ASKS_UPDATE
#define LOADS    .flags = TEXP_OURS | TEXP_ASKS_LOADER
#define OF_FORMS .flags = TEXP_OURS | TEXP_OF_FORMS
#define WARNED   .resume = TEXP_RESUME_WARNED
#define FREE     .resume = TEXP_RESUME_FREE

enum { MOST_THREADS = 1024 };

/* Which of the schedule's keys a policy uses, its row says (theory/policy.c). */
static const texp_key net_keys[] = {
    /* The network and its updates. */
    {"batch", WHOLE(1)},
    {"subdivisions", WHOLE(1)},
    {"time_steps", WHOLE(1)},
    {"height", WHOLE(0)},
    {"width", WHOLE(0)},
    {"channels", WHOLE(0)},
    {"inputs", WHOLE(0)},
    {"notruth", ANY_WHOLE},
    {"seen", NUMBER(0)}, /* nobody reads it, yet a cfg of Darknet's own has it */
    {"adam", ANY_WHOLE},
    {"B1", NUMBER(0)},
    {"B2", NUMBER(0)},
    {"eps", NUMBER(0)},
    {"clip", NUMBER(0)},
    {"seed", RANGE(TEXP_WHOLE, 0, UINT32_MAX), OURS},
    {"affine", FLAG, UPDATES},
    {"batchnorm_eps", POSITIVE, UPDATES, DOUBLE(bn.eps, 0)},

    /* The schedule. */
    {"policy", WORD},
    {"base_policy", WORD, OURS},
    {"learning_rate", NUMBER(0), DOUBLE(schedule.recipe.learning_rate, .001)},
    {"momentum", NUMBER(0), DOUBLE(schedule.recipe.momentum, .9)},
    {"decay", NUMBER(0), DOUBLE(schedule.recipe.decay, .0001)},
    {"burn_in", WHOLE(0), LONG(schedule.recipe.burn_in, 0)},
    {"max_batches", WHOLE(0), LONG(schedule.recipe.max_batches, 0), .resume = TEXP_RESUME_UNLESS_END},
    {"power", NUMBER(0), DOUBLE(schedule.recipe.power, 4)},
    {"step", WHOLE(0), LONG(schedule.recipe.step, 1)},
    {"scale", NUMBER(0), DOUBLE(schedule.recipe.scale, 1)},
    {"gamma", ANY_NUMBER, DOUBLE(schedule.recipe.gamma, 1)},
    {"steps", LIST},
    {"scales", LIST},
    {"decays", LIST, UPDATES},
    {"learning_rate_min", NUMBER(0), OURS, DOUBLE(schedule.recipe.learning_rate_min, .00001)},
    {"sgdr_cycle", WHOLE(0), OURS, LONG(schedule.recipe.sgdr_cycle, 0)},
    {"sgdr_mult", NUMBER(0), OURS, DOUBLE(schedule.recipe.sgdr_mult, 2)},
    {"momentum_correction", FLAG, OURS, INT(schedule.recipe.momentum_correction, 0)},
    {"texp_layers", WORD, OF_FORMS},
    {"rescale", FLAG, OF_FORMS},

    /* Images. */
    {"random", ANY_WHOLE, AUGMENTS},
    {"max_crop", WHOLE(0), AUGMENTS},
    {"min_crop", WHOLE(0), AUGMENTS},
    {"max_ratio", NUMBER(0), AUGMENTS},
    {"min_ratio", NUMBER(0), AUGMENTS},
    {"center", ANY_WHOLE, AUGMENTS},
    {"angle", ANY_NUMBER, AUGMENTS},
    {"aspect", NUMBER(0), AUGMENTS},
    {"saturation", NUMBER(0), AUGMENTS},
    {"exposure", NUMBER(0), AUGMENTS},
    {"hue", ANY_NUMBER, AUGMENTS},
    {"crop_pad", WHOLE(0), LOADS, INT(images.augment.pad, 0)},
    {"flip", FLAG, LOADS, INT(images.augment.flip, 0)},
    {"mean", LIST, LOADS},
    {"std", LIST, LOADS},

    /* The run. */
    {"valid_every", WHOLE(1), OURS, FREE, INT(run.valid_every, 1)},
    {"save_every", WHOLE(1), OURS, FREE, INT(run.save_every, 0)},
    {"norms", FLAG, UPDATES, FREE, INT(run.logs_weight_norms, 0)},
    {"backend", WORD, OURS, WARNED},
    {"precision", WORD, OURS, WARNED},
    {"threads", RANGE(TEXP_WHOLE, 1, MOST_THREADS), OURS, WARNED, INT(cpu.threads, 0)},
};

static const texp_key layer_keys[] = {
    {"affine", FLAG, OURS, .needs = TEXP_NEEDS_BN},
    {"fixed", FLAG, OURS, .needs = TEXP_NEEDS_WEIGHTS},
    {"init_std", NUMBER(0), OURS, .needs = TEXP_NEEDS_WEIGHTS},
    {"bias", FLAG, OURS, .needs = TEXP_NEEDS_BIAS},

    /* What Darknet's make_*_layer divides by or multiplies with. */
    {"filters", WHOLE(1)},
    {"size", WHOLE(1)},
    {"stride", WHOLE(1)},
    {"output", WHOLE(1)},
    {"groups", WHOLE(1)},
    {"classes", WHOLE(1)},
    {"num", WHOLE(1)},
    {"hidden_filters", WHOLE(1)},
    {"output_filters", WHOLE(1)},
    {"side", WHOLE(1)},
    {"max", WHOLE(1)},
    {"crop_height", WHOLE(1)},
    {"crop_width", WHOLE(1)},
    {"pad", WHOLE(0)},
    {"padding", WHOLE(0)},
    {"coords", WHOLE(0)},
    {"ids", WHOLE(0)},
    {"extra", WHOLE(0)},

    /* These take part in loading weights alone, and a state brings all parameters back. */
    {"numload", WHOLE(0), FREE},
    {"dontload", ANY_WHOLE, FREE},
    {"dontloadscales", ANY_WHOLE, FREE},
    {"flipped", ANY_WHOLE, FREE},
};

static const texp_key *at(const texp_key *rows, size_t n, size_t i)
{
    return i < n ? rows + i : NULL;
}

static const texp_key *named(const texp_key *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; ++i) {
        if (!strcmp(rows[i].name, name)) return rows + i;
    }
    return NULL;
}

#define ROWS(table) table, sizeof(table) / sizeof *(table)

const texp_key *texp_net_key_at(size_t i)
{
    return at(ROWS(net_keys), i);
}

const texp_key *texp_layer_key_at(size_t i)
{
    return at(ROWS(layer_keys), i);
}

const texp_key *texp_net_key_named(const char *name)
{
    return named(ROWS(net_keys), name);
}

const texp_key *texp_layer_key_named(const char *name)
{
    return named(ROWS(layer_keys), name);
}
