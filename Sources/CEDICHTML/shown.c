#include "reader.h"

#include <stdlib.h>
#include <string.h>

// MARK: - Text

static void fail(edic_html_reader *reader, int fault) {
    if (reader->fault == edic_html_ok) reader->fault = fault;
}

// Room for `more` bytes; false without memory.
static bool reserve(edic_html_reader *reader, struct buffer *buffer, size_t more) {
    if (buffer->capacity - buffer->count >= more) return true;
    size_t capacity = buffer->count + more + (buffer->count + more) / 2 + 4096;
    uint8_t *grown = realloc(buffer->bytes, capacity);
    if (grown == NULL) {
        fail(reader, edic_html_no_memory);
        return false;
    }
    buffer->bytes = grown;
    buffer->capacity = capacity;
    return true;
}

static void end_line(edic_html_reader *reader) {
    struct buffer *text = &reader->text;
    reader->needs_space = false;
    if (text->count == 0 || text->bytes[text->count - 1] == '\n' || !reserve(reader, text, 1)) return;
    text->bytes[text->count++] = '\n';
}

// Adds characters to the line at hand: each run of white space is one space.
static void add_words(edic_html_reader *reader, const uint8_t *bytes, size_t count) {
    // A word needs a space before it at most, and has a space or an end after it.
    if (!reserve(reader, &reader->text, count + 2)) return;
    uint8_t *start = reader->text.bytes, *to = start + reader->text.count;
    const uint8_t *end = bytes + count;
    bool ends_lines = reader->preformatted > 0, needs_space = reader->needs_space;
    while (bytes < end) {
        if (html_is_space(*bytes)) {
            if (*bytes == '\n' && ends_lines) {
                needs_space = false;
                if (to > start && to[-1] != '\n') *to++ = '\n';
            } else {
                needs_space = true;
            }
            bytes++;
            continue;
        }
        if (needs_space) {
            needs_space = false;
            if (to > start && to[-1] != '\n') *to++ = ' ';
        }
        do *to++ = *bytes++;
        while (bytes < end && !html_is_space(*bytes));
    }
    reader->needs_space = needs_space;
    reader->text.count = (size_t)(to - start);
}

void html_show(edic_html_reader *reader, const uint8_t *bytes, size_t count) {
    if (count == 0 || reader->left_out > 0 || reader->fault != edic_html_ok) return;
    if (reader->text.count + reader->title.count > reader->text_limit
        || count > reader->text_limit - reader->text.count - reader->title.count)
        return fail(reader, edic_html_too_long);
    if (!reader->reads_title) return add_words(reader, bytes, count);
    if (!reserve(reader, &reader->title, count)) return;
    memcpy(reader->title.bytes + reader->title.count, bytes, count);
    reader->title.count += count;
}

// MARK: - Elements

static void enter(edic_html_reader *reader, html_element element) {
    uint8_t flags = html_flags(element);
    if (element == html_title) reader->reads_title = reader->title.count == 0 && reader->left_out == 0;
    if (element == html_pre) reader->preformatted++;
    if (element == html_td || element == html_th) reader->needs_space = true;
    if (flags & html_is_left_out) reader->left_out++;
    if (flags & html_is_block) end_line(reader);
}

static void leave(edic_html_reader *reader, html_element element) {
    uint8_t flags = html_flags(element);
    if (element == html_title) reader->reads_title = false;
    if (element == html_pre) reader->preformatted--;
    if (flags & html_is_left_out) reader->left_out--;
    if (flags & html_is_block) end_line(reader);
}

static void pop(edic_html_reader *reader) {
    html_element element = (html_element)reader->open[--reader->depth];
    reader->open_counts[element]--;
    leave(reader, element);
}

static void copy_language(edic_html_reader *reader) {
    const char *language = reader->lang[0] != 0 ? reader->lang : reader->xml_lang;
    bool wins = reader->element == html_html || reader->language[0] == 0;
    if (language[0] != 0 && wins) memcpy(reader->language, language, strlen(language) + 1);
}

void html_start_element(edic_html_reader *reader) {
    html_element element = reader->element;
    while (reader->depth > 0 && html_closes(element, (html_element)reader->open[reader->depth - 1])) pop(reader);
    if (element == html_html || element == html_body) copy_language(reader);
    enter(reader, element);
    uint8_t flags = html_flags(element);
    // The root and the body are open to the end, whatever the tags say.
    bool stays = element == html_html || element == html_body;
    if (stays) return;
    if (flags & html_is_void || reader->ends_itself) return leave(reader, element);
    if (reader->depth == reader->depth_limit) return fail(reader, edic_html_too_deep);
    reader->open[reader->depth++] = (uint8_t)element;
    reader->open_counts[element]++;
    if (flags & html_is_raw) {
        reader->raw_element = element;
        reader->state = in_raw_text;
    }
}

// Whether an end tag of `element` stops at an open `open`.
static bool is_barrier(html_element open, html_element element) {
    if (element == html_li && (open == html_ul || open == html_ol)) return true;
    uint8_t flags = html_flags(open);
    if ((flags & html_is_scope) == 0) return false;
    bool is_inside = (html_flags(element) & html_is_table_part) && (flags & html_is_table_part);
    return !is_inside || open == html_table;
}

void html_end_element(edic_html_reader *reader) {
    html_element element = reader->element;
    if (reader->open_counts[element] > 0) {
        for (size_t at = reader->depth; at > 0; at--) {
            html_element open = (html_element)reader->open[at - 1];
            if (open == element) {
                while (reader->depth >= at) pop(reader);
                return;
            }
            if (is_barrier(open, element)) return;
        }
    }
    // These show even where nothing is open; the rest means nothing.
    bool shows = element == html_p || element == html_br || element == html_html || element == html_body;
    if (shows) end_line(reader);
}
