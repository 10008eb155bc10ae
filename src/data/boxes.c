#include "data/boxes.h"

#include "base/check_each.h"
#include "base/text.h"
#include "data/label_path.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

typedef struct {
    texp_box *boxes;
    int n;
} image_boxes;

struct texp_boxes {
    image_boxes *of; /* n of them */
    int n;
    int missing; /* images without a label file */
    char *example; /* path of the first of them, or NULL */
};

/* --- a line --------------------------------------------------------------------------------------------------------- */

/* A coordinate may be so much beyond 1 or below 0: programs write them with few digits. */
static const float rounding = .001f;

typedef struct {
    char text[256];
} reason;

static int count_words(const char *line)
{
    int n = 0;
    while (*line) {
        ++n;
        while (*line && !texp_is_blank(*line)) ++line;
        while (texp_is_blank(*line)) ++line;
    }
    return n;
}

/* Whether a number that ends there is a word of its own. */
static int ends_word(const char *end)
{
    return !*end || texp_is_blank(*end);
}

static int read_class(char **line, int classes, int *class_id, reason *why)
{
    char *end;
    errno = 0;
    long id = strtol(*line, &end, 10);
    if (end == *line || !ends_word(end)) {
        snprintf(why->text, sizeof why->text, "the class is no whole number; write one of 0..%d in front", classes - 1);
        return -1;
    }
    if (errno || id < 0 || id >= classes) {
        snprintf(why->text, sizeof why->text, "the class is none of 0..%d; correct it, or `classes`", classes - 1);
        return -1;
    }
    *class_id = (int)id;
    *line = end;
    return 0;
}

/* To the bit what fscanf's %f makes of it, as Darknet reads it. */
static int read_coordinate(char **line, const char *name, float *value, reason *why)
{
    char *end;
    *value = strtof(*line, &end);
    if (end == *line || !ends_word(end) || !isfinite(*value)) {
        snprintf(why->text, sizeof why->text, "%s is no number; write CLASS X Y WIDTH HEIGHT", name);
        return -1;
    }
    *line = end;
    return 0;
}

static int check_range(const texp_box *box, reason *why)
{
    const float values[] = {box->x, box->y, box->w, box->h};
    static const char *const names[] = {"x", "y", "the width", "the height"};
    int above = 0;
    for (int i = 0; i < 4; ++i) above |= values[i] > 2;
    for (int i = 0; i < 4; ++i) {
        if (values[i] >= -rounding && values[i] <= 1 + rounding) continue;
        snprintf(why->text, sizeof why->text, "%s is outside 0..1%s", names[i],
                 above ? ", as pixels are: divide x and width by the image's width, y and height by its height"
                       : "; write all four as fractions of the image's width and height");
        return -1;
    }
    for (int i = 2; i < 4; ++i) {
        if (values[i] > 0) continue;
        snprintf(why->text, sizeof why->text, "%s is not above 0; remove the line, or correct it", names[i]);
        return -1;
    }
    return 0;
}

static int read_box(char *line, int classes, texp_box *box, reason *why)
{
    int words = count_words(line);
    if (words != 5) {
        snprintf(why->text, sizeof why->text,
                 "%d value%s, not five; write CLASS X Y WIDTH HEIGHT, with blanks between them", words,
                 words == 1 ? "" : "s");
        return -1;
    }
    return read_class(&line, classes, &box->class_id, why) || read_coordinate(&line, "x", &box->x, why) ||
                   read_coordinate(&line, "y", &box->y, why) || read_coordinate(&line, "the width", &box->w, why) ||
                   read_coordinate(&line, "the height", &box->h, why)
               ? -1
               : check_range(box, why);
}

/* --- a file --------------------------------------------------------------------------------------------------------- */

static int read_boxes(texp_text *text, int classes, image_boxes *found, texp_message *message)
{
    reason why;
    int room = 0;
    for (char *line; (line = texp_text_line(text)); ++found->n) {
        if (found->n == room) {
            room = room ? 2 * room : 16;
            texp_box *larger = realloc(found->boxes, (size_t)room * sizeof *larger);
            if (!larger) return texp_say(message, "%s: no memory for %d boxes", texp_path_tail(text->file), room);
            found->boxes = larger;
        }
        if (read_box(line, classes, &found->boxes[found->n], &why)) {
            return texp_say(message, "%s:%d: '%.60s': %s", texp_path_tail(text->file), text->line, line, why.text);
        }
    }
    return 0;
}

texp_box *texp_boxes_read(const char *file, int classes, int *n, texp_message *message)
{
    texp_text text;
    image_boxes found = {calloc(1, sizeof *found.boxes), 0};
    if (texp_text_open(&text, file, message)) {
        free(found.boxes);
        return NULL;
    }
    if (read_boxes(&text, classes, &found, message)) {
        free(found.boxes);
        found.boxes = NULL;
    }
    texp_text_close(&text);
    *n = found.n;
    return found.boxes;
}

/* --- all of a list -------------------------------------------------------------------------------------------------- */

/* Reads the label file of an image; returns 1 where there is none, -1 with a message where it is bad. */
static int read_image(image_boxes *of, const char *image, int classes, texp_message *message)
{
    texp_label_places places = texp_label_places_of(image);
    if (!places.n) return texp_say(message, "%s: the path is too long", texp_path_tail(image));
    int place = texp_label_place(&places);
    if (place < 0) {
        if (errno == ENOENT) return 1;
        return texp_say(message, "%s: can't read: %s", texp_path_tail(places.path[0]), strerror(errno));
    }
    of->boxes = texp_boxes_read(places.path[place], classes, &of->n, message);
    return of->boxes ? 0 : -1;
}

typedef struct {
    texp_boxes *boxes;
    char *const *images;
    int classes;
    char *is_missing; /* by image */
} reading;

static int read_one(void *context, int i, texp_message *message)
{
    reading *r = context;
    int status = read_image(&r->boxes->of[i], r->images[i], r->classes, message);
    r->is_missing[i] = status == 1;
    return status < 0 ? -1 : 0;
}

static void count_missing(const reading *r)
{
    texp_boxes *b = r->boxes;
    for (int i = 0; i < b->n; ++i) {
        if (r->is_missing[i] && !b->missing++) b->example = strdup(r->images[i]);
    }
}

int texp_boxes_open(char *const *images, int n, int classes, texp_boxes **out, texp_message *message)
{
    texp_boxes *b = calloc(1, sizeof *b);
    reading r = {b, images, classes, calloc((size_t)n + 1, 1)};
    *out = NULL;
    if (b) b->of = calloc((size_t)n + 1, sizeof *b->of);
    if (!b || !b->of || !r.is_missing) {
        texp_say(message, "no memory for the boxes of %d images", n);
    } else {
        b->n = n;
        if (!texp_check_each("label files", n, read_one, &r, message)) *out = b;
    }
    if (*out)
        count_missing(&r);
    else
        texp_boxes_close(b);
    free(r.is_missing);
    return *out ? 0 : -1;
}

const texp_box *texp_boxes_of(const texp_boxes *boxes, int image, int *n)
{
    *n = boxes->of[image].n;
    return boxes->of[image].boxes;
}

int texp_boxes_missing(const texp_boxes *boxes, texp_message *message)
{
    if (!boxes->missing) return 0;
    texp_label_places places = texp_label_places_of(boxes->example);
    char looked[400] = "";
    for (int i = 0, length = 0; i < places.n && length < (int)sizeof looked; ++i) {
        const char *end = texp_path_tail(places.path[i]);
        end += strlen(end) > 100 ? strlen(end) - 100 : 0;
        length += snprintf(looked + length, sizeof looked - (size_t)length, "%s%s", i ? " nor " : "", end);
    }
    texp_say(message,
             "%d of %d images have no label file and count as images without objects; of the first there is %s%s",
             boxes->missing, boxes->n, places.n > 1 ? "neither " : "no ", looked);
    return boxes->missing;
}

void texp_boxes_close(texp_boxes *boxes)
{
    if (!boxes) return;
    for (int i = 0; boxes->of && i < boxes->n; ++i) free(boxes->of[i].boxes);
    free(boxes->of);
    free(boxes->example);
    free(boxes);
}
