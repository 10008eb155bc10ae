#include "net/box_loss.h"

#include <math.h>

/* The two intervals of one axis: lengths of what both cover (negative: how far they are apart) and of the hull, with
 * derivatives by the predicted one's centre and size. */
typedef struct {
    double both, both_by_centre, both_by_size;
    double hull, hull_by_centre, hull_by_size;
} axis;

static axis axis_of(double centre, double size, double true_centre, double true_size)
{
    const double low = centre - size / 2, high = centre + size / 2;
    const double true_low = true_centre - true_size / 2, true_high = true_centre + true_size / 2;
    const int low_inside = low > true_low, high_inside = high < true_high;
    const int low_outside = low<true_low, high_outside = high> true_high;
    return (axis){.both = fmin(high, true_high) - fmax(low, true_low),
                  .both_by_centre = high_inside - low_inside,
                  .both_by_size = (high_inside + low_inside) / 2.,
                  .hull = fmax(high, true_high) - fmin(low, true_low),
                  .hull_by_centre = high_outside - low_outside,
                  .hull_by_size = (high_outside + low_outside) / 2.};
}

/* Areas, and derivatives by centre and size along one axis. */
typedef struct {
    double i, u, c;
} areas;

typedef struct {
    areas by_centre, by_size;
} derivatives;

static areas areas_of(const axis *x, const axis *y, texp_rectangle p, texp_rectangle t)
{
    const double i = x->both > 0 && y->both > 0 ? x->both * y->both : 0;
    return (areas){i, p.w * p.h + t.w * t.h - i, x->hull * y->hull};
}

static derivatives derivatives_of(const axis *along, const axis *across, double size_across)
{
    const double both = along->both > 0 && across->both > 0 ? across->both : 0;
    derivatives d = {.by_centre = {.i = along->both_by_centre * both, .c = along->hull_by_centre * across->hull},
                     .by_size = {.i = along->both_by_size * both, .c = along->hull_by_size * across->hull}};
    d.by_centre.u = -d.by_centre.i;
    d.by_size.u = size_across - d.by_size.i;
    return d;
}

/* Of IoU = I/U, or of GIoU = I/U - 1 + U/C. */
static double overlap_slope(texp_box_loss kind, areas a, areas d)
{
    const double slope = (a.u * d.i - a.i * d.u) / (a.u * a.u);
    return kind == TEXP_GIOU ? slope + (a.c * d.u - a.u * d.c) / (a.c * a.c) : slope;
}

double texp_iou_of(texp_rectangle a, texp_rectangle b)
{
    const axis x = axis_of(a.x, a.w, b.x, b.w), y = axis_of(a.y, a.h, b.y, b.h);
    const areas all = areas_of(&x, &y, a, b);
    return all.u > 0 ? all.i / all.u : 0;
}

static void step_to_centre(texp_overlap *o, const axis *x, const axis *y, texp_rectangle p, texp_rectangle t)
{
    const double d2 = (p.x - t.x) * (p.x - t.x) + (p.y - t.y) * (p.y - t.y);
    const double c2 = x->hull * x->hull + y->hull * y->hull, by_c2 = d2 / (c2 * c2);
    o->value -= d2 / c2;
    o->step.x += 2 * (t.x - p.x) / c2 + by_c2 * 2 * x->hull * x->hull_by_centre;
    o->step.y += 2 * (t.y - p.y) / c2 + by_c2 * 2 * y->hull * y->hull_by_centre;
    o->step.w += by_c2 * 2 * x->hull * x->hull_by_size;
    o->step.h += by_c2 * 2 * y->hull * y->hull_by_size;
}

static void step_to_aspect(texp_overlap *o, texp_rectangle p, texp_rectangle t)
{
    const double angle = atan2(t.w, t.h) - atan2(p.w, p.h), v = 4 / (M_PI * M_PI) * angle * angle;
    const double alpha = v > 0 ? v / (1 - o->iou + v) : 0;
    o->value -= alpha * v;
    o->step.w += alpha * 8 / (M_PI * M_PI) * angle * p.h;
    o->step.h -= alpha * 8 / (M_PI * M_PI) * angle * p.w;
}

texp_overlap texp_overlap_of(texp_box_loss kind, texp_rectangle p, texp_rectangle t)
{
    const axis x = axis_of(p.x, p.w, t.x, t.w), y = axis_of(p.y, p.h, t.y, t.h);
    const areas a = areas_of(&x, &y, p, t);
    const derivatives dx = derivatives_of(&x, &y, p.h), dy = derivatives_of(&y, &x, p.w);
    texp_overlap o = {.iou = a.u > 0 ? a.i / a.u : 0};
    o.value = kind == TEXP_GIOU ? o.iou - (a.c - a.u) / a.c : o.iou;
    o.step.x = overlap_slope(kind, a, dx.by_centre);
    o.step.y = overlap_slope(kind, a, dy.by_centre);
    o.step.w = 2 * overlap_slope(kind, a, dx.by_size);
    o.step.h = 2 * overlap_slope(kind, a, dy.by_size);
    if (kind == TEXP_DIOU || kind == TEXP_CIOU) step_to_centre(&o, &x, &y, p, t);
    if (kind == TEXP_CIOU) step_to_aspect(&o, p, t);
    return o;
}
