#ifndef MAINSTAY_CTHREADSLAB_H
#define MAINSTAY_CTHREADSLAB_H

// One pointer a thread: what Swift has no thread-local variables for.

#if defined(__ELF__)
// Found at a fixed distance from the thread's register: no call, also from a shared library.
#define MAINSTAY_TLS_MODEL __attribute__((tls_model("initial-exec")))
#else
#define MAINSTAY_TLS_MODEL
#endif

extern _Thread_local void *mainstay_thread_slab_pointer MAINSTAY_TLS_MODEL;

/// The slab of the calling thread; null until it has one.
static inline void *mainstay_thread_slab(void) { return mainstay_thread_slab_pointer; }

static inline void mainstay_set_thread_slab(void *slab) { mainstay_thread_slab_pointer = slab; }

#endif
