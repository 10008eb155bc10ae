/*
 * For LD_PRELOAD: a rand() that draws alike in any two programs whose threads draw alike, in whatever order these come. Each
 * thread has a sequence of its own, which follows from its place among the threads that its parent began and from the
 * parent's own; the main thread always draws 11. srand() changes nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static _Thread_local uint64_t state = 1, identity = 1, children;

typedef struct {
    void *(*run)(void *);
    void *argument;
    uint64_t identity;
} start;

static uint64_t next(uint64_t x)
{
    return x * 6364136223846793005u + 1442695040888963407u;
}

static void *begin(void *argument)
{
    start s = *(start *)argument;
    free(argument);
    identity = state = s.identity;
    return s.run(s.argument);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");
    start *s = malloc(sizeof *s);
    if (!create || !s) abort();
    *s = (start){run, argument, next(next(identity) + ++children)};
    return create(thread, attributes, begin, s);
}

int rand(void)
{
    if (gettid() == getpid()) return 11;
    state = next(state);
    return (int)(state >> 33);
}

void srand(unsigned seed)
{
    (void)seed;
}
