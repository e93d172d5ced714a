#ifndef MAINSTAY_CPROCESSOR_H
#define MAINSTAY_CPROCESSOR_H

#if defined(__linux__)
// Declared here, because <sched.h> offers it to _GNU_SOURCE only, which Swift's Glibc module does not define.
extern int sched_getcpu(void);

/// The processor that runs the caller, at this moment; a hint, since the thread may move at any time.
static inline int mainstay_current_processor(void) { return sched_getcpu(); }
#else
#include <pthread.h>
#include <stdint.h>

/// Tells threads apart where the processor cannot be asked for.
static inline int mainstay_current_processor(void) {
  return (int)(((uintptr_t)pthread_self() >> 12) & 0x7fffffff);
}
#endif

#endif
