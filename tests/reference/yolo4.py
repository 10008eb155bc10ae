#!/usr/bin/python3
"""The independent oracle of mish, swish and [yolo]'s losses of overlap, in 50-digit arithmetic (mpmath; Debian:
python3-mpmath).

    tests/reference/yolo4.py            writes yolo4.csv beside this file
    tests/reference/yolo4.py --check    compares with the file there; exit status 1 when it differs

Functions are written as their papers define them, and derivatives are central differences of them: none of the C code's
algebra. Steps of boxes are the derivatives with the conventions that src/net/box_loss.h states: those of IoU and GIoU by
w and h doubled, alpha held fixed, that of v times w^2 + h^2.

The file: `activation,NAME,x,y,slope`; `box,KIND,predicted x,y,w,h,true x,y,w,h,iou,value,step x,y,w,h`; and whole layers
as tests/test_yolo.c makes them: `layer,KIND,scale_x_y,iou_normalizer,obj_normalizer,cls_normalizer,iou_thresh,max_delta,
loss` and then `delta` with each delta of that layer.
"""
import os
import sys

from mpmath import atan, exp, log, mp, mpf, nstr, pi, sqrt, tanh

mp.dps = 50
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "yolo4.csv")
STEP = mpf(10) ** -15


def difference(f, x):
    return (f(x + STEP) - f(x - STEP)) / (2 * STEP)


# ---- activations ----

ACTIVATIONS = {
    "mish": lambda x: x * tanh(log(1 + exp(x))),
    "swish": lambda x: x / (1 + exp(-x)),
}
POINTS = ["-80", "-30", "-10", "-5", "-2.5", "-1.25", "-1.1875", "-0.5", "-0.0078125", "0", "0.0078125", "0.5", "1",
          "2.25", "5", "10", "19.5", "20.5", "39", "41", "80"]


# ---- boxes (x, y, w, h) ----

def sides(box):
    x, y, w, h = box
    return x - w / 2, x + w / 2, y - h / 2, y + h / 2


def both(a, b):
    al, ar, at, ab = sides(a)
    bl, br, bt, bb = sides(b)
    w, h = min(ar, br) - max(al, bl), min(ab, bb) - max(at, bt)
    return w * h if w > 0 and h > 0 else mpf(0)


def hull(a, b):
    al, ar, at, ab = sides(a)
    bl, br, bt, bb = sides(b)
    return max(ar, br) - min(al, bl), max(ab, bb) - min(at, bt)


def iou(a, b):
    i = both(a, b)
    return i / (a[2] * a[3] + b[2] * b[3] - i)


def giou(a, b):
    i = both(a, b)
    u = a[2] * a[3] + b[2] * b[3] - i
    w, h = hull(a, b)
    return i / u - (w * h - u) / (w * h)


def distance(a, b):
    w, h = hull(a, b)
    return ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) / (w ** 2 + h ** 2)


def aspect(a, b):
    return 4 / pi ** 2 * (atan(b[2] / b[3]) - atan(a[2] / a[3])) ** 2


def trade_off(a, b):
    v = aspect(a, b)
    return v / (1 - iou(a, b) + v) if v else mpf(0)


def slope_by(f, a, b, k):
    def at(value):
        moved = list(a)
        moved[k] = value
        return f(moved, b)
    return difference(at, a[k])


def value_of(kind, a, b):
    value = giou(a, b) if kind == "giou" else iou(a, b)
    if kind in ("diou", "ciou"):
        value -= distance(a, b)
    return value - trade_off(a, b) * aspect(a, b) if kind == "ciou" else value


def steps_of(kind, a, b):
    steps = []
    for k in range(4):
        step = slope_by(giou if kind == "giou" else iou, a, b, k) * (1 if k < 2 else 2)
        if kind in ("diou", "ciou"):
            step -= slope_by(distance, a, b, k)
        if kind == "ciou":
            step -= trade_off(a, b) * slope_by(aspect, a, b, k) * (a[2] ** 2 + a[3] ** 2)
        steps.append(step)
    return steps


BOXES = [  # overlapping at each corner, one inside the other either way, apart along x, y and both, the same shape
    (".5 .5 .25 .375", ".5625 .46875 .3125 .25"), (".5 .5 .25 .375", ".375 .625 .3125 .25"),
    (".5 .5 .75 .625", ".53125 .46875 .125 .25"), (".5 .5 .125 .25", ".53125 .46875 .625 .5"),
    (".25 .5 .125 .25", ".75 .53125 .25 .125"), (".5 .25 .25 .125", ".4375 .8125 .1875 .25"),
    (".25 .25 .25 .125", ".75 .8125 .1875 .25"), (".5 .5 .25 .25", ".5625 .59375 .25 .25"),
    (".5 .5 .0625 .75", ".46875 .5625 .75 .0625"),
]


# ---- a whole layer, as tests/test_yolo.c makes it ----

MASK = (1 << 64) - 1


def mixed(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def uniform(stream, i):
    return mpf(mixed((mixed(stream) + 0x9E3779B97F4A7C15 * (i + 1)) & MASK) >> 40) / (1 << 24)


BATCH, COLUMNS, ROWS, CLASSES, SIDE = 2, 4, 3, 2, 32
ANCHORS = [(10, 14), (23, 27), (37, 58), (20, 12), (81, 82)]
MASKS = [1, 2, 3]
TRUTHS = 4
IGNORE, PER = mpf(".5"), 5 + CLASSES
LAYERS = [  # loss, scale_x_y, normalizers of iou, obj, cls, iou_thresh, max_delta
    ("mse", "1.25", "0.5", "1", "1", "1", ""), ("mse", "1", "1", "0.5", "2", "0.25", ""),
    ("iou", "1", "0.75", "1", "1", "1", ""), ("giou", "1.125", "0.5", "1", "0.5", "0.25", ""),
    ("diou", "1.25", "0.25", "2", "1", "1", ""), ("ciou", "1.125", "0.0625", "1", "1", "0.25", ""),
    ("ciou", "1.125", "1", "1", "1", "1", "0.25"),
]


def logistic(x):
    return 1 / (1 + exp(-x))


def truths_of(image):
    """The third has the place of the second, and the other class."""
    boxes = []
    for t in range(TRUTHS):
        at = [uniform(2, 4 * (TRUTHS * image + (1 if t == 2 else t)) + k) for k in range(4)]
        boxes.append(([mpf(1) / 8 + at[0] * 3 / 4, mpf(1) / 8 + at[1] * 3 / 4, mpf(1) / 4 + at[2] / 2,
                       mpf(1) / 4 + at[3]], t % 2))
    return boxes


def layer(kind, scale, iou_n, obj_n, cls_n, threshold, most):
    cells = COLUMNS * ROWS
    delta = [mpf(0)] * (BATCH * len(MASKS) * PER * cells)
    loss = mpf(0)
    for b in range(BATCH):
        def index(n, cell, k):
            return ((b * len(MASKS) + n) * PER + k) * cells + cell

        def raw(n, cell, k):
            return uniform(1, index(n, cell, k)) * 4 - 2

        def out(n, cell, k):
            if k in (2, 3):
                return raw(n, cell, k)
            y = logistic(raw(n, cell, k))
            return scale * y - (scale - 1) / 2 if k < 2 else y

        def box(n, cell):
            anchor = ANCHORS[MASKS[n]]
            return [(cell % COLUMNS + out(n, cell, 0)) / COLUMNS, (cell // COLUMNS + out(n, cell, 1)) / ROWS,
                    exp(out(n, cell, 2)) * anchor[0] / SIDE, exp(out(n, cell, 3)) * anchor[1] / SIDE]

        def shape(anchor, truth):
            return iou([mpf(0), mpf(0), mpf(ANCHORS[anchor][0]) / SIDE, mpf(ANCHORS[anchor][1]) / SIDE],
                       [mpf(0), mpf(0), truth[2], truth[3]])

        wanted = {}  # place: the classes there
        for n in range(len(MASKS)):
            for cell in range(cells):
                if max(iou(box(n, cell), t) for t, _ in truths_of(b)) <= IGNORE:
                    delta[index(n, cell, 4)] = -obj_n * out(n, cell, 4)
        for truth, which in truths_of(b):
            cell = int(truth[1] * ROWS) * COLUMNS + int(truth[0] * COLUMNS)
            fits = [shape(a, truth) for a in range(len(ANCHORS))]
            for n, a in enumerate(MASKS):
                if fits[a] < max(fits) and fits[a] <= threshold:
                    continue
                wanted.setdefault((n, cell), set()).add(which)
                delta[index(n, cell, 4)] = obj_n * (1 - out(n, cell, 4))
                if kind == "mse":
                    sizes = [log(truth[2] * SIDE / ANCHORS[a][0]), log(truth[3] * SIDE / ANCHORS[a][1])]
                    goals = [truth[0] * COLUMNS - cell % COLUMNS, truth[1] * ROWS - cell // COLUMNS] + sizes
                    steps = [(2 - truth[2] * truth[3]) * (goals[k] - out(n, cell, k)) for k in range(4)]
                else:
                    steps = steps_of(kind, box(n, cell), truth)
                    steps = [s * (exp(out(n, cell, k)) if k > 1 else 1) for k, s in enumerate(steps)]
                    loss += iou_n * (1 - value_of(kind, box(n, cell), truth))
                for k in range(4):
                    step = iou_n * steps[k]
                    if most and kind != "mse":
                        step = max(-most, min(most, step))
                    delta[index(n, cell, k)] += step
        for (n, cell), classes in wanted.items():
            for c in range(CLASSES):
                delta[index(n, cell, 5 + c)] = cls_n * ((c in classes) - out(n, cell, 5 + c))
            if threshold < 1:
                for k in range(4):
                    delta[index(n, cell, k)] /= len(classes)
        for n in range(len(MASKS)):
            for k in range(0 if kind == "mse" else 4, PER):
                loss += sum(delta[index(n, cell, k)] ** 2 for cell in range(cells))
    return loss, delta


# ---- the file ----

def text(x):
    return nstr(mpf(x), 20)


def lines():
    for name, f in ACTIVATIONS.items():
        for x in POINTS:
            yield ",".join(["activation", name, x, text(f(mpf(x))), text(difference(f, mpf(x)))])
    for kind in ("iou", "giou", "diou", "ciou"):
        for a, b in BOXES:
            p, t = [[mpf(x) for x in box.split()] for box in (a, b)]
            numbers = p + t + [iou(p, t), value_of(kind, p, t)] + steps_of(kind, p, t)
            yield ",".join(["box", kind] + [text(x) for x in numbers])
    for kind, *numbers in LAYERS:
        loss, delta = layer(kind, *[mpf(x) if x else None for x in numbers])
        yield ",".join(["layer", kind] + [x or "0" for x in numbers] + [text(loss)])
        yield from ("delta," + text(d) for d in delta)


def main():
    written = "\n".join(lines()) + "\n"
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if open(FILE).read() == written else "yolo4.csv differs")
    with open(FILE, "w") as out:
        out.write(written)


if __name__ == "__main__":
    main()
