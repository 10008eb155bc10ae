#!/usr/bin/python3
"""Ten updates of PreResNet32 in PyTorch, as tensors that a C test of the Darknet plug-in is held against.

    /usr/bin/python3 tests/reference/preresnet32.py [folder]
    /usr/bin/python3 tests/reference/preresnet32.py --search      see "Tolerances"

Needs Debian's python3-torch, about a minute, one core. Writes preresnet32.index and preresnet32.bin (default: beside
this script). Nothing here comes from our own code or cfg: the network is built from the paper's description.

Computed in float64 from start values that are float32 numbers, so that C starts from the same bits.

Random numbers (uint64 arithmetic, modulo 2^64)
    mix(z): z ^= z >> 30; z *= 0xBF58476D1CE4E5B9; z ^= z >> 27; z *= 0x94D049BB133111EB; z ^= z >> 31
    bits(stream, i)    = mix(mix(stream) + 0x9E3779B97F4A7C15 * (i + 1))
    uniform(stream, i) = (bits(stream, i) >> 40) / 2^24                  in [0, 1), exact in float32

Start values; N is the number of the layer as Darknet counts the sections of cfg/preresnet32-steps.cfg, from 0
    weight i of layer N:  (float)((2 uniform(1000 + N, i) - 1) * sqrt(A / fan_in)), the bracket in double;
        A = 6 for convolutions, fan_in = in_channels * size * size; order [out][in][y][x];
        A = 3 for the fixed last layer, fan_in = 64, order [out][in]. Variances 2 / fan_in and 1 / fan_in.
    input element j = (channel * 32 + y) * 32 + x of image b (0, 1) of an update with stream S (a record of the index):
        uniform(S, b * 3072 + j), not normalised any further
    label of that image:  bits(S, 6144 + b) % 10
    rolling means and variances: 0

The computation
    Batch normalisation without affine: (x - mean) / sqrt(variance + 1e-5), biased variance (divide by n = batch *
    height * width), backward through both. Rolling statistics r = .99 r + .01 statistic; here the variance is the
    unbiased one (divide by n - 1), as in PyTorch and Darknet.
    Loss: mean over the batch of -log softmax[label]; its gradient g, without decay. The update, for every convolution:
    v = .9 v + g + .0005 w;  w -= .1 v;  v = 0 at the start. The last layer is fixed. No biases.
    In Darknet's terms, batch=2: the loss is cost / 2, and a backward pass adds -2 g to weight_updates.

preresnet32.index: text, one record a line, "#" begins a comment
    NAME UPDATE COUNT TYPE OFFSET
    COUNT numbers of TYPE (f64 or f32, little-endian) at byte OFFSET of preresnet32.bin. Names, with N as above:
    loss                          1 number, before update UPDATE (as everything but weights and rolling_*)
    stream                        S, the number from which inputs and labels of that update follow
    labels                        2
    logits, softmax               2 x 10, image by image: input and output of the softmax layer
    inputs                        digest of the 2 x 3 x 32 x 32 inputs
    gradient.N                    digest of g of convolution N
    full_gradient.N               g itself as f32, of some layers, update 1 only
    weights.N                     digest of the weights after the update; UPDATE 0: at the start, fixed layer included
    rolling_mean.N, rolling_variance.N   digest, after the update, of normalisation N

Digest: 26 numbers of a tensor x of n elements
    [0]       its L2 norm
    [1]       its sum
    [2..17]   x[bits(3, j) % n] for j = 0..15
    [18..25]  projections: the sum over i of x[i], negated where bit j of bits(4, i) is 1, for j = 0..7
An error e in any elements moves every projection by |e| in the root mean square, so the eight of them see what a
comparison of whole tensors would. Distance between two digests of one tensor, the second the reference:
    the largest of |a[i] - b[i]| / b[0], where i = 2..17 are multiplied by sqrt(n) first
so distance 1e-5 says: wrong by about 1e-5 of the tensor's size.

Tolerances: the gradient jumps where an input of a relu changes its sign. On random batches one of the half million is
near enough to 0 for float32 to get its sign wrong, the gradient is then off by 1e-3, the next update has more such
inputs, and after five updates nothing can be compared. So the streams are chosen, one update after the other, such that
no input of a relu (standard deviation 1) is nearer to 0 than MARGIN; `--search` finds them again, in minutes. Then
rounding is amplified only smoothly, and the comments of the index say by how much: update by update the distance
between PyTorch in float32 and in float64, the largest over layers and over three ways of float32 (MKL-DNN's
convolutions, plain ones, the batch in reverse order). A float32 program that is right lands there, too; tolerances are
a small multiple of it. For the loss, the logits and the softmax it is the largest absolute difference.
"""
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

UPDATES, BATCH, CLASSES = 10, 2, 10
RATE, MOMENTUM, DECAY, EPSILON, ROLLING = 0.1, 0.9, 5e-4, 1e-5, 0.01
POSITIONS, SIGNS, WEIGHTS, SEARCH = 3, 4, 1000, 10000  # streams; from SEARCH on: of batches
MARGIN = 1.6e-5
STREAMS = [12978, 14655, 19057, 21995, 22228, 28611, 33496, 37270, 37648, 37713]  # of the updates, from --search


def mix(z):
    z = z ^ (z >> np.uint64(30))
    z = z * np.uint64(0xBF58476D1CE4E5B9)
    z = z ^ (z >> np.uint64(27))
    z = z * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def bits(stream, first, count):
    """bits(stream, i) for count values of i from first."""
    i = np.arange(first + 1, first + count + 1, dtype=np.uint64)
    return mix(mix(np.array([stream], dtype=np.uint64)) + np.uint64(0x9E3779B97F4A7C15) * i)


def uniform(stream, first, count):
    return (bits(stream, first, count) >> np.uint64(40)).astype(np.float64) / 2**24


def start_weights(layer, shape, amplitude):
    """Float32 numbers, held in float64."""
    fan_in = math.prod(shape[1:])
    w = (2 * uniform(WEIGHTS + layer, 0, math.prod(shape)) - 1) * math.sqrt(amplitude / fan_in)
    return torch.from_numpy(w.astype(np.float32).astype(np.float64).reshape(shape))


def batch(stream):
    x = uniform(stream, 0, BATCH * 3072).reshape(BATCH, 3, 32, 32)
    labels = (bits(stream, BATCH * 3072, BATCH) % np.uint64(CLASSES)).astype(np.int64)
    return torch.from_numpy(x), torch.from_numpy(labels)


class TooNear(Exception):
    """An input of a relu is nearer to 0 than the network's margin."""


class PreResNet32:
    """Stem, three stages of five blocks, head. Layers are numbered in the order in which Darknet runs them."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.weights = {}  # layer number -> parameter of a convolution
        self.rolling = {}  # layer number -> mean and variance
        self.fixed = None
        self.epsilon = EPSILON
        self.margin = 0  # inputs of relus must be as far from 0
        self.names_of_full = set()  # layers stored whole: stem, first block of each stage, last convolution
        self.forward(batch(0)[0].to(dtype))  # creates the weights
        self.rolling = {}

    def norm(self, x, layer):
        if layer not in self.rolling:
            self.rolling[layer] = torch.zeros(2, x.shape[1], dtype=self.dtype)
        mean, variance = self.rolling[layer]
        return F.batch_norm(x, mean, variance, training=True, momentum=ROLLING, eps=self.epsilon)

    def norm_relu(self, x, layer):
        x = self.norm(x, layer)
        if self.margin and x.abs().min() < self.margin:
            raise TooNear
        return F.relu(x)

    def convolution(self, x, layer, filters, size, stride):
        if layer not in self.weights:
            w = start_weights(layer, (filters, x.shape[1], size, size), 6)
            self.weights[layer] = w.to(self.dtype).requires_grad_()
        return F.conv2d(x, self.weights[layer], stride=stride, padding=size // 2)

    def block(self, x, layer, filters, stride):
        """Layers: norm, relu, convolution, norm, relu, convolution, then [route, norm, convolution,] shortcut."""
        y = self.norm_relu(x, layer)
        y = self.convolution(y, layer + 2, filters, 3, stride)
        y = self.norm_relu(y, layer + 3)
        y = self.convolution(y, layer + 5, filters, 3, 1)
        if stride == 1:
            return x + y, layer + 7
        x = self.convolution(self.norm(x, layer + 7), layer + 8, filters, 1, stride)
        return x + y, layer + 10

    def forward(self, x):
        """Logits."""
        x = self.convolution(x, 0, 16, 3, 1)
        self.names_of_full.add(0)
        layer = 1
        for filters in 16, 32, 64:
            for i in range(5):
                first = layer
                x, layer = self.block(x, layer, filters, 2 if i == 0 and filters > 16 else 1)
                if i == 0:
                    self.names_of_full.update(n for n in self.weights if n >= first)
        self.names_of_full.add(max(self.weights))
        x = self.norm_relu(x, layer)
        x = x.mean((2, 3))
        if self.fixed is None:
            self.fixed_layer = layer + 3
            self.fixed = start_weights(self.fixed_layer, (CLASSES, x.shape[1]), 3).to(self.dtype)
        return x @ self.fixed.T


def train(dtype, streams, reverse=False, exponential=False):
    """One dictionary of float64 arrays an update: name -> tensor. `exponential`: the same run as texp++, which grows
    the weights by P and needs no decay; its epsilon follows as P^2 (every normalisation sees weights of degree 1)."""
    network = PreResNet32(dtype)
    optimiser = torch.optim.SGD(
        network.weights.values(), lr=RATE, momentum=MOMENTUM, weight_decay=0 if exponential else DECAY
    )
    scale, s = 1.0, 0.0
    runs = []
    for stream in streams:
        if exponential:
            alpha = 1 - RATE * (DECAY + MOMENTUM * s)
            s = (DECAY + MOMENTUM * s) / alpha
            network.epsilon = EPSILON * scale**2
            optimiser.param_groups[0]["lr"] = scale * (scale / alpha) * RATE
            scale /= alpha
        x, labels = batch(stream)
        x = x.to(dtype)
        if reverse:
            x, labels = x.flip(0), labels.flip(0)
        logits = network.forward(x)
        loss = F.cross_entropy(logits, labels)
        optimiser.zero_grad()
        loss.backward()
        if reverse:
            x, labels, logits = x.flip(0), labels.flip(0), logits.flip(0)
        seen = {"stream": torch.tensor(stream), "loss": loss, "labels": labels, "inputs": x}
        seen.update({"logits": logits, "softmax": logits.softmax(1)})
        seen.update({f"gradient.{n}": w.grad for n, w in network.weights.items()})
        seen = {name: t.detach().double().numpy().copy() for name, t in seen.items()}
        optimiser.step()
        after = {f"weights.{n}": w for n, w in network.weights.items()}
        after.update({f"rolling_mean.{n}": r[0] for n, r in network.rolling.items()})
        after.update({f"rolling_variance.{n}": r[1] for n, r in network.rolling.items()})
        seen.update({name: t.detach().double().numpy().copy() for name, t in after.items()})
        runs.append(seen)
    return runs


def search():
    """Prints the streams: for each update the first whose batch keeps MARGIN, given the updates before."""
    network = PreResNet32(torch.float64)
    network.margin = MARGIN
    optimiser = torch.optim.SGD(network.weights.values(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    stream = SEARCH
    for _ in range(UPDATES):
        while True:
            x, labels = batch(stream)
            try:
                with torch.no_grad():
                    network.forward(x)
                break
            except TooNear:
                stream += 1
        optimiser.zero_grad()
        F.cross_entropy(network.forward(x), labels).backward()
        optimiser.step()
        print(stream, flush=True)
        stream += 1


def digest(x):
    x = np.asarray(x, dtype=np.float64).ravel()
    positions = (bits(POSITIONS, 0, 16) % np.uint64(x.size)).astype(np.int64)
    hashed = bits(SIGNS, 0, x.size)
    signs = [1 - 2 * ((hashed >> np.uint64(j)) & np.uint64(1)).astype(np.float64) for j in range(8)]
    return np.array([np.linalg.norm(x), x.sum(), *x[positions], *(math.fsum(s * x) for s in signs)])


def distance(x, reference):
    difference = np.abs(digest(x) - digest(reference))
    difference[2:18] *= math.sqrt(x.size)
    return difference.max() / np.linalg.norm(reference)


PLAIN = "stream", "loss", "labels", "logits", "softmax"
DIGESTS = "gradient", "weights", "rolling_mean", "rolling_variance"


def departures(run, reference):
    """For one update: largest absolute difference of loss, logits and softmax, largest distance of the digests."""
    plain = [np.abs(run[name] - reference[name]).max() for name in ("loss", "logits", "softmax")]
    return plain + [
        max(distance(run[name], reference[name]) for name in reference if name.split(".")[0] == kind)
        for kind in DIGESTS
    ]


def float32_departures(reference):
    runs = [train(torch.float32, STREAMS), train(torch.float32, STREAMS, reverse=True)]
    with torch.backends.mkldnn.flags(enabled=False):
        runs.append(train(torch.float32, STREAMS))
    return [np.max([departures(run[k], reference[k]) for run in runs], axis=0) for k in range(UPDATES)]


def check_texp(reference):
    """The reference must survive the paper's theorem: texp++ gives the same function and gradients / P."""
    worst = max(
        np.abs(run["logits"] - wanted["logits"]).max()
        for run, wanted in zip(train(torch.float64, STREAMS, exponential=True), reference)
    )
    print(f"texp++ against the reference in float64: logits differ by {worst:.1e} at most")
    if not worst < 1e-9:
        sys.exit("preresnet32.py: texp++ must give the reference's logits to 1e-9; the reference is wrong")


class Writer:
    def __init__(self, folder):
        self.index = open(os.path.join(folder, "preresnet32.index"), "w")
        self.data = open(os.path.join(folder, "preresnet32.bin"), "wb")

    def comment(self, text):
        print(text)
        self.index.write(f"# {text}\n")

    def record(self, name, update, values, kind="f64"):
        values = np.ascontiguousarray(values, dtype={"f64": "<f8", "f32": "<f4"}[kind]).ravel()
        self.index.write(f"{name} {update} {values.size} {kind} {self.data.tell()}\n")
        self.data.write(values.tobytes())

    def close(self):
        self.index.close()
        self.data.close()


def main():
    torch.set_num_threads(1)
    if sys.argv[1:] == ["--search"]:
        return search()
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    network = PreResNet32(torch.float64)
    trained = sum(w.numel() for w in network.weights.values())
    if trained != 463792:
        sys.exit(f"preresnet32.py: {trained} trained weights, expected 463792")
    reference = train(torch.float64, STREAMS)
    check_texp(reference)

    writer = Writer(folder)
    writer.comment("PreResNet32, ten updates in PyTorch; format and formulas: preresnet32.py")
    writer.comment("Float32 against float64: absolute difference of loss, logits, softmax; distance of the digests")
    writer.comment("update     loss   logits  softmax gradient  weights r._mean  r._var.")
    for k, row in enumerate(float32_departures(reference), 1):
        writer.comment(f"{k:6} " + " ".join(f"{value:8.1e}" for value in row))

    for layer, w in network.weights.items():
        writer.record(f"weights.{layer}", 0, digest(w.detach()))
    writer.record(f"weights.{network.fixed_layer}", 0, digest(network.fixed))
    for k, seen in enumerate(reference, 1):
        for name, values in seen.items():
            plain = name in PLAIN
            writer.record(name, k, values if plain else digest(values))
    for layer in sorted(network.names_of_full):
        writer.record(f"full_gradient.{layer}", 1, reference[0][f"gradient.{layer}"], "f32")
    writer.close()


if __name__ == "__main__":
    main()
