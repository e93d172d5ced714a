#include <hiredis/hiredis.h>
#include <hiredis/read.h>

// The type of the item that a reader is in the middle of; -1 if there is none. The stack of items is an array in the reader
// itself up to version 0.14, and one of pointers from 1.0 on.
static inline int mainstay_pending_type(const redisReader *reader) {
  if (reader->ridx < 0) return -1;
#if HIREDIS_MAJOR >= 1
  return reader->ridx < reader->tasks ? reader->task[reader->ridx]->type : -1;
#else
  return reader->ridx < (int)(sizeof(reader->rstack) / sizeof(reader->rstack[0])) ? reader->rstack[reader->ridx].type : -1;
#endif
}
