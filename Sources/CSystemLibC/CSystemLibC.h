#pragma once
// How the C library keeps memory; no Swift module of its headers has this one.
#include <malloc.h>
// glibc declares this only where _GNU_SOURCE is defined, and Swift reads its headers without.
int syncfs(int descriptor);
