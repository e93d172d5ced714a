#include "CThreadSlab.h"

_Thread_local void *mainstay_thread_slab_pointer MAINSTAY_TLS_MODEL;
