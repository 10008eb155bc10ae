#include "net/weights_file.h"

#include "base/files.h"
#include "base/refuse.h"
#include "net/checkpoint.h"
#include "store/weights_and_state.h"

#include "batchnorm_layer.h"

#include <errno.h>

static const char bias_mark[8] = {'B', 'N', 'B', 'I', 'A', 'S', 'E', 'S'};

static struct {
    const char *name;
    int layer; /* being read; -1: the header */
    int layer_begins; /* nothing of it was read yet */
    int layers_read; /* layers of which something was read */
    int first_absent; /* the layer in front of which the file ended, or -1 */
} reading;

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
    texp_pair_drop(filename);
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

FILE *texp_weights_file_open(const char *filename)
{
    FILE *file = fopen(filename, "rb");
    if (!file) texp_fail("\n%s: can't read weights: %s", filename, strerror(errno));
    reading.name = filename;
    reading.layer = reading.first_absent = -1;
    reading.layer_begins = reading.layers_read = 0;
    return file;
}

void texp_weights_file_layer(int index)
{
    reading.layer = index;
    reading.layer_begins = 1;
}

void texp_weights_file_read(void *data, size_t size, size_t count, FILE *file)
{
    if (reading.first_absent >= 0 || !count) return;
    size_t got = fread(data, 1, size * count, file);
    int begins = reading.layer_begins;
    reading.layer_begins = 0;
    if (got == size * count) {
        reading.layers_read += begins && reading.layer >= 0;
        return;
    }
    if (ferror(file)) texp_fail("\n%s: can't read weights: %s", reading.name, strerror(errno));
    if (!got && begins && reading.layers_read) {
        reading.first_absent = reading.layer;
        fprintf(stderr, " ends in front of layer %d, which keeps its initial weights with all behind it... ",
                reading.layer);
        return;
    }
    if (reading.layer < 0) texp_fail("\n%s: no weights file: it ends inside its header; name another", reading.name);
    texp_fail("\n%s: cut off inside layer %d: it holds %zu of %zu bytes there; use a complete file, made for this cfg",
              reading.name, reading.layer, got, size * count);
}

static int read_biases(FILE *file, network *net, int cutoff)
{
    char mark[sizeof bias_mark];
    if (fread(mark, sizeof mark, 1, file) != 1) return 0;
    if (memcmp(mark, bias_mark, sizeof mark)) {
        fseek(file, -(long)sizeof mark, SEEK_CUR);
        return 0;
    }
    for (int i = 0; i < net->n && i < cutoff; ++i) {
        layer l = net->layers[i];
        if (l.type != BATCHNORM || l.dontload) continue;
        texp_weights_file_layer(i);
        reading.layer_begins = 0;
        texp_weights_file_read(l.biases, sizeof *l.biases, l.c, file);
#ifdef GPU
        if (gpu_index >= 0) push_batchnorm_layer(l);
#endif
    }
    return 1;
}

void texp_weights_file_close(FILE *file, network *net, int cutoff)
{
    if (reading.first_absent < 0) {
        read_biases(file, net, cutoff);
        long here = ftell(file);
        if (!fseek(file, 0, SEEK_END) && ftell(file) > here && cutoff >= net->n) {
            fprintf(stderr, " %ld bytes are left over: was it made for another cfg? ", ftell(file) - here);
        }
    }
    fclose(file);
}
