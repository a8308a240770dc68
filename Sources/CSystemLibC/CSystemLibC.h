#pragma once
// How the C library keeps memory; no Swift module of its headers has this one.
#include <malloc.h>
// glibc declares these only where _GNU_SOURCE is defined, and Swift reads its headers without.
int syncfs(int descriptor);

// Where the program and its libraries lie in memory, as the beginning of <link.h>'s description of each.
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
struct dl_phdr_info {
    uintptr_t dlpi_addr;
    const char *dlpi_name;
    const Elf64_Phdr *dlpi_phdr;
    Elf64_Half dlpi_phnum;
};
int dl_iterate_phdr(int (*body)(struct dl_phdr_info *object, size_t size, void *data), void *data);
