#include "net/weights_file.h"

#include "base/files.h"
#include "base/refuse.h"
#include "net/checkpoint.h"
#include "store/weights_and_state.h"

#include "batchnorm_layer.h"

static const char bias_mark[8] = {'B', 'N', 'B', 'I', 'A', 'S', 'E', 'S'};

FILE *texp_weights_file_create(const char *filename)
{
    texp_message message;
    FILE *file = texp_file_create(filename, &message);
    if (!file) texp_fail("%s; make its folder, or name another as backup= in the .data file", message.text);
    return file;
}

static int has_biases(network *net, int cutoff)
{
    for (int i = 0; i < net->n && i < cutoff; ++i) {
        const layer *l = net->layers + i;
        if (l->type != BATCHNORM || l->dontsave) continue;
        for (int j = 0; j < l->c; ++j) {
            if (l->biases[j] != 0) return 1;
        }
    }
    return 0;
}

static void write_biases(FILE *file, network *net, int cutoff)
{
    if (!has_biases(net, cutoff)) return;
    fwrite(bias_mark, sizeof bias_mark, 1, file);
    for (int i = 0; i < net->n && i < cutoff; ++i) {
        const layer *l = net->layers + i;
        if (l->type == BATCHNORM && !l->dontsave) fwrite(l->biases, sizeof *l->biases, l->c, file);
    }
}

static int publish(const char *filename, network *net, int cutoff, texp_message *message)
{
    if (texp_checkpoint_is_due(net, cutoff)) return texp_checkpoint_publish(net, filename, message);
    if (texp_file_publish(filename, message)) return -1;
    texp_drop_state_of(filename);
    return 0;
}

void texp_weights_file_commit(FILE *file, const char *filename, network *net, int cutoff)
{
    texp_message message;
    write_biases(file, net, cutoff);
    if (texp_file_finish(file, filename, &message) || publish(filename, net, cutoff, &message)) {
        texp_fail("%s; what was there before is unchanged", message.text);
    }
}

/* Where the mark is not there, the file stands where it stood. */
static int has_mark(FILE *file)
{
    char mark[sizeof bias_mark];
    long here = ftell(file);
    if (fread(mark, sizeof mark, 1, file) == 1 && !memcmp(mark, bias_mark, sizeof mark)) return 1;
    fseek(file, here, SEEK_SET);
    return 0;
}

static void read_biases(FILE *file, const char *filename, network *net, int cutoff)
{
    if (!has_mark(file)) return;
    for (int i = 0; i < net->n && i < cutoff; ++i) {
        layer l = net->layers[i];
        if (l.type != BATCHNORM || l.dontload) continue;
        if (fread(l.biases, sizeof *l.biases, l.c, file) != (size_t)l.c)
            texp_fail("\n%s: cut off inside the biases of layer %d; use a complete file, made for this cfg", filename,
                      i);
#ifdef GPU
        if (gpu_index >= 0) push_batchnorm_layer(l);
#endif
    }
}

void texp_weights_file_close(FILE *file, const char *filename, network *net, int cutoff)
{
    read_biases(file, filename, net, cutoff);
    long here = ftell(file);
    if (!fseek(file, 0, SEEK_END) && ftell(file) > here && cutoff >= net->n) {
        fprintf(stderr, " %ld bytes are left over: was it made for another cfg? ", ftell(file) - here);
    }
    fclose(file);
}
