#pragma once
// glibc declares this only where _GNU_SOURCE is defined, and Swift reads its headers without.
int syncfs(int descriptor);
