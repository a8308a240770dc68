// What the parts of the reader share: the tokenizer, which tells tags from text (reader.c), and the rules that say what
// of it is shown, and where lines end (shown.c).

#ifndef EDIC_HTML_READER_H
#define EDIC_HTML_READER_H

#include "CEDICHTML.h"
#include "elements.h"
#include "references.h"

#include <stdbool.h>

typedef enum {
    in_text,
    // After `&`.
    in_reference,
    // After `<`, after `</`.
    in_tag_open,
    in_end_tag_open,
    in_tag_name,
    // Within a tag, outside of names and values.
    in_tag,
    in_attribute_name,
    after_attribute_name,
    before_value,
    in_quoted_value,
    in_bare_value,
    // After `<!`, after `<!-`.
    in_declaration,
    in_declaration_dash,
    in_comment,
    // What ends at the next `>`.
    in_bogus_comment,
    // Raw text; within it after `<`, after `</` and letters.
    in_raw_text,
    in_raw_tag_open,
    in_raw_end_tag,
} html_state;

struct buffer {
    uint8_t *bytes;
    size_t count, capacity;
};

enum { language_limit = 128 };

struct edic_html_reader {
    struct buffer text, title;
    char language[language_limit + 1];
    size_t text_limit, depth_limit;
    int fault;

    html_state state;
    // Whether the reference at hand is in raw text.
    bool is_raw;
    // White space came since the last word.
    bool needs_space;
    bool reads_title;
    size_t left_out, preformatted;

    // The elements open, the innermost last, and how many of each.
    uint8_t *open;
    size_t depth;
    uint32_t open_counts[html_element_count];

    // The tag at hand.
    char name[html_reference_limit + 8];
    size_t name_length;
    bool is_end_tag, ends_itself;
    html_element element;
    // The name of the attribute at hand, cut; its value, where it is a language; what the tag said so far.
    char attribute[9];
    size_t attribute_length;
    char value[language_limit + 1];
    size_t value_length;
    bool keeps_value;
    uint8_t quote;
    char lang[language_limit + 1], xml_lang[language_limit + 1];

    html_element raw_element;
    // The last three bytes of a comment.
    uint8_t comment_tail[3];
    size_t comment_length;

    size_t lines;
};

static inline bool html_is_space(uint8_t c) { return c == ' ' || (c >= 0x09 && c <= 0x0D); }

/// Shows text in the element at hand.
void html_show(edic_html_reader *reader, const uint8_t *bytes, size_t count);

/// Takes the tag at hand.
void html_start_element(edic_html_reader *reader);
void html_end_element(edic_html_reader *reader);

#endif
