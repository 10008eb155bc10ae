#!/usr/bin/python3
"""Average precision by COCO's own evaluation (pycocotools) and by the definitions of the PASCAL VOC devkit.

    tests/reference/average_precision.py            writes average_precision.txt beside this file
    tests/reference/average_precision.py --check    compares with the file there; exit status 1 when it differs

Needs pycocotools (pip install pycocotools). Boxes are whole pixels, so that the devkit, which counts a box from pixel a to
pixel b as b - a + 1 wide, sees the same ones. The devkit is written in Matlab; voc_ap() and voc_class() follow VOCap.m,
VOCevaldet.m and, for eleven points, the devkit of 2007 line by line in what they compute.

The file: "case NAME", then "truth IMAGE CLASS X Y W H" and "detection IMAGE CLASS SCORE X Y W H" with centre and size, then
what is expected: "ap CLASS IOU POINTS VALUE", POINTS 0 (area), 11 or 101 (COCO), and "counts CLASS IOU THRESHOLD RIGHT WRONG
MISSED IOU-SUM", matched as in VOC.
"""
import contextlib
import io
import os
import random
import sys

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "average_precision.txt")
CLASSES = 3


def make_case(seed, images, truths, found, noise, ties):
    """Corner boxes (x1, y1, width, height); `found` detections a truth on average, `ties`: scores of few values."""
    rng = random.Random(seed)
    gts, dets = [], []
    for image in range(images):
        for _ in range(rng.randint(0, truths)):
            w, h = rng.randint(4, 60), rng.randint(4, 60)
            gts.append((image, rng.randrange(CLASSES), rng.randint(0, 140), rng.randint(0, 140), w, h))
    for image, cls, x, y, w, h in gts:
        for _ in range(rng.randint(0, 2 * found)):
            jitter = lambda size: rng.randint(-int(size * noise), int(size * noise))
            box = (x + jitter(w), y + jitter(h), max(1, w + jitter(w)), max(1, h + jitter(h)))
            other = cls if rng.random() < .9 else rng.randrange(CLASSES)
            dets.append((image, other, score(rng, ties)) + box)
    for _ in range(images):
        dets.append((rng.randrange(images), rng.randrange(CLASSES), score(rng, ties), rng.randint(0, 140),
                     rng.randint(0, 140), rng.randint(4, 60), rng.randint(4, 60)))
    dets.sort(key=lambda d: d[0])
    return images, gts, dets


def score(rng, ties):
    return rng.randint(1, 4) / 8 if ties else rng.random()


def many_in_one_image():
    """More than COCO's 100 detections of a class in an image; the right ones have the lowest scores."""
    gts = [(0, 0, 10, 10, 20, 20), (0, 0, 60, 60, 20, 20), (1, 0, 5, 5, 9, 9)]
    dets = [(0, 0, .9 - i / 1000, 100 + i % 30, 10, 10, 10) for i in range(99)]
    dets += [(0, 0, .5, 10, 10, 20, 20), (0, 0, .4, 60, 60, 20, 20), (1, 0, .3, 5, 5, 9, 9)]
    return 2, gts, dets


def coco_ap(images, gts, dets, iou):
    names = [{"id": c + 1, "name": str(c)} for c in range(CLASSES)]
    data = {"info": {}, "images": [{"id": i + 1} for i in range(images)], "categories": names, "annotations": [
        {"id": k + 1, "image_id": g[0] + 1, "category_id": g[1] + 1, "bbox": list(g[2:]), "area": g[4] * g[5],
         "iscrowd": 0} for k, g in enumerate(gts)]}
    results = [{"image_id": d[0] + 1, "category_id": d[1] + 1, "score": d[2], "bbox": list(d[3:])} for d in dets]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = data
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(results), "bbox")
        judge.params.iouThrs = np.array([iou])
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"][0, :, :, 0, 2]  # all areas, 100 detections
    return [float(precision[:, c].mean()) if precision[0, c] > -1 else None for c in range(CLASSES)]


def pixel_iou(a, b):
    """Of (x1, y1, x2, y2) with both ends inside, as in VOCevaldet.m."""
    w = min(a[2], b[2]) - max(a[0], b[0]) + 1
    h = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if w <= 0 or h <= 0:
        return 0.
    union = (a[2] - a[0] + 1) * (a[3] - a[1] + 1) + (b[2] - b[0] + 1) * (b[3] - b[1] + 1) - w * h
    return w * h / union


def corners(box):
    return box[0], box[1], box[0] + box[2] - 1, box[1] + box[3] - 1


def voc_match(gts, dets, cls, iou, threshold=None):
    """For each detection from the best down: whether it is right, and its IoU."""
    truths = [g for g in gts if g[1] == cls]
    taken = [False] * len(truths)
    chosen = [d for d in dets if d[1] == cls and (threshold is None or d[2] >= threshold)]
    flags = []
    for d in sorted(chosen, key=lambda d: -d[2]):
        best, where = -1., None
        for k, g in enumerate(truths):
            if g[0] != d[0]:
                continue
            overlap = pixel_iou(corners(g[2:]), corners(d[3:]))
            if overlap > best and overlap > 0:
                best, where = overlap, k
        right = where is not None and best >= iou and not taken[where]
        if right:
            taken[where] = True
        flags.append((right, best))
    return len(truths), flags


def voc_ap(n, flags, points):
    if not n:
        return None
    right = np.cumsum([f[0] for f in flags]) if flags else np.array([])
    recall = right / n
    precision = right / np.arange(1, len(flags) + 1)
    if points == 11:
        return sum(precision[recall >= k * .1].max(initial=0.) for k in range(11)) / 11
    mrec, mpre = np.concatenate(([0.], recall, [1.])), np.concatenate(([0.], precision, [0.]))
    for i in range(len(mpre) - 2, -1, -1):
        mpre[i] = max(mpre[i], mpre[i + 1])
    steps = np.where(mrec[1:] != mrec[:-1])[0] + 1
    return float(((mrec[steps] - mrec[steps - 1]) * mpre[steps]).sum())


def write(out):
    cases = [("usual", make_case(1, 20, 6, 1, .3, False)), ("ties", make_case(2, 12, 5, 2, .2, True)),
             ("crowded", make_case(3, 4, 30, 2, .5, False)), ("few", make_case(4, 3, 1, 1, .1, False)),
             ("many_in_one_image", many_in_one_image()),
             ("exact", (1, [(0, 0, 10, 10, 20, 20)], [(0, 0, .5, 10, 10, 20, 10), (0, 0, .4, 10, 10, 20, 20)]))]
    for name, (images, gts, dets) in cases:
        print("case", name, file=out)
        centre = lambda b: "%r %r %r %r" % (b[0] + b[2] / 2, b[1] + b[3] / 2, float(b[2]), float(b[3]))
        for g in gts:
            print("truth", g[0], g[1], centre(g[2:]), file=out)
        for d in dets:
            print("detection", d[0], d[1], repr(d[2]), centre(d[3:]), file=out)
        for iou in (.5, .75, .3):
            coco = coco_ap(images, gts, dets, iou)
            for cls in range(CLASSES):
                n, flags = voc_match(gts, dets, cls, iou)
                for points in (0, 11):
                    print("ap", cls, iou, points, number(voc_ap(n, flags, points)), file=out)
                print("ap", cls, iou, 101, number(coco[cls]), file=out)
                n, flags = voc_match(gts, dets, cls, iou, .25)
                right = [f[1] for f in flags if f[0]]
                print("counts", cls, iou, .25, len(right), len(flags) - len(right), n - len(right),
                      repr(float(sum(right))), file=out)


def number(value):
    return "nan" if value is None else repr(float(value))


text = io.StringIO()
write(text)
if sys.argv[1:] == ["--check"]:
    with open(FILE) as file:
        sys.exit(0 if file.read() == text.getvalue() else FILE + " differs")
with open(FILE, "w") as file:
    file.write(text.getvalue())
