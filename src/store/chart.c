#include "store/chart.h"

#include "base/gnuplot.h"

#include <math.h>
#include <stdlib.h>

/* In pixels of the SVG. */
enum {
    WIDTH = 900,
    LEFT = 80,
    RIGHT = 880,
    ABOVE = 40, /* a panel: its caption */
    BELOW = 60, /* all panels: numbers and what they mean */
    LINE = 20, /* of the list of runs */
};
enum { COLORS = 8, MEANS = 128, MOST_LETTERS = 90 };

/* Okabe and Ito's, but brown for yellow, which is too light for a line. */
static const char *const colors[COLORS] = {"0072B2", "D55E00", "009E73", "CC79A7",
                                           "E69F00", "56B4E9", "000000", "8C510A"};
static const char *const dashes[COLORS] = {"1",      "(12,4)", "(3,3)",          "(12,4,3,4)",
                                           "(20,5)", "(6,3)",  "(12,3,3,3,3,3)", "(24,4,4,4)"};
static const int points[COLORS] = {7, 5, 9, 11, 13, 6, 4, 8};

typedef enum { LOSS, QUALITY, RATE, PANELS } panel;
static const int heights[PANELS] = {[LOSS] = 240, [QUALITY] = 180, [RATE] = 180};
enum { ALONE = 320 /* a panel by itself */ };

typedef struct {
    FILE *script;
    const texp_chart_run *runs;
    int n;
    int height; /* of the picture */
    int blocks; /* of data written so far */
    double low, high; /* of x */
    double unit; /* of x */
    const char *x_label;
} chart;

/* --- what there is ------------------------------------------------------------------------------------------------ */

static int has_panel(const texp_curves *c, panel p)
{
    return p == LOSS ? c->train_loss.n || c->test_loss.n : p == QUALITY ? c->quality.n : c->rate.n;
}

static int any_has_panel(const chart *c, panel p)
{
    for (int i = 0; i < c->n; ++i) {
        if (has_panel(c->runs[i].curves, p)) return 1;
    }
    return 0;
}

int texp_chart_is_empty(const texp_curves *curves)
{
    for (panel p = LOSS; p < PANELS; ++p) {
        if (has_panel(curves, p)) return 0;
    }
    return 1;
}

static int height_of(const chart *c, panel p)
{
    int panels = 0;
    for (panel q = LOSS; q < PANELS; ++q) panels += any_has_panel(c, q);
    return panels == 1 ? ALONE : heights[p];
}

/* Where the policy is no exponential form, both are one. */
static int has_base(const texp_curves *c)
{
    const texp_curve *rate = &c->rate, *base = &c->base_rate;
    if (rate->n != base->n) return base->n > 0;
    for (int i = 0; i < rate->n; ++i) {
        if (fabs(rate->buckets[i].sum.y - base->buckets[i].sum.y) > 1e-7 * (double)rate->buckets[i].n) return 1;
    }
    return 0;
}

typedef struct {
    double low, high;
} range;

static const range nothing = {INFINITY, -INFINITY};

static range join(range r, const texp_curve *curve)
{
    if (!curve->n) return r;
    return (range){fmin(r.low, texp_curve_low(curve)), fmax(r.high, texp_curve_high(curve))};
}

static range range_of(const chart *c, panel p)
{
    range r = nothing;
    for (int i = 0; i < c->n; ++i) {
        const texp_curves *v = c->runs[i].curves;
        if (p == LOSS) r = join(join(r, &v->train_loss), &v->test_loss);
        if (p == QUALITY) r = join(r, &v->quality);
        if (p == RATE) r = join(has_base(v) ? join(r, &v->base_rate) : r, &v->rate);
    }
    return r;
}

/* x grows along a curve. */
static range range_of_x(const chart *c)
{
    range r = nothing;
    for (int i = 0; i < c->n; ++i) {
        const texp_curves *v = c->runs[i].curves;
        const texp_curve *all[] = {&v->train_loss, &v->test_loss, &v->quality, &v->rate, &v->base_rate};
        for (size_t k = 0; k < sizeof all / sizeof *all; ++k) {
            if (!all[k]->n) continue;
            r.low = fmin(r.low, fmin(all[k]->first.x, all[k]->last.x));
            r.high = fmax(r.high, fmax(all[k]->first.x, all[k]->last.x));
        }
    }
    return r;
}

/* --- text --------------------------------------------------------------------------------------------------------- */

/* Bytes of the character of UTF-8 that begins here; 0 where none does, or one that no picture can hold. */
static int letter(const unsigned char *s)
{
    const int bytes = s[0] < 0x80                   ? 1
                      : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                      : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                      : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                    : 0;
    if (bytes == 1) return s[0] >= 0x20 && s[0] != 0x7f;
    for (int i = 1; i < bytes; ++i) {
        if ((s[i] & 0xc0) != 0x80) return 0;
    }
    if (s[0] == 0xe0 && s[1] < 0xa0) return 0;
    if (s[0] == 0xed && s[1] > 0x9f) return 0;
    if (s[0] == 0xef && s[1] == 0xbf && s[2] > 0xbd) return 0;
    if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) return 0;
    return bytes;
}

static int letters_of(const char *text)
{
    int n = 0;
    for (const unsigned char *s = (const unsigned char *)text; *s; ++n) s += letter(s) ? letter(s) : 1;
    return n;
}

/* Between single quotes nothing means anything but the quote itself. The middle of a long text is left out; what is no letter
 * becomes a question mark, a control character a blank. */
static void print_text(FILE *f, const char *text, int most)
{
    const int n = letters_of(text), front = n > most ? most / 3 : n, back = n > most ? n - (most - front - 1) : n;
    const unsigned char *s = (const unsigned char *)text;
    fputc('\'', f);
    for (int i = 0; *s; ++i) {
        const int bytes = letter(s);
        if (i == front && front < back) fprintf(f, "…");
        if (i >= front && i < back)
            ;
        else if (!bytes)
            fputc(*s < 0x20 || *s == 0x7f ? ' ' : '?', f);
        else if (*s == '\'')
            fprintf(f, "''");
        else
            fwrite(s, 1, (size_t)bytes, f);
        s += bytes ? bytes : 1;
    }
    fputc('\'', f);
}

/* --- axes --------------------------------------------------------------------------------------------------------- */

/* 1, 2 or 5 times a power of ten, not below `least`. */
static double round_step(double least)
{
    const double decade = pow(10, floor(log10(least)));
    const double steps[] = {1, 2, 5};
    for (int i = 0; i < 3; ++i) {
        if (steps[i] * decade >= least * (1 - 1e-9)) return steps[i] * decade;
    }
    return 10 * decade;
}

/* number * 10^decade at its logarithm. */
static void print_rate_tic(FILE *f, double number, double decade, const char *comma)
{
    fprintf(f, "%s'", comma);
    if (decade >= -5 && decade <= 5)
        fprintf(f, "%.6g", number * pow(10, decade));
    else if (number == 1)
        fprintf(f, "10^{%.0f}", decade);
    else
        fprintf(f, "%.6g·10^{%.0f}", number, decade);
    fprintf(f, "' %.9g", log10(number) + decade);
}

/* The axis has logarithms, as gnuplot's numbers would not reach far enough: few and round ones are marked. */
static void print_rate_tics(FILE *f, range r)
{
    const double span = r.high - r.low, decade = floor(r.low + 1e-9);
    const char *comma = "";
    fprintf(f, "set ytics (");
    if (span >= 1.5) {
        const double step = fmax(1, round_step(span / 6));
        for (double d = step * ceil(r.low / step - 1e-9); d <= r.high + 1e-9; d += step, comma = ", ")
            print_rate_tic(f, 1, d, comma);
    } else if (span < 1e-6) {
        print_rate_tic(f, round(1e6 * pow(10, r.low - decade)) / 1e6, decade, comma);
    } else {
        const double low = pow(10, r.low - decade), high = pow(10, r.high - decade);
        const double step = round_step((high - low) / 4);
        for (double v = step * ceil(low / step - 1e-9); v <= high * (1 + 1e-9); v += step) {
            if (v <= 0) continue;
            print_rate_tic(f, v, decade, comma);
            comma = ", ";
        }
    }
    fprintf(f, ")\n");
}

/* A twentieth of room on both sides. */
static void print_y_range(FILE *f, range r, double scale)
{
    double room = (r.high - r.low) / 20;
    if (!(room > 0)) room = fabs(r.high) > 0 ? fabs(r.high) / 20 : .5;
    fprintf(f, "set yrange [%.9g:%.9g]\n", scale * (r.low - room), scale * (r.high + room));
}

static void print_axis(const chart *c, panel p)
{
    const range r = range_of(c, p);
    FILE *f = c->script;
    fprintf(f, "unset logscale y\nset ytics autofreq\nset format y '%%g'\n");
    if (p == RATE) {
        print_rate_tics(f, r);
        print_y_range(f, r.high - r.low < 1e-6 ? (range){r.low - .5, r.high + .5} : r, 1);
    } else if (p == QUALITY) {
        print_y_range(f, r, 100);
    } else if (r.low > 0 && r.high > 50 * r.low) {
        /* A loss that falls far is seen to its end. */
        fprintf(f, "set logscale y\nset yrange [%.9g:%.9g]\n", r.low / 1.2, r.high * 1.2);
    } else {
        print_y_range(f, r, 1);
    }
}

/* --- curves ------------------------------------------------------------------------------------------------------- */

/* One "plot" takes what was printed into blocks before it. */
typedef struct {
    FILE *f; /* becomes text */
    char *text;
    size_t length;
    const char *comma;
} plots;

static void begin(plots *p)
{
    *p = (plots){.comma = ""};
    p->f = open_memstream(&p->text, &p->length);
}

static void end(const chart *c, plots *p)
{
    if (p->f) fclose(p->f);
    if (p->text && *p->text) fprintf(c->script, "plot %s\n", p->text);
    free(p->text);
}

typedef struct {
    const char *color;
    char text[128]; /* with which gnuplot draws */
} style;

/* A curve of one point is a point, as a line would not be seen. */
static void add_block(const chart *c, plots *p, const texp_curve *curve, double scale, const style *s,
                      const char *title)
{
    if (!p->f) return;
    fprintf(p->f, "%s$d%d using ($1/%.9g):($2*%.9g) with ", p->comma, c->blocks, c->unit, scale);
    if (texp_curve_points(curve) == 1)
        fprintf(p->f, "points pt 7 ps .6 lc rgb '#%s' ", s->color);
    else
        fprintf(p->f, "%s ", s->text);
    if (title)
        fprintf(p->f, "title '%s'", title);
    else
        fprintf(p->f, "notitle");
    p->comma = ", ";
}

static void add_curve(chart *c, plots *p, const texp_curve *curve, double scale, style s, const char *title)
{
    if (!curve->n) return;
    fprintf(c->script, "$d%d << EOD\n", ++c->blocks);
    texp_curve_print(curve, c->script);
    fprintf(c->script, "EOD\n");
    add_block(c, p, curve, scale, &s, title);
}

static void add_means(chart *c, plots *p, const texp_curve *curve, style s, const char *title)
{
    fprintf(c->script, "$d%d << EOD\n", ++c->blocks);
    texp_curve_print_means(curve, MEANS, c->script);
    fprintf(c->script, "EOD\n");
    add_block(c, p, curve, 1, &s, title);
}

/* Of a run: its dashes, where there are several. */
static const char *dash(const chart *c, int run)
{
    return c->n == 1 ? "1" : dashes[(run + run / COLORS) % COLORS];
}

/* About twenty of a curve's points are marked. */
static style marked(const chart *c, int run, const texp_curve *curve)
{
    const int look = (c->n == 1 ? 1 : run) % COLORS;
    const long shown = curve->most > 1 ? 2L * curve->n : curve->n;
    style s = {.color = colors[look]};
    snprintf(s.text, sizeof s.text, "linespoints lw 2 lc rgb '#%s' dt %s pt %d ps .6 pi %ld", s.color, dash(c, run),
             points[look], shown / 20 + 1);
    return s;
}

/* alpha: "" or two digits, 00 for one that covers and FF for one that isn't seen. */
static style line(int run, const char *alpha, double width, const char *dashes_or_1)
{
    style s = {.color = colors[run % COLORS]};
    snprintf(s.text, sizeof s.text, "lines lw %g lc rgb '#%s%s' dt %s", width, alpha, s.color, dashes_or_1);
    return s;
}

/* The training loss of each update is a faint band, its mean a line. */
static void add_losses(chart *c, plots *p, int run)
{
    const texp_curves *v = c->runs[run].curves;
    const int alone = c->n == 1;
    if (v->train_loss.n > MEANS) add_curve(c, p, &v->train_loss, 1, line(run, alone ? "B0" : "D8", 1, "1"), NULL);
    if (v->train_loss.n)
        add_means(c, p, &v->train_loss, line(run, "", alone ? 2 : 1, dash(c, run)), alone ? "training" : NULL);
    add_curve(c, p, &v->test_loss, 1, marked(c, run, &v->test_loss), alone ? "test" : NULL);
}

static void add_rates(chart *c, plots *p, int run)
{
    const texp_curves *v = c->runs[run].curves;
    const int alone = c->n == 1;
    const style s = alone ? line(run, "", 2, "1") : marked(c, run, &v->rate);
    if (has_base(v)) add_curve(c, p, &v->base_rate, 1, line(run, "", 1.5, "(6,4)"), alone ? "base rate" : NULL);
    add_curve(c, p, &v->rate, 1, s, alone ? "rate" : NULL);
}

/* --- panels ------------------------------------------------------------------------------------------------------- */

/* gnuplot counts from below, in heights of the picture. */
static double at(const chart *c, double pixels)
{
    return 1 - pixels / c->height;
}

/* What a panel shows, as a text of gnuplot's. */
static void print_caption(const chart *c, panel p)
{
    int tests = 0, trains = 0, bases = 0;
    const char *quality = NULL;
    char caption[64];
    for (int i = 0; i < c->n; ++i) {
        const texp_curves *v = c->runs[i].curves;
        tests |= v->test_loss.n > 0;
        trains |= v->train_loss.n > 0;
        bases |= v->rate.n && has_base(v);
        if (v->quality.n) quality = !quality || !strcmp(quality, v->quality_name) ? v->quality_name : "quality";
    }
    if (p == QUALITY)
        snprintf(caption, sizeof caption, "test %s, %%", quality);
    else if (p == RATE)
        snprintf(caption, sizeof caption, "rate%s", c->n > 1 && bases ? " (dashed: base rate)" : "");
    else if (c->n > 1 && trains && tests)
        snprintf(caption, sizeof caption, "loss (with points: test; thin: training)");
    else
        snprintf(caption, sizeof caption, "%s", !tests ? "training loss" : trains ? "loss" : "test loss");
    print_text(c->script, caption, MOST_LETTERS);
}

/* From `top` on, in pixels. */
static void print_panel(chart *c, panel p, int top, int is_lowest)
{
    FILE *f = c->script;
    plots all;
    fprintf(f, "set tmargin at screen %.6f\nset bmargin at screen %.6f\n", at(c, top + ABOVE),
            at(c, top + ABOVE + height_of(c, p)));
    fprintf(f, "set label 1 ");
    print_caption(c, p);
    fprintf(f, " noenhanced at screen %.6f, %.6f left\n", (double)LEFT / WIDTH, at(c, top + ABOVE - 12));
    if (c->n == 1)
        fprintf(f, "set key at screen %.6f, %.6f right center horizontal\n", (double)RIGHT / WIDTH,
                at(c, top + ABOVE - 12));
    print_axis(c, p);
    fprintf(f, "set format x '%s'\n", is_lowest ? "%.10g" : "");
    if (is_lowest)
        fprintf(f, "set label 2 '%s' at screen %.6f, %.6f center\n", c->x_label, (LEFT + RIGHT) / 2. / WIDTH,
                at(c, c->height - 14));
    begin(&all);
    for (int i = 0; i < c->n; ++i) {
        const texp_curves *v = c->runs[i].curves;
        if (p == LOSS) add_losses(c, &all, i);
        if (p == QUALITY) add_curve(c, &all, &v->quality, 100, marked(c, i, &v->quality), NULL);
        if (p == RATE) add_rates(c, &all, i);
    }
    end(c, &all);
}

/* The runs' names with what their curves look like, in two columns where they are short. */
static int columns_of_list(const chart *c)
{
    int longest = 0;
    for (int i = 0; i < c->n; ++i) {
        const int n = letters_of(c->runs[i].name);
        if (n > longest) longest = n;
    }
    return c->n > 3 && longest <= 40 ? 2 : 1;
}

static int height_of_list(const chart *c)
{
    if (c->n == 1) return 10 + LINE;
    return 10 + LINE * ((c->n + columns_of_list(c) - 1) / columns_of_list(c));
}

static void print_list(chart *c)
{
    FILE *f = c->script;
    const int columns = columns_of_list(c), rows = (c->n + columns - 1) / columns, height = height_of_list(c);
    fprintf(f, "set tmargin at screen 1\nset bmargin at screen %.6f\nunset border\nunset tics\nset xrange [0:%d]\n",
            at(c, height), WIDTH);
    fprintf(f, "set lmargin at screen 0\nset rmargin at screen 1\nset yrange [%d:0]\n", height);
    for (int i = 0; i < c->n; ++i) {
        const int x = LEFT + (c->n == 1 ? 0 : 60) + i / rows * (WIDTH - LEFT) / 2, y = 10 + LINE / 2 + i % rows * LINE;
        fprintf(f, "set label %d ", i + 1);
        print_text(f, c->runs[i].name, MOST_LETTERS);
        fprintf(f, " noenhanced at %d, %d left\n", x, y);
        if (c->n == 1) continue;
        fprintf(f, "$l%d << EOD\n", i + 1);
        for (int k = 0; k < 3; ++k) fprintf(f, "%d %d\n", x - 60 + 25 * k, y);
        fprintf(f, "EOD\n");
    }
    fprintf(f, "plot ");
    for (int i = 0; i < c->n && c->n > 1; ++i)
        fprintf(f, "%s$l%d with %s notitle", i ? ", " : "", i + 1, marked(c, i, &(texp_curve){0}).text);
    if (c->n == 1) fprintf(f, "-1 notitle");
    fprintf(f, "\n");
    for (int i = 0; i < c->n; ++i) fprintf(f, "unset label %d\n", i + 1);
}

/* --- the picture -------------------------------------------------------------------------------------------------- */

static const char *ending(const char *file)
{
    const char *dot = strrchr(file, '.'), *slash = strrchr(file, '/');
    return dot && (!slash || dot > slash) ? dot : "";
}

int texp_chart_check_ending(const char *file, texp_message *message)
{
    const char *e = ending(file);
    if (!strcmp(e, ".svg") || !strcmp(e, ".png") || !strcmp(e, ".pdf")) return 0;
    return texp_say(message, "%s: a picture ends in .svg, .png or .pdf", texp_path_tail(file));
}

static void print_terminal(const chart *c, const char *file)
{
    FILE *f = c->script;
    fprintf(f, "set encoding utf8\n");
    if (!strcmp(ending(file), ".png"))
        fprintf(f, "set terminal pngcairo size %d,%d font 'sans,11'", WIDTH, c->height);
    else if (!strcmp(ending(file), ".pdf"))
        fprintf(f, "set terminal pdfcairo size %gin,%gin font 'sans,11'", WIDTH / 90., c->height / 90.);
    else
        fprintf(f, "set terminal svg size %d,%d font 'sans-serif,14'", WIDTH, c->height);
    fprintf(f, " background rgb '#ffffff'\nset multiplot\n");
}

static void choose_unit(chart *c, texp_chart_x x)
{
    c->unit = 1;
    c->x_label = x == TEXP_BY_EPOCH ? "epoch" : x == TEXP_BY_UPDATE ? "update" : "seconds";
    if (x != TEXP_BY_SECONDS || c->high < 600) return;
    c->unit = c->high < 4 * 3600 ? 60 : 3600;
    c->x_label = c->high < 4 * 3600 ? "minutes" : "hours";
}

static void print_script(chart *c, texp_chart_x x, const char *file)
{
    FILE *f = c->script;
    int top = height_of_list(c), lowest = LOSS;
    c->height = top + BELOW;
    for (panel p = LOSS; p < PANELS; ++p) {
        if (!any_has_panel(c, p)) continue;
        c->height += ABOVE + height_of(c, p);
        lowest = p;
    }
    const range r = range_of_x(c);
    const double room = r.high > r.low ? 0 : fabs(r.high) > 0 ? fabs(r.high) / 20 : .5;
    c->low = r.low > 0 && r.low < r.high / 10 ? 0 : r.low - room;
    c->high = r.high + room;
    choose_unit(c, x);
    print_terminal(c, file);
    print_list(c);
    fprintf(f, "set border 3 lc rgb '#444444'\nset xtics nomirror out tc rgb '#000000'\n"
               "set ytics nomirror out tc rgb '#000000'\nset grid lc rgb '#dddddd' dt 1 lw 1\n");
    fprintf(f, "set lmargin at screen %.6f\nset rmargin at screen %.6f\n", (double)LEFT / WIDTH, (double)RIGHT / WIDTH);
    fprintf(f, "set xrange [%.9g:%.9g]\n", c->low / c->unit, c->high / c->unit);
    for (panel p = LOSS; p < PANELS; ++p) {
        if (!any_has_panel(c, p)) continue;
        print_panel(c, p, top, (int)p == lowest);
        top += ABOVE + height_of(c, p);
    }
    fprintf(f, "unset multiplot\n");
}

char *texp_chart_script(const texp_chart_run *runs, int n, texp_chart_x x, const char *file, size_t *length)
{
    char *text = NULL;
    chart c = {.script = open_memstream(&text, length), .runs = runs, .n = n};
    if (!c.script) return NULL;
    print_script(&c, x, file);
    if (!fclose(c.script)) return text;
    free(text);
    return NULL;
}

int texp_chart_draw(const texp_chart_run *runs, int n, texp_chart_x x, const char *file, texp_message *message)
{
    size_t length;
    if (!texp_gnuplot_is_there()) return texp_say(message, "there is no gnuplot; install Debian's gnuplot-nox");
    char *script = texp_chart_script(runs, n, x, file, &length);
    if (!script) return texp_say(message, "no memory for a chart");
    texp_drawing *drawing = texp_drawing_start(script, length, file, 0, message);
    free(script);
    if (!drawing) return -1;
    texp_drawing_status status = texp_drawing_wait(drawing, 60, message);
    if (status == TEXP_STILL_DRAWING) {
        texp_drawing_cancel(drawing);
        return texp_say(message, "%s: gnuplot did not end within a minute", texp_path_tail(file));
    }
    return status == TEXP_DRAWN ? 0 : -1;
}
