"""Trains the network of a Darknet cfg with PyTorch on random images, for `make bench` to compare with.

    train_torch.py CFG [--gated] [--batch N] [--threads N] [--channels-last] [--bf16] [--evaluate] [--steps N]

Prints a line for each step: seconds. --gated: takes a step for each byte that comes in. Needs PyTorch (Debian: python3-torch).
"""

import argparse
import os
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


def read_cfg(file):
    """Sections of a cfg, in order, as (name, {key: value})."""
    sections = []
    for line in open(file):
        line = line.split("#")[0].split(";")[0].strip()
        if line.startswith("["):
            sections.append((line.strip("[]"), {}))
        elif line:
            key, value = line.split("=", 1)
            sections[-1][1][key.strip()] = value.strip()
    return sections


def activation(name):
    return {"relu": nn.ReLU(inplace=True), "leaky": nn.LeakyReLU(0.1, inplace=True), "linear": nn.Identity()}[name]


class MaxPool(nn.Module):
    """As Darknet's: `padding` pixels in all, padding/2 of them before the image."""

    def __init__(self, size, stride, padding):
        super().__init__()
        self.size, self.stride, self.before, self.after = size, stride, padding // 2, padding - padding // 2

    def forward(self, x):
        edges = (self.before, self.after, self.before, self.after)
        return F.max_pool2d(F.pad(x, edges, value=-3e38) if self.after else x, self.size, self.stride)


class Network(nn.Module):
    def __init__(self, sections):
        super().__init__()
        net = sections[0][1]
        c, h = int(net.get("channels", 3)), int(net["height"])
        self.kinds, self.sources, self.layers, shapes = [], [], nn.ModuleList(), []
        for kind, keys in sections[1:]:
            layer, sources, i = nn.Identity(), [], len(self.layers)
            number = lambda key, default: int(keys.get(key, default))
            if kind == "convolutional":
                size, stride, n = number("size", 1), number("stride", 1), number("filters", 1)
                padding = size // 2 if number("pad", 0) else number("padding", 0)
                norm = number("batch_normalize", 0)
                parts = [nn.Conv2d(c, n, size, stride, padding, groups=number("groups", 1), bias=not norm)]
                parts += [nn.BatchNorm2d(n)] if norm else []
                layer = nn.Sequential(*parts, activation(keys.get("activation", "logistic")))
                c, h = n, (h + 2 * padding - size) // stride + 1
            elif kind == "batchnorm":
                layer = nn.BatchNorm2d(c, affine=net.get("affine") != "0")
            elif kind == "activation":
                layer = activation(keys["activation"])
            elif kind == "shortcut":
                sources, layer = [i + number("from", 0)], activation(keys.get("activation", "linear"))
            elif kind == "route":
                sources = [int(s) if int(s) >= 0 else i + int(s) for s in keys["layers"].split(",")]
                c, h = sum(shapes[s][0] for s in sources), shapes[sources[0]][1]
            elif kind == "maxpool":
                stride = number("stride", 1)
                size = number("size", stride)
                padding = number("padding", size - 1)
                layer, h = MaxPool(size, stride, padding), (h + padding - size) // stride + 1
            elif kind == "avgpool":
                layer, h = nn.AdaptiveAvgPool2d(1), 1
            elif kind == "upsample":
                layer, h = nn.Upsample(scale_factor=number("stride", 2)), h * number("stride", 2)
            elif kind == "connected":
                n = number("output", 1)
                layer = nn.Sequential(nn.Flatten(), nn.Linear(c * h * h, n), activation(keys.get("activation", "logistic")))
                c, h = n, 1
            elif kind == "dropout":
                layer = nn.Dropout(float(keys.get("probability", 0.5)))
            elif kind == "crop":
                h = number("crop_height", h)
            elif kind in ("softmax", "cost"):
                continue
            else:
                raise SystemExit(f"[{kind}]: unknown to this script")
            self.kinds.append(kind)
            self.sources.append(sources)
            self.layers.append(layer)
            shapes.append((c, h))
        self.wanted = {s for sources in self.sources for s in sources}
        self.side = int(shapes[0][1] if sections[1][0] == "crop" else net["height"])

    def forward(self, x):
        kept = {}
        for i, (kind, sources, layer) in enumerate(zip(self.kinds, self.sources, self.layers)):
            if kind == "shortcut":
                x = layer(x + kept[sources[0]])
            elif kind == "route":
                x = kept[sources[0]] if len(sources) == 1 else torch.cat([kept[s] for s in sources], 1)
            else:
                # What is kept must not change in place behind our back.
                x = layer(x.clone() if kind == "activation" and i - 1 in self.wanted else x)
            if i in self.wanted:
                kept[i] = x
        return x.flatten(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cfg")
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--gated", action="store_true")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    sections = read_cfg(args.cfg)
    net = sections[0][1]
    batch = args.batch or int(net["batch"]) // int(net.get("subdivisions", 1))
    model = Network(sections)
    classes = int(model(torch.zeros(2, int(net.get("channels", 3)), model.side, model.side)).shape[1])
    images = torch.randn(batch, int(net.get("channels", 3)), model.side, model.side)
    labels = torch.randint(0, classes, (batch,))
    if args.channels_last:
        model, images = model.to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, weight_decay=5e-4)
    model.train(not args.evaluate)
    step = 0
    while (not args.steps or step < args.steps) and (not args.gated or os.read(0, 1)):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16), torch.set_grad_enabled(not args.evaluate):
            loss = F.cross_entropy(model(images).float(), labels)
        if not args.evaluate:
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        print(f"{time.perf_counter() - start:.6f}", flush=True)
        step += 1


main()
