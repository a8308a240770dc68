#pragma once
// glibc declares some of this only where _GNU_SOURCE is defined, and Swift reads its headers without.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
// How the C library keeps memory, and where the program and its libraries lie; no Swift module of its headers has these.
#include <link.h>
#include <malloc.h>
int syncfs(int descriptor);
