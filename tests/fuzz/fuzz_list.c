/* Lists of images and labels: the input is both, with a 0 between them. In the list a line that begins with @ stands for
 * an image, with % for one of another size, with & for one cut short; these have the class fd. */
#include "data/dataset.h"
#include "host.h"
#include "data/sampler.h"

typedef struct {
    const char *text;
    size_t length;
} part;

static void put_image(int number, int width, size_t length)
{
    char image[512] = "";
    int header = snprintf(image, sizeof image, "P6 %d 8 255\n", width);
    memset(image + header, 77, sizeof image - (size_t)header);
    fuzz_file(number, image, length ? length : (size_t)header + 24 * (size_t)width);
}

/* The list with the images' names in place of their signs. */
static const char *write_list(part list)
{
    static const char signs[] = "@%&";
    size_t length = 0, room = 64 * list.length + 64;
    char *text = malloc(room);
    for (size_t i = 0; i < list.length;) {
        const char *line = list.text + i, *end = memchr(line, '\n', list.length - i), *sign = strchr(signs, *line);
        size_t n = end ? (size_t)(end - line) + 1 : list.length - i;
        if (sign)
            length += (size_t)sprintf(text + length, "%s\n", fuzz_name((int)(sign - signs)));
        else
            memcpy(text + length, line, n), length += n;
        i += n;
    }
    return fuzz_file(3, text, length);
}

static void open_list(const fuzz_input *input)
{
    const char *bytes = (const char *)input->bytes, *end = memchr(bytes, 0, input->size);
    part list = {bytes, end ? (size_t)(end - bytes) : input->size};
    part labels = {bytes + list.length, input->size - list.length};
    if (end) ++labels.text, --labels.length;
    const char *label_file = fuzz_file(4, labels.text, labels.length), *list_file = write_list(list);
    texp_dataset *set;
    texp_sampler *sampler;
    texp_message message = {""};
    texp_augment augment = {.channels = 3, .pad = 1, .flip = 1, .std = {1, 1, 1}};
    static float x[3 * 8 * 8], truth[3];
    size_t memory = input->size % 2 * 1000000; /* decoded now, or later */
    if (texp_dataset_open(list_file, label_file, 3, 8, 8, 3, memory, &set, NULL, &message)) {
        if (set || !*message.text) abort();
        return;
    }
    for (int i = 0; i < texp_dataset_size(set); ++i) {
        if (texp_dataset_label(set, i) < 0 || texp_dataset_label(set, i) > 2) abort();
    }
    if (texp_sampler_open(set, &augment, 1, &sampler, &message)) abort();
    texp_sampler_fill(sampler, 5, 1, (float *[]){x}, (float *[]){truth}, &message);
    texp_sampler_close(sampler);
    texp_dataset_close(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    put_image(0, 8, 0);
    put_image(1, 9, 0);
    put_image(2, 8, 100);
    if (size) fuzz_run(open_list, &(fuzz_input){bytes, size});
    return 0;
}
