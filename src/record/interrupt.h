/* Signals that a run answers at the end of a step, or within a long one. */
#ifndef MUDOT_INTERRUPT_H
#define MUDOT_INTERRUPT_H

/* From now on SIGTERM, SIGINT, SIGHUP and SIGUSR1 are kept for MuInterruptTake(); a second SIGINT
   ends the program at once. */
void MuInterruptBegin(void);
/* Gives the signals back their former meaning. */
void MuInterruptEnd(void);
/* The signal that asks to stop, 0 if none has come; *write: whether SIGUSR1 has come since the last
   call. Of this process alone. */
int MuInterruptTake(int *write);
/* The same, SIGUSR1 left as it is. */
int MuInterruptPending(void);
const char *MuInterruptName(int signal_number);

#endif
