/* Text files: the bytes are read as a list, as settings and as a label file of three classes. What is accepted must be as
 * base/text.h and data/boxes.h say. */
#include "base/text.h"
#include "data/boxes.h"
#include "host.h"

static void check_lines(const char *file, char *next(texp_text *))
{
    texp_text text;
    texp_message message = {""};
    int line = 0;
    if (texp_text_open(&text, file, &message)) {
        if (!*message.text) abort();
        return;
    }
    for (char *p; (p = next(&text)); line = text.line) {
        size_t length = strlen(p);
        if (!length || texp_is_blank(p[0]) || texp_is_blank(p[length - 1]) || strpbrk(p, "\r\n")) abort();
        if (text.line <= line) abort();
        char *value = texp_setting_value(p);
        if (value && (!*p || !*value || strchr(p, '='))) abort();
    }
    texp_text_close(&text);
}

static void read_all(const fuzz_input *input)
{
    const char *file = fuzz_file(0, input->bytes, input->size);
    texp_message message = {""};
    int n;
    check_lines(file, texp_text_line);
    check_lines(file, texp_text_setting);
    texp_box *boxes = texp_boxes_read(file, 3, &n, &message);
    if (!boxes && !*message.text) abort();
    for (int i = 0; boxes && i < n; ++i) {
        const texp_box *b = &boxes[i];
        if (b->class_id < 0 || b->class_id > 2 || !(b->w > 0) || !(b->h > 0)) abort();
        if (!(b->x > -.01f && b->x < 1.01f && b->y > -.01f && b->y < 1.01f && b->w < 1.01f && b->h < 1.01f)) abort();
    }
    free(boxes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fuzz_run(read_all, &(fuzz_input){bytes, size});
    return 0;
}
