/* What a call gives back that a signal has cut off. Private to mudot. */
#ifndef MUDOT_STOPPED_H
#define MUDOT_STOPPED_H

/* No failure and no sentence: the state is the last good one, and whoever asked for signals
   (record/interrupt.h) ends in order. */
#define MU_STOPPED 1005

#endif
