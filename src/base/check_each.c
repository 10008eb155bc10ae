#include "base/check_each.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds before the first line is shown, and between two of them on a terminal and in a file. */
enum { QUIET = 2000, ON_TERMINAL = 500, IN_FILE = 10000 };

typedef struct {
    const char *what;
    int n;
    atomic_int done;
    atomic_long next; /* when the next line may be shown */
    atomic_int shown; /* on a terminal: the line must be ended */
} progress;

static long milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void count_one(progress *p)
{
    int done = atomic_fetch_add(&p->done, 1) + 1;
    long now = milliseconds(), next = atomic_load(&p->next);
    if (now < next) return;
    int terminal = isatty(STDERR_FILENO);
    /* Of threads that come at once, one shows the line. */
    if (!atomic_compare_exchange_strong(&p->next, &next, now + (terminal ? ON_TERMINAL : IN_FILE))) return;
    fprintf(stderr, terminal ? "\rchecking %s: %d of %d " : "checking %s: %d of %d\n", p->what, done, p->n);
    if (terminal) atomic_store(&p->shown, 1);
}

typedef struct {
    texp_check_one *check;
    void *context;
    atomic_int bad; /* the first bad item so far; n: none */
    pthread_mutex_t lock; /* of what follows: bad, when it changes, and its message */
    texp_message *message;
} checks;

static void check_one(checks *c, int i)
{
    texp_message found;
    if (i > atomic_load(&c->bad) || !c->check(c->context, i, &found)) return;
    pthread_mutex_lock(&c->lock);
    if (i < atomic_load(&c->bad)) {
        atomic_store(&c->bad, i);
        texp_say(c->message, "%s", found.text);
    }
    pthread_mutex_unlock(&c->lock);
}

int texp_check_each(const char *what, int n, texp_check_one *check, void *context, texp_message *message)
{
    progress p = {.what = what, .n = n};
    checks c = {.check = check, .context = context, .message = message, .lock = PTHREAD_MUTEX_INITIALIZER};
    atomic_store(&p.next, milliseconds() + QUIET);
    atomic_store(&c.bad, n);
#pragma omp parallel for schedule(dynamic, 16)
    for (int i = 0; i < n; ++i) {
        check_one(&c, i);
        count_one(&p);
    }
    if (p.shown) fprintf(stderr, "\n");
    return c.bad < n ? -1 : 0;
}
