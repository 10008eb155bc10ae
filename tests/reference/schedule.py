#!/usr/bin/python3
"""The independent oracle of the schedules, in 50-digit arithmetic (mpmath; Debian: python3-mpmath).

    tests/reference/schedule.py            verifies the equivalences, then writes schedule.csv beside this file (6 min)
    tests/reference/schedule.py --check    the same, but compares with the file there; exit status 1 when it differs
    tests/reference/schedule.py --verify   the equivalences only (seconds)

Everything here follows the paper's definitions (Li & Arora 2020) in their plainest form: the root of eq. 6 by the
school formula, s as the quotient (1/alpha - 1)/eta, decay by the general formula, sums and cycles counted one by one,
the limit at eta = 0 written out. None of it is the C code's algebra. Fifty digits leave thirty or more after the worst
cancellation.

First the numbers prove themselves: SGD by the base recipe and SGD by the exponential one run side by side on a
scale-invariant loss, and the weights must stay proportional, by the factor P, to 35 digits.

The file: `recipe` lines hold name, form, base, learning_rate, momentum, decay, gamma, scale, power, step, burn_in,
max_batches, learning_rate_min, sgdr_cycle, sgdr_mult, momentum_correction and the lists steps, scales, decays (split by
spaces), each number as the shortest decimal of its double. `update` lines hold k, eta, lambda, alpha, s, P_k, P_{k+1},
rate, decay of the recipe above them, to 25 digits.
"""
import os
import sys

from mpmath import cos, exp, floor, mp, mpf, nstr, pi, sqrt

mp.dps = 50
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schedule.csv")

DEFAULTS = dict(form="plain", base="constant", learning_rate=0.1, momentum=0.9, decay=0.0005, gamma=1.0, scale=1.0,
                power=4.0, step=1, burn_in=0, max_batches=1955, learning_rate_min=0.0, sgdr_cycle=0, sgdr_mult=2.0,
                correction=0, steps=(), scales=(), decays=())


# ---- base schedules: eta_k and lambda_k for k = 1, 2, ... ----

def eta_of(r, k, cycles):
    rate, k = mpf(r["learning_rate"]), mpf(k)
    base, end = r["base"], mpf(r["max_batches"])
    if k < r["burn_in"]:
        return rate * (k / r["burn_in"]) ** mpf(r["power"])
    if base == "constant":
        return rate
    if base == "step":
        return rate * mpf(r["scale"]) ** floor(k / r["step"])
    if base == "steps":
        for step, scale in zip(r["steps"], r["scales"]):
            rate = rate * mpf(scale) if k >= step else rate
        return rate
    if base == "exp":
        return rate * mpf(r["gamma"]) ** k
    if base == "poly":
        return rate * (1 - k / end) ** mpf(r["power"])
    if base == "sigmoid":
        return rate / (1 + exp(mpf(r["gamma"]) * (k - r["step"])))
    if base == "cosine":
        change = floor((k - 1) / r["step"]) * r["step"]
        return rate * (1 + cos(pi * change / end)) / 2
    if base == "sgdr":
        start, length = cycles[int(k)]
        least = mpf(r["learning_rate_min"])
        return least + (rate - least) * (1 + cos(pi * (k - start) / length)) / 2
    raise ValueError(base)


def lambda_of(r, k):
    decay = mpf(r["decay"])
    for step, factor in zip(r["steps"], r["decays"]):
        decay = decay * mpf(factor) if k >= step else decay
    return decay


def sgdr_cycles(r):
    """For every k the updates before its cycle and the cycle's length; the last update of a cycle is the cycle's."""
    start, length, cycles = mpf(0), mpf(r["sgdr_cycle"] or r["max_batches"]), {}
    for k in range(1, r["max_batches"] + 1):
        if k > start + length:
            start, length = start + length, length * mpf(r["sgdr_mult"])
        cycles[k] = (start, length)
    return cycles


def base_of(r):
    cycles = sgdr_cycles(r) if r["base"] == "sgdr" else None
    last = None
    for k in range(1, r["max_batches"] + 1):
        # The cosine of a long run changes rarely; its rate need not be computed between two changes.
        same = last is not None and r["base"] == "cosine" and k > r["burn_in"] and (k - 1) % r["step"] != 0
        last = last if same else eta_of(r, k, cycles)
        yield last, lambda_of(r, k)


# ---- the forms ----

def larger_root(x, momentum):
    b = 1 + momentum - x
    return (b + sqrt(b * b - 4 * momentum)) / 2


def per_rate(difference, eta, limit):
    """difference/eta, which tends to limit as eta tends to 0."""
    return difference / eta if eta != 0 else limit


def schedule(r):
    """One tuple (k, eta, lambda, alpha, s, P_k, P_{k+1}, rate, decay) an update."""
    gamma, form = mpf(r["momentum"]), r["form"]
    P, before, s, roots = mpf(1), None, mpf(0), {}
    for k, (eta, lam) in enumerate(base_of(r), 1):
        s_before = s
        if form == "plain":
            yield k, eta, lam, mpf(1), mpf(0), P, P, eta, lam
            continue
        if form == "texp++":
            # Eq. 7. With no update before the first its memory term is absent; s of an eta = 0 by its limit, as
            # d(1/alpha)/d(eta) at 0 is lambda + gamma s_before.
            alpha = 1 - eta * lam - (eta * gamma * before if before is not None else 0)
            s = per_rate(1 / alpha - 1, eta, lam + gamma * s_before)
            decay = mpf(0)
        else:
            x = eta * lam
            if x not in roots:
                roots = {x: larger_root(x, gamma)}
            alpha = roots[x]
            slope = per_rate(1 - alpha, eta, lam / (1 - gamma))
            s = per_rate(1 / alpha - 1, eta, lam / (1 - gamma))
            decay = mpf(0)
            if r["correction"] and form == "texp" and (k == 1 or (eta, lam) != phase):
                decay = (lam + gamma * s_before - slope) / P ** 2
            phase = (eta, lam)
        if k == 1:
            eta_1 = eta
        P_next = P / alpha
        yield k, eta, lam, alpha, s, P, P_next, P * P_next * (eta_1 if form == "texp--" else eta), decay
        before, P = s, P_next


# ---- the equivalences themselves ----

def gradient(w, k):
    """Of L_k(w) = f_k(w/|w|), f_k(u) = u.A u / 2 + b_k.u + u_1 u_2 u_3: scale invariant, other "images" each update."""
    norm = sqrt(sum(x * x for x in w))
    u = [x / norm for x in w]
    A = ((2, 1, 0), (1, -1, 3), (0, 3, 1))
    b = (mpf(k % 7) / 3, mpf(k % 5) / 2 - 1, mpf(k % 3))
    f = [sum(a * x for a, x in zip(row, u)) + c for row, c in zip(A, b)]
    f = [f[0] + u[1] * u[2], f[1] + u[0] * u[2], f[2] + u[0] * u[1]]
    along = sum(x * y for x, y in zip(f, u))
    return [(x - along * y) / norm for x, y in zip(f, u)]


def sgd(pairs, momentum):
    """Darknet's update (the paper's Definition 1.2) for every (rate, decay): the weights after each."""
    w, v = [mpf(1), mpf(-2), mpf("0.5")], [mpf(0)] * 3
    for k, (rate, decay) in enumerate(pairs, 1):
        v = [momentum * a + g + decay * x for a, g, x in zip(v, gradient(w, k), w)]
        w = [x - rate * a for x, a in zip(w, v)]
        yield w


def apart(r, base_pairs, pairs, scales):
    """Largest relative distance between P_{k+1} times the base recipe's weights and the exponential recipe's."""
    momentum, worst = mpf(r["momentum"]), mpf(0)
    for plain, grown, P in zip(sgd(base_pairs, momentum), sgd(pairs, momentum), scales):
        norm = sqrt(sum(x * x for x in plain))
        worst = max(worst, sqrt(sum((y / P - x) ** 2 for x, y in zip(plain, grown))) / norm)
    return worst


def distance(r, base_pairs=None):
    rows = list(schedule(r))
    return apart(r, base_pairs or [row[1:3] for row in rows], [row[7:9] for row in rows], [row[6] for row in rows])


def constant_rate_recipe(r):
    """texp--: the recipe it equals has rate eta_1 and decay lambda_k eta_k / eta_1."""
    pairs = list(base_of(r))
    return [(pairs[0][0], lam * eta / pairs[0][0]) for eta, lam in pairs]


def corrected(r, pairs):
    """Rates of texp--, with the momentum correction of the constant-rate recipe that it folds."""
    gamma, s_before, before = mpf(r["momentum"]), mpf(0), None
    for row, (eta, lam) in zip(schedule(r), pairs):
        k, alpha, P, rate = row[0], row[3], row[5], row[7]
        yield rate, (lam + gamma * s_before - (1 - alpha) / eta) / P ** 2 if lam != before else mpf(0)
        s_before, before = (1 / alpha - 1) / eta, lam


def verify():
    exact, off = mpf(10) ** -35, mpf(10) ** -6
    for name, keys in bases(110, long_cycle=20):
        for momentum in (0.9, 0.0):
            r = dict(DEFAULTS, **keys, momentum=momentum, decay=0.01 if momentum == 0 else 0.0005)
            assert distance(dict(r, form="texp++")) < exact, name
            assert distance(dict(r, form="texp", correction=1)) < exact, name
            # Without the correction texp is another run unless there is no momentum: the oracle can tell.
            uncorrected = distance(dict(r, form="texp"))
            assert uncorrected < exact if momentum == 0 else uncorrected > off, name

            mm = dict(r, form="texp--")
            pairs, rows = constant_rate_recipe(mm), list(schedule(mm))
            scales = [row[6] for row in rows]
            assert apart(mm, pairs, list(corrected(mm, pairs)), scales) < exact, name
            if momentum == 0:
                assert distance(mm, pairs) < exact, name
            elif name != "constant":
                assert distance(mm) > off, name  # and it is not the base recipe itself
    print("equivalences hold to 35 digits: texp++, texp with momentum correction, texp-- and its constant-rate recipe")


# ---- the recipes written out ----

def bases(end, long_cycle=391):
    """Every base, ending after `end` updates. Rates reach exactly 0 in poly (at the end), sgdr/zero and steps/zero."""
    t = end // 5
    return [
        ("constant", dict(base="constant", max_batches=end)),
        ("step", dict(base="step", step=t, scale=0.5, max_batches=end)),
        ("steps", dict(base="steps", steps=(2 * t, 3 * t + 1), scales=(0.1, 0.3), max_batches=end)),
        ("steps+decays", dict(base="steps", steps=(t, 2 * t, 3 * t), scales=(0.1, 5.0, 0.5), decays=(0.5, 0.3, 2.0),
                              max_batches=end)),
        ("steps/zero", dict(base="steps", steps=(t, 2 * t), scales=(0.5, 0.0), decays=(0.5, 0.0), max_batches=end)),
        ("exp", dict(base="exp", gamma=0.999, max_batches=end)),
        ("poly", dict(base="poly", power=2.0, max_batches=end)),
        ("poly/4", dict(base="poly", power=4.0, max_batches=end)),
        ("sigmoid", dict(base="sigmoid", gamma=0.02, step=2 * t, max_batches=end)),
        ("cosine", dict(base="cosine", step=1, max_batches=end)),
        ("cosine/epoch", dict(base="cosine", step=long_cycle, max_batches=end)),
        ("sgdr", dict(base="sgdr", learning_rate_min=0.001, sgdr_cycle=long_cycle // 10, sgdr_mult=2.0,
                      max_batches=end)),
        ("sgdr/zero", dict(base="sgdr", sgdr_cycle=long_cycle // 3, sgdr_mult=1.0, max_batches=end)),
        ("sgdr/1.5", dict(base="sgdr", learning_rate_min=0.002, sgdr_cycle=long_cycle // 5, sgdr_mult=1.5,
                          max_batches=end)),
        ("sgdr/once", dict(base="sgdr", learning_rate_min=0.001, sgdr_cycle=0, max_batches=end)),
    ]


FORMS = (("plain", 0), ("texp", 0), ("texp", 1), ("texp++", 0), ("texp--", 0))


def recipes():
    variants = (("", dict()), ("momentum 0", dict(momentum=0.0, decay=0.005)),
                ("burn_in", dict(burn_in=100, learning_rate=0.2)))
    for name, keys in bases(1955):
        for form, correction in FORMS:
            for variant, more in variants:
                yield f"{name} {variant}".strip(), dict(DEFAULTS, **{**keys, **more}, form=form, correction=correction)
    million = 1000000
    drops = dict(base="steps", steps=(500000, 750000), scales=(0.1, 0.1), decays=(2.0, 0.5), burn_in=1000,
                 max_batches=million)
    for name, form, correction, keys in (
            ("constant", "texp", 1, dict(max_batches=million)),
            ("constant", "texp++", 0, dict(max_batches=million)),
            ("steps+decays", "texp", 1, drops),
            ("steps+decays", "texp++", 0, drops),
            ("poly", "texp--", 0, dict(base="poly", power=1.0, max_batches=million)),
            ("cosine", "texp++", 0, dict(base="cosine", max_batches=million)),
            ("cosine", "texp", 1, dict(base="cosine", max_batches=million)),
            ("sgdr", "plain", 0, dict(base="sgdr", sgdr_cycle=1, sgdr_mult=1.0, learning_rate_min=0.01,
                                      max_batches=million)),
            ("sgdr", "texp++", 0, dict(base="sgdr", sgdr_cycle=391, sgdr_mult=1.0, max_batches=million))):
        yield f"{name} million", dict(DEFAULTS, **keys, form=form, correction=correction)


def sampled(r):
    """The updates written: the first ones, both sides of every change of phase, the middle and the end."""
    end, step = r["max_batches"], r["step"] if r["base"] != "sigmoid" else 0
    changes = list(r["steps"]) + [step, 2 * step + 1] * (step > 1) + [r["burn_in"]] * (r["burn_in"] > 0)
    if r["base"] == "sgdr":
        starts = sorted({int(start) + 1 for start, _ in sgdr_cycles(r).values()})
        changes += starts[1:3]
    ks = {1, 2, end // 2, end - 1, end} | {k for change in changes for k in (change - 1, change)}
    return {k for k in ks if 1 <= k <= end}


def lines():
    for name, r in recipes():
        fields = [name] + [r[key] if isinstance(r[key], str) else repr(r[key]) for key in (
            "form", "base", "learning_rate", "momentum", "decay", "gamma", "scale", "power", "step", "burn_in",
            "max_batches", "learning_rate_min", "sgdr_cycle", "sgdr_mult", "correction")]
        fields += [" ".join(repr(x) for x in r[key]) for key in ("steps", "scales", "decays")]
        yield "recipe," + ",".join(fields) + "\n"
        wanted = sampled(r)
        for row in schedule(r):
            if row[0] in wanted:
                yield f"update,{row[0]}," + ",".join(nstr(x, 25, min_fixed=0, max_fixed=0) for x in row[1:]) + "\n"


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else ""
    verify()
    if mode == "--verify":
        return 0
    text = "".join(lines())
    if mode == "--check":
        with open(FILE, encoding="ascii") as f:
            same = f.read() == text
        print(FILE, "is up to date" if same else "DIFFERS")
        return 0 if same else 1
    with open(FILE, "w", encoding="ascii") as f:
        f.write(text)
    print("wrote", FILE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
