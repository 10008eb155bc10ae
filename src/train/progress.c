#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* program_invocation_name */
#endif
#include "train/progress.h"

#include "base/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <unistd.h>

/* --- losses ------------------------------------------------------------------------------------------------------- */

/* A record that only such a run has. */
static const char infinite_losses[] = "run infinite losses";

void texp_losses_start(texp_losses *losses)
{
    *losses = (texp_losses){.average = -1};
}

void texp_losses_add(texp_losses *losses, float loss)
{
    losses->was_infinite = isinf(loss);
    if (losses->was_infinite) {
        losses->infinite++;
        return;
    }
    losses->sum += loss;
    losses->count++;
    if (losses->average == -1) losses->average = loss;
    losses->average = losses->average * .9 + loss * .1;
}

float texp_losses_average(const texp_losses *losses, float loss)
{
    return losses->average == -1 ? loss : losses->average;
}

long texp_losses_count(const texp_losses *losses)
{
    return losses->count + losses->infinite;
}

double texp_losses_end_epoch(texp_losses *losses)
{
    double mean = losses->count ? losses->sum / losses->count : INFINITY;
    losses->sum = losses->count = losses->infinite = 0;
    return mean;
}

void texp_losses_save(const texp_losses *losses, texp_state *state)
{
    texp_state_add_f64(state, "run loss sum", losses->sum);
    texp_state_add_u64(state, "run loss count", (uint64_t)losses->count);
    texp_state_add_f64(state, "run average loss", losses->average);
    if (losses->infinite) texp_state_add_u64(state, infinite_losses, (uint64_t)losses->infinite);
}

int texp_losses_restore(texp_losses *losses, const texp_saved *saved, texp_message *message)
{
    uint64_t count, infinite = 0;
    double average;
    if (texp_saved_f64(saved, "run loss sum", &losses->sum, message) ||
        texp_saved_u64(saved, "run loss count", &count, message) ||
        texp_saved_f64(saved, "run average loss", &average, message) ||
        (texp_saved_has(saved, infinite_losses) && texp_saved_u64(saved, infinite_losses, &infinite, message))) {
        return -1;
    }
    losses->count = (long)count;
    losses->infinite = (long)infinite;
    losses->average = (float)average;
    return 0;
}

/* --- after each update -------------------------------------------------------------------------------------------- */

static int is_live(void)
{
    return isatty(STDOUT_FILENO);
}

/* What stdout is when it is hushed; -1: it is not. */
static int shown = -1;

void texp_hush_layers(void)
{
    int nowhere = is_live() ? open("/dev/null", O_WRONLY) : -1;
    if (nowhere < 0) return;
    fflush(stdout);
    shown = dup(STDOUT_FILENO);
    if (shown >= 0) dup2(nowhere, STDOUT_FILENO);
    close(nowhere);
}

void texp_hear_layers(void)
{
    if (shown < 0) return;
    fflush(stdout);
    dup2(shown, STDOUT_FILENO);
    close(shown);
    shown = -1;
}

void texp_print_loaded(double seconds)
{
    if (!is_live()) printf("Loaded: %lf seconds\n", seconds);
}

static void print_time_left(double seconds)
{
    long s = lround(seconds);
    if (s >= 3600)
        printf("%ld:%02ld:%02ld left", s / 3600, s / 60 % 60, s % 60);
    else
        printf("%ld:%02ld left", s / 60, s % 60);
}

/* One line that is written again and again: where the run is in its epoch. */
static void print_live(const texp_setup *s, const texp_update_report *report)
{
    enum { WIDTH = 24 };
    double epoch = texp_setup_epochs(s);
    int full = (int)(WIDTH * (epoch - floor(epoch)));
    char bar[WIDTH + 1];
    for (int i = 0; i < WIDTH; ++i) bar[i] = i < full ? '#' : '.';
    bar[WIDTH] = 0;
    printf("\r\033[Kepoch %ld [%s] loss %.4f  rate %Lg  %.0f images/s  ", (long)epoch + 1, bar, report->average,
           texp_setup_rate(s), report->speed);
    if (s->updates && report->speed > 0)
        print_time_left((double)(s->updates - texp_setup_updates(s)) * s->batch / report->speed);
}

static void print_classic(const texp_setup *s, const texp_update_report *report)
{
    printf("%ld", texp_setup_updates(s));
    if (s->task->counts_epochs) printf(", %.3f", (float)*s->net->seen / s->images);
    printf(": %f, %f avg, %Lg rate, %lf seconds, %ld images\n", report->loss, report->average, texp_setup_rate(s),
           report->seconds, s->task->counts_epochs ? (long)*s->net->seen : texp_setup_updates(s) * s->batch);
}

void texp_print_update(const texp_setup *s, const texp_update_report *report)
{
    if (is_live())
        print_live(s, report);
    else
        print_classic(s, report);
    fflush(stdout); /* a file or pipe shows it now */
}

void texp_print_infinite(const texp_setup *s, const char *what)
{
    texp_end_live_line();
    fflush(stdout);
    fprintf(stderr, "update %ld: the %s is infinite, the weights are finite: the run goes on\n", texp_setup_updates(s),
            what);
}

void texp_end_live_line(void)
{
    if (is_live()) printf("\n");
}

/* --- at ends ------------------------------------------------------------------------------------------------------ */

void texp_print_epoch(const texp_setup *s, double train_loss, const texp_best *best, double speed)
{
    if (is_live()) printf("\r\033[K");
    printf("epoch %.3g: train loss %.4f", texp_setup_epochs(s), train_loss);
    if (texp_best_is_of_now(best, s)) {
        printf(", test loss %.4f", best->last.loss);
        if (s->task->quality) printf(", test %s %.2f %%", s->task->quality, 100 * best->last.quality);
    }
    if (speed > 0) printf(", %.0f images/s", speed);
    printf("\n");
    fflush(stdout);
}

void texp_print_end(const texp_setup *s, const texp_best *best)
{
    if (best->update && !s->task->quality) {
        printf("test loss %.4f (best %.4f, epoch %.3g)\n", best->last.loss, 1 / best->quality - 1, best->epoch);
    } else if (best->update) {
        printf("test %s %.2f %%, test loss %.4f (best %.2f %%, epoch %.3g)\n", s->task->quality,
               100 * best->last.quality, best->last.loss, 100 * best->quality, best->epoch);
    }
    printf("wrote %s/%s_{final,last%s}.weights and %s/%s.csv\n", s->backup, s->name, best->quality >= 0 ? ",best" : "",
           s->backup, s->name);
}

static void print_word(const char *word)
{
    char *quoted = texp_shell_word(word);
    printf(" %s", quoted);
    free(quoted);
}

#ifdef GPU
/* The flags that chose the processors: they are no part of the cfg. */
static void print_gpus(const texp_setup *s)
{
    if (gpu_index < 0) {
        printf(" -nogpu");
    } else if (s->n_nets > 1 || s->gpus[0]) {
        printf(" -gpus %d", s->gpus[0]);
        for (int i = 1; i < s->n_nets; ++i) printf(",%d", s->gpus[i]);
    }
}
#else
static void print_gpus(const texp_setup *s)
{
    (void)s;
}
#endif

void texp_print_continuation(const texp_setup *s, const char *weights)
{
    char *program = texp_shell_word(program_invocation_name);
    printf("  %s %s train", program, s->task->command);
    free(program);
    print_word(s->data_file);
    print_word(s->cfg_file);
    print_word(weights);
    print_gpus(s);
    printf("\n");
}
