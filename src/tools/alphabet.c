#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* open_memstream */
#endif
#include "tools/alphabet.h"

#include "image.h"

#include <unistd.h>

enum { FIRST = 32, LAST = 126, SIZES = 8, WIDE = 5, HIGH = 7 };

/* Seven rows a letter, the leftmost of five points in bit 4. */
static const unsigned char glyphs[LAST - FIRST + 1][HIGH] = {
    {0, 0, 0, 0, 0, 0, 0},        {4, 4, 4, 4, 4, 0, 4},        {10, 10, 10, 0, 0, 0, 0},
    {10, 10, 31, 10, 31, 10, 10}, {4, 15, 20, 14, 5, 30, 4},    {25, 25, 2, 4, 8, 19, 19},
    {12, 18, 20, 8, 21, 18, 13},  {4, 4, 8, 0, 0, 0, 0},        {2, 4, 8, 8, 8, 4, 2},
    {8, 4, 2, 2, 2, 4, 8},        {0, 4, 21, 14, 21, 4, 0},     {0, 4, 4, 31, 4, 4, 0},
    {0, 0, 0, 0, 12, 4, 8},       {0, 0, 0, 31, 0, 0, 0},       {0, 0, 0, 0, 0, 12, 12},
    {0, 1, 2, 4, 8, 16, 0},       {14, 17, 19, 21, 25, 17, 14}, {4, 12, 4, 4, 4, 4, 14},
    {14, 17, 1, 2, 4, 8, 31},     {31, 2, 4, 2, 1, 17, 14},     {2, 6, 10, 18, 31, 2, 2},
    {31, 16, 30, 1, 1, 17, 14},   {6, 8, 16, 30, 17, 17, 14},   {31, 1, 2, 4, 8, 8, 8},
    {14, 17, 17, 14, 17, 17, 14}, {14, 17, 17, 15, 1, 2, 12},   {0, 12, 12, 0, 12, 12, 0},
    {0, 12, 12, 0, 12, 4, 8},     {2, 4, 8, 16, 8, 4, 2},       {0, 0, 31, 0, 31, 0, 0},
    {8, 4, 2, 1, 2, 4, 8},        {14, 17, 1, 2, 4, 0, 4},      {14, 17, 1, 13, 21, 21, 14},
    {14, 17, 17, 17, 31, 17, 17}, {30, 17, 17, 30, 17, 17, 30}, {14, 17, 16, 16, 16, 17, 14},
    {28, 18, 17, 17, 17, 18, 28}, {31, 16, 16, 30, 16, 16, 31}, {31, 16, 16, 30, 16, 16, 16},
    {14, 17, 16, 23, 17, 17, 15}, {17, 17, 17, 31, 17, 17, 17}, {14, 4, 4, 4, 4, 4, 14},
    {7, 2, 2, 2, 2, 18, 12},      {17, 18, 20, 24, 20, 18, 17}, {16, 16, 16, 16, 16, 16, 31},
    {17, 27, 21, 21, 17, 17, 17}, {17, 17, 25, 21, 19, 17, 17}, {14, 17, 17, 17, 17, 17, 14},
    {30, 17, 17, 30, 16, 16, 16}, {14, 17, 17, 17, 21, 18, 13}, {30, 17, 17, 30, 20, 18, 17},
    {15, 16, 16, 14, 1, 1, 30},   {31, 4, 4, 4, 4, 4, 4},       {17, 17, 17, 17, 17, 17, 14},
    {17, 17, 17, 17, 17, 10, 4},  {17, 17, 17, 21, 21, 21, 10}, {17, 17, 10, 4, 10, 17, 17},
    {17, 17, 17, 10, 4, 4, 4},    {31, 1, 2, 4, 8, 16, 31},     {14, 8, 8, 8, 8, 8, 14},
    {0, 16, 8, 4, 2, 1, 0},       {14, 2, 2, 2, 2, 2, 14},      {4, 10, 17, 0, 0, 0, 0},
    {0, 0, 0, 0, 0, 0, 31},       {8, 4, 2, 0, 0, 0, 0},        {0, 0, 14, 1, 15, 17, 15},
    {16, 16, 22, 25, 17, 17, 30}, {0, 0, 14, 16, 16, 17, 14},   {1, 1, 13, 19, 17, 17, 15},
    {0, 0, 14, 17, 31, 16, 14},   {6, 9, 8, 28, 8, 8, 8},       {0, 15, 17, 17, 15, 1, 14},
    {16, 16, 22, 25, 17, 17, 17}, {4, 0, 12, 4, 4, 4, 14},      {2, 0, 6, 2, 2, 18, 12},
    {16, 16, 18, 20, 24, 20, 18}, {12, 4, 4, 4, 4, 4, 14},      {0, 0, 26, 21, 21, 17, 17},
    {0, 0, 22, 25, 17, 17, 17},   {0, 0, 14, 17, 17, 17, 14},   {0, 0, 30, 17, 30, 16, 16},
    {0, 0, 13, 19, 15, 1, 1},     {0, 0, 22, 25, 16, 16, 16},   {0, 0, 14, 16, 14, 1, 30},
    {8, 8, 28, 8, 8, 9, 6},       {0, 0, 17, 17, 17, 19, 13},   {0, 0, 17, 17, 17, 10, 4},
    {0, 0, 17, 17, 21, 21, 10},   {0, 0, 17, 10, 4, 10, 17},    {0, 0, 17, 17, 15, 1, 14},
    {0, 0, 31, 2, 4, 8, 31},      {2, 4, 4, 8, 4, 4, 2},        {4, 4, 4, 4, 4, 4, 4},
    {8, 4, 4, 2, 4, 4, 8},        {0, 0, 8, 21, 2, 0, 0},
};

/* --- letters ------------------------------------------------------------------------------------------------------ */

/* Whether a point of a letter is inked; none is around it. */
static int is_ink(const unsigned char *rows, int x, int y)
{
    return x >= 0 && x < WIDE && y >= 0 && y < HIGH && rows[y] >> (WIDE - 1 - x) & 1;
}

/* Letters of size s are 13 (s + 1) pixels high in data/labels, and have a border of one point here. */
static image draw_letter(int letter, int size)
{
    int high = 13 * (size + 1), wide = high * (WIDE + 2) / (HIGH + 2);
    image drawn = make_image(wide, high, 3);
    for (int k = 0; k < drawn.c; ++k) {
        for (int y = 0; y < high; ++y) {
            for (int x = 0; x < wide; ++x) {
                int ink = is_ink(glyphs[letter - FIRST], x * (WIDE + 2) / wide - 1, y * (HIGH + 2) / high - 1);
                drawn.data[(size_t)(k * high + y) * (size_t)wide + (size_t)x] = (float)!ink;
            }
        }
    }
    return drawn;
}

static int is_in_files(void)
{
    for (int size = 0; size < SIZES; ++size) {
        for (int letter = FIRST; letter <= LAST; ++letter) {
            char file[64];
            snprintf(file, sizeof file, "data/labels/%d_%d.png", letter, size);
            if (access(file, R_OK)) return 0;
        }
    }
    return 1;
}

image **texp_alphabet(void)
{
    static image **letters;
    if (letters) return letters;
    if (is_in_files()) return letters = load_alphabet();
    letters = calloc(SIZES, sizeof *letters);
    for (int size = 0; size < SIZES; ++size) {
        letters[size] = calloc(128, sizeof **letters);
        for (int letter = FIRST; letter <= LAST; ++letter) letters[size][letter] = draw_letter(letter, size);
    }
    return letters;
}

/* --- boxes -------------------------------------------------------------------------------------------------------- */

/* The names of all classes of a box, as the letters have them; to be freed. Prints them; NULL where there is none. */
static char *label_of(const detection *d, float threshold, char *const *names, int classes, int *class)
{
    char *label = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&label, &size);
    *class = -1;
    for (int j = 0; j < classes; ++j) {
        if (!(d->prob[j] > threshold)) continue;
        printf("%s: %.0f%%\n", names[j], d->prob[j] * 100);
        fprintf(out, "%s%s", *class < 0 ? "" : ", ", names[j]);
        if (*class < 0) *class = j;
    }
    fclose(out);
    for (char *c = label; *c; ++c) {
        if (*c < FIRST || *c > LAST) *c = '?';
    }
    return label;
}

static int within(float value, int most)
{
    return value < 0 ? 0 : value > (float)most ? most : (int)value;
}

static void draw_one(image picture, box b, char *label, int class, int classes)
{
    int width = (int)((float)picture.h * .006f), offset = (int)((long)class * 123457 % classes);
    float rgb[3] = {get_color(2, offset, classes), get_color(1, offset, classes), get_color(0, offset, classes)};
    int left = within((b.x - b.w / 2) * (float)picture.w, picture.w - 1);
    int right = within((b.x + b.w / 2) * (float)picture.w, picture.w - 1);
    int top = within((b.y - b.h / 2) * (float)picture.h, picture.h - 1);
    int bottom = within((b.y + b.h / 2) * (float)picture.h, picture.h - 1);
    draw_box_width(picture, left, top, right, bottom, width ? width : 1, rgb[0], rgb[1], rgb[2]);
    image text = get_label(texp_alphabet(), label, (int)((float)picture.h * .03f));
    draw_label(picture, top + width, left, text, rgb);
    free_image(text);
}

void texp_draw_detections(image picture, const detection *found, int n, float threshold, char *const *names,
                          int classes)
{
    for (int i = 0; i < n; ++i) {
        int class;
        char *label = label_of(found + i, threshold, names, classes, &class);
        if (class >= 0 && isfinite(found[i].bbox.w + found[i].bbox.h + found[i].bbox.x + found[i].bbox.y))
            draw_one(picture, found[i].bbox, label, class, classes);
        free(label);
    }
}
