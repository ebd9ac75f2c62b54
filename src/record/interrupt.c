/* The handlers do nothing but set a flag: a step is never cut in two. */
#include "record/interrupt.h"

#include <signal.h>
#include <string.h>

static const struct {
  int number;
  const char *name;
} signals[] = {{SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGHUP, "SIGHUP"}, {SIGUSR1, "SIGUSR1"}};
enum { SIGNALS = sizeof signals / sizeof *signals };

static volatile sig_atomic_t stop_signal, write_wanted;
static struct sigaction former[SIGNALS];

/* SIGTERM may come twice, from the system and from mpiexec; a second SIGINT is a person's. */
static void on_signal(int number) {
  if (number == SIGUSR1) {
    write_wanted = 1;
  } else if (number == SIGINT && stop_signal == SIGINT) {
    signal(SIGINT, SIG_DFL);
    raise(SIGINT);
  } else {
    stop_signal = number;
  }
}

void MuInterruptBegin(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  stop_signal = write_wanted = 0;
  for (int k = 0; k < SIGNALS; ++k) sigaction(signals[k].number, &action, &former[k]);
}

void MuInterruptEnd(void) {
  for (int k = 0; k < SIGNALS; ++k) sigaction(signals[k].number, &former[k], NULL);
}

int MuInterruptTake(int *write) {
  *write = write_wanted;
  if (*write) write_wanted = 0;
  return stop_signal;
}

int MuInterruptPending(void) {
  return stop_signal;
}

const char *MuInterruptName(int number) {
  for (int k = 0; k < SIGNALS; ++k)
    if (signals[k].number == number) return signals[k].name;
  return "a signal";
}
