// Character references: what `&eacute;` and `&#233;` stand for.

#ifndef EDIC_HTML_REFERENCES_H
#define EDIC_HTML_REFERENCES_H

#include <stddef.h>
#include <stdint.h>

// The longest of the names with their semicolons.
enum { html_reference_limit = 32 };

// UTF-8 of at most two characters.
enum { html_replacement_limit = 8 };

struct html_reference {
    const char *name;
    const char *utf8;
    // Whether it also counts without a semicolon.
    uint8_t is_bare;
};

/// Sorted by the bytes of the names, which have no semicolon. `Tools/html-references` writes them.
extern const struct html_reference html_references[];
extern const size_t html_reference_count;

/// Resolves a reference.
///
/// - `reference`: what follows the `&`: letters and digits, or `#` and a number.
/// - `has_semicolon`: whether a `;` comes next.
/// - `utf8`, `size`: where the replacement goes: `html_replacement_limit` bytes.
///
/// Returns how many bytes of `reference` it takes (0: it is none; with the semicolon: `count + 1`).
size_t html_resolve(const char *reference, size_t count, int has_semicolon, uint8_t *utf8, size_t *size);

#endif
