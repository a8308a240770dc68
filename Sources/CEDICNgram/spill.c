#define _GNU_SOURCE
#include <fcntl.h>

#include "CEDICNgram.h"

void edic_ngram_free_space(int file, int64_t offset, int64_t count) {
    // Where a file system cannot do it, the space comes back when the file is closed.
    (void)!fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, count);
}
