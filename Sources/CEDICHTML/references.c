#include "references.h"

#include <stdbool.h>
#include <string.h>

static size_t encode(uint32_t scalar, uint8_t *utf8) {
    if (scalar < 0x80) {
        utf8[0] = (uint8_t)scalar;
        return 1;
    }
    if (scalar < 0x800) {
        utf8[0] = (uint8_t)(0xC0 | scalar >> 6);
        utf8[1] = (uint8_t)(0x80 | (scalar & 0x3F));
        return 2;
    }
    if (scalar < 0x10000) {
        utf8[0] = (uint8_t)(0xE0 | scalar >> 12);
        utf8[1] = (uint8_t)(0x80 | (scalar >> 6 & 0x3F));
        utf8[2] = (uint8_t)(0x80 | (scalar & 0x3F));
        return 3;
    }
    utf8[0] = (uint8_t)(0xF0 | scalar >> 18);
    utf8[1] = (uint8_t)(0x80 | (scalar >> 12 & 0x3F));
    utf8[2] = (uint8_t)(0x80 | (scalar >> 6 & 0x3F));
    utf8[3] = (uint8_t)(0x80 | (scalar & 0x3F));
    return 4;
}

// What 0x80 to 0x9F mean: authors thought of windows-1252. Zero where that has no character.
static const uint16_t windows[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,
    0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
    0x0153, 0,      0x017E, 0x0178,
};

// The number after a `#`. One that names no character stands for nothing.
static size_t resolve_number(const char *text, size_t count, bool has_semicolon, uint8_t *utf8, size_t *size) {
    bool is_hexadecimal = count > 1 && (text[1] == 'x' || text[1] == 'X');
    size_t start = is_hexadecimal ? 2 : 1, at = start;
    uint32_t value = 0;
    for (; at < count; at++) {
        char c = text[at];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit >= (is_hexadecimal ? 16 : 10)) break;
        value = value * (is_hexadecimal ? 16 : 10) + digit;
        if (value > 0x10FFFF) value = 0x110000;
    }
    if (at == start) return 0;
    if (value >= 0x80 && value < 0xA0 && windows[value - 0x80] != 0) value = windows[value - 0x80];
    bool is_scalar = value > 0 && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
    *size = is_scalar ? encode(value, utf8) : 0;
    return at == count && has_semicolon ? at + 1 : at;
}

static const struct html_reference *find(const char *name, size_t length) {
    size_t low = 0, high = html_reference_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *known = html_references[middle].name;
        int order = strncmp(known, name, length);
        if (order == 0 && known[length] != 0) order = 1;
        if (order == 0) return &html_references[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

size_t html_resolve(const char *reference, size_t count, int has_semicolon, uint8_t *utf8, size_t *size) {
    *size = 0;
    if (count == 0) return 0;
    if (reference[0] == '#') return resolve_number(reference, count, has_semicolon, utf8, size);
    // The longest name wins; only the whole can have the semicolon.
    for (size_t length = count; length > 0; length--) {
        const struct html_reference *found = find(reference, length);
        bool ends_here = length == count && has_semicolon;
        if (found == NULL || (!ends_here && !found->is_bare)) continue;
        *size = strlen(found->utf8);
        memcpy(utf8, found->utf8, *size);
        return ends_here ? length + 1 : length;
    }
    return 0;
}
