#include "cpu/build.h"

#include "cpu/backward.h"
#include "cpu/forward.h"
#include "cpu/select.h"
#include "cpu/stages.h"

static texp_builder new_builder(texp_plan *plan)
{
    const size_t n = (size_t)plan->net->n;
    texp_builder b = {.plan = plan, .net = plan->net};
    b.fast = texp_plan_zeros(plan, n);
    b.fused = texp_plan_zeros(plan, n);
    b.layouts = texp_plan_zeros(plan, (n + 1) * sizeof *b.layouts);
    b.ready = texp_plan_zeros(plan, (n + 1) * sizeof *b.ready);
    b.raw = texp_plan_zeros(plan, n * sizeof *b.raw);
    b.which = texp_plan_zeros(plan, n * sizeof *b.which);
    b.gradients = texp_plan_zeros(plan, n * sizeof *b.gradients);
    b.slots = texp_plan_zeros(plan, n * sizeof *b.slots);
    return b;
}

texp_plan *texp_plan_build(network *net, int lanes)
{
    texp_plan *plan = texp_plan_new(net, lanes);
    if (!plan) return NULL;
    texp_builder b = new_builder(plan);
    texp_select(&b);
    texp_build_forward(&b, &plan->evaluate, 0);
    texp_build_forward(&b, &plan->train, 1);
    texp_build_backward(&b);
    texp_make_stages(plan);
    return plan;
}
