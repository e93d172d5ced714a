#include <zlib.h>

// A macro in zlib, which Swift cannot import: level as given, 31 asks for a gzip header.
static inline int mainstay_deflate_init_gzip(z_streamp stream, int level) {
  return deflateInit2(stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
}
