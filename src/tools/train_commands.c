#include "tools/train_commands.h"

#include "train/classifier.h"
#include "train/detector.h"
#include "train/loop.h"
#include "train/regressor.h"
#include "train/segmenter.h"

/* The numbers of -gpus, checked before; otherwise the one of -i. */
static int read_gpus(const char *list, int **gpus)
{
    int n = 1;
    for (const char *c = list; c && *c; ++c) n += *c == ',';
    *gpus = calloc((size_t)n, sizeof **gpus);
    **gpus = gpu_index;
    for (int i = 0; list && i < n; ++i) {
        char *end;
        (*gpus)[i] = (int)strtol(list, &end, 10);
        list = end + (*end == ',');
    }
    return n;
}

static int train(const texp_task *task, const texp_arguments *a)
{
    int *gpus, n = read_gpus(texp_argument(a, "-gpus"), &gpus);
    texp_command_line typed = {a->names[0], a->names[1], a->n > 2 ? a->names[2] : NULL,
                               gpus,        n,           texp_argument(a, "-clear") != NULL};
    texp_train(task, &typed);
    free(gpus);
    return 0;
}

int texp_train_classifier(const texp_arguments *a)
{
    return train(&texp_classifier, a);
}

int texp_train_detector(const texp_arguments *a)
{
    return train(&texp_detector, a);
}

int texp_train_regressor(const texp_arguments *a)
{
    return train(&texp_regressor, a);
}

int texp_train_segmenter(const texp_arguments *a)
{
    return train(&texp_segmenter, a);
}
