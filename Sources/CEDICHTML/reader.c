#include "CEDICHTML.h"
#include "elements.h"
#include "references.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

static bool is_space(uint8_t c) { return c == ' ' || (c >= 0x09 && c <= 0x0D); }
static bool is_letter(uint8_t c) { return (uint8_t)((c | 0x20) - 'a') < 26; }
static bool is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }
static uint8_t lowered(uint8_t c) { return (uint8_t)(c - 'A') < 26 ? c | 0x20 : c; }

// MARK: - What is shown

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
        if (is_space(*bytes)) {
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
        while (bytes < end && !is_space(*bytes));
    }
    reader->needs_space = needs_space;
    reader->text.count = (size_t)(to - start);
}

static void add_text(edic_html_reader *reader, const uint8_t *bytes, size_t count) {
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

static void start_element(edic_html_reader *reader) {
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

static void end_element(edic_html_reader *reader) {
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

static void finish_tag(edic_html_reader *reader) {
    reader->state = in_text;
    if (reader->element == html_other) return;
    if (reader->is_end_tag)
        end_element(reader);
    else
        start_element(reader);
}

static void begin_tag(edic_html_reader *reader, bool is_end_tag) {
    reader->state = in_tag_name;
    reader->is_end_tag = is_end_tag;
    reader->ends_itself = false;
    reader->name_length = 0;
    reader->lang[0] = reader->xml_lang[0] = 0;
}

static void end_tag_name(edic_html_reader *reader) {
    reader->element = html_element_named(reader->name, reader->name_length);
    reader->state = in_tag;
}

static void begin_attribute(edic_html_reader *reader) {
    reader->state = in_attribute_name;
    reader->attribute_length = 0;
    reader->ends_itself = false;
}

// Whether the value of the attribute at hand matters: only the root's and the body's languages do.
static void end_attribute_name(edic_html_reader *reader) {
    bool is_wanted = !reader->is_end_tag && (reader->element == html_html || reader->element == html_body);
    bool is_language = (reader->attribute_length == 4 && memcmp(reader->attribute, "lang", 4) == 0)
                       || (reader->attribute_length == 8 && memcmp(reader->attribute, "xml:lang", 8) == 0);
    reader->keeps_value = is_wanted && is_language;
    reader->value_length = 0;
}

static void keep_value(edic_html_reader *reader, const uint8_t *bytes, size_t count) {
    if (!reader->keeps_value) return;
    if (count > language_limit - reader->value_length) {
        reader->keeps_value = false;
        return;
    }
    memcpy(reader->value + reader->value_length, bytes, count);
    reader->value_length += count;
}

static void end_value(edic_html_reader *reader) {
    reader->state = in_tag;
    if (!reader->keeps_value || memchr(reader->value, 0, reader->value_length) != NULL) return;
    char *place = reader->attribute_length == 4 ? reader->lang : reader->xml_lang;
    if (place[0] != 0) return;
    memcpy(place, reader->value, reader->value_length);
    place[reader->value_length] = 0;
}

// MARK: - Characters

// Ends the reference at hand, which is followed by `;` or not.
static void end_reference(edic_html_reader *reader, bool has_semicolon) {
    uint8_t utf8[html_replacement_limit];
    size_t size = 0;
    size_t taken = html_resolve(reader->name, reader->name_length, has_semicolon, utf8, &size);
    if (taken == 0) add_text(reader, (const uint8_t *)"&", 1);
    add_text(reader, utf8, size);
    if (taken < reader->name_length)
        add_text(reader, (const uint8_t *)reader->name + taken, reader->name_length - taken);
    if (has_semicolon && taken <= reader->name_length) add_text(reader, (const uint8_t *)";", 1);
    reader->state = reader->is_raw ? in_raw_text : in_text;
}

static void begin_reference(edic_html_reader *reader, bool is_raw) {
    reader->state = in_reference;
    reader->is_raw = is_raw;
    reader->name_length = 0;
}

// The next `<` or `&`, or the end.
static const uint8_t *end_of_text(const uint8_t *at, const uint8_t *end) {
    while (at < end && *at != '<' && *at != '&') at++;
    return at;
}

static const uint8_t *find(const uint8_t *at, const uint8_t *end, uint8_t byte) {
    const uint8_t *found = memchr(at, byte, (size_t)(end - at));
    return found != NULL ? found : end;
}

static void begin_comment(edic_html_reader *reader) {
    reader->state = in_comment;
    // `<!-->` ends at once.
    memcpy(reader->comment_tail, "\0--", 3);
    reader->comment_length = 0;
}

// Passes over a comment up to its end, or the end of the chunk.
static const uint8_t *skip_comment(edic_html_reader *reader, const uint8_t *at, const uint8_t *end) {
    const uint8_t *stop = find(at, end, '>');
    size_t count = (size_t)(stop - at);
    uint8_t *tail = reader->comment_tail;
    for (size_t i = count > 3 ? count - 3 : 0; i < count; i++) {
        tail[0] = tail[1];
        tail[1] = tail[2];
        tail[2] = at[i];
    }
    reader->comment_length += count;
    if (stop == end) return end;
    bool ends = (tail[1] == '-' && tail[2] == '-')
                || (reader->comment_length > 2 && tail[0] == '-' && tail[1] == '-' && tail[2] == '!');
    if (ends) {
        reader->state = in_text;
    } else {
        tail[0] = tail[1];
        tail[1] = tail[2];
        tail[2] = '>';
        reader->comment_length++;
    }
    return stop + 1;
}

// What was taken for the end tag of raw text is not: it is text.
static void give_back_raw_tag(edic_html_reader *reader) {
    add_text(reader, (const uint8_t *)"</", 2);
    add_text(reader, (const uint8_t *)reader->name, reader->name_length);
    reader->state = in_raw_text;
}

// Whether the letters after `</` name the element whose raw text this is.
static bool names_raw_element(const edic_html_reader *reader) {
    char name[html_name_limit];
    if (reader->name_length > sizeof name) return false;
    for (size_t i = 0; i < reader->name_length; i++) name[i] = (char)lowered((uint8_t)reader->name[i]);
    return html_element_named(name, reader->name_length) == reader->raw_element;
}

// MARK: - The machine

// One step within a tag at `at`; returns where to go on.
static const uint8_t *step_in_tag(edic_html_reader *reader, const uint8_t *at, const uint8_t *end) {
    uint8_t c = *at;
    switch (reader->state) {
    case in_tag_name:
        for (; at < end && !is_space(c = *at) && c != '/' && c != '>'; at++)
            if (reader->name_length <= html_name_limit) reader->name[reader->name_length++] = (char)lowered(c);
        if (at < end) end_tag_name(reader);
        return at;
    case in_tag:
        if (c == '>') {
            finish_tag(reader);
        } else if (c == '/') {
            reader->ends_itself = true;
        } else if (!is_space(c)) {
            begin_attribute(reader);
            // A `=` here begins a name.
            reader->attribute[reader->attribute_length++] = (char)lowered(c);
        }
        return at + 1;
    case in_attribute_name:
        for (; at < end && !is_space(c = *at) && c != '/' && c != '>' && c != '='; at++)
            if (reader->attribute_length < sizeof reader->attribute)
                reader->attribute[reader->attribute_length++] = (char)lowered(c);
        if (at < end) {
            end_attribute_name(reader);
            reader->state = after_attribute_name;
        }
        return at;
    case after_attribute_name:
        if (c == '=')
            reader->state = before_value;
        else if (!is_space(c)) {
            reader->state = in_tag;
            return at;
        }
        return at + 1;
    case before_value:
        if (is_space(c)) return at + 1;
        if (c == '"' || c == '\'') {
            reader->quote = c;
            reader->state = in_quoted_value;
            return at + 1;
        }
        reader->state = c == '>' ? in_tag : in_bare_value;
        return at;
    case in_quoted_value: {
        const uint8_t *stop = find(at, end, reader->quote);
        keep_value(reader, at, (size_t)(stop - at));
        if (stop == end) return end;
        end_value(reader);
        return stop + 1;
    }
    default: {
        const uint8_t *start = at;
        while (at < end && !is_space(*at) && *at != '>') at++;
        keep_value(reader, start, (size_t)(at - start));
        if (at < end) end_value(reader);
        return at;
    }
    }
}

// One step in raw text.
static const uint8_t *step_in_raw_text(edic_html_reader *reader, const uint8_t *at, const uint8_t *end) {
    switch (reader->state) {
    case in_raw_text: {
        bool has_references = html_flags(reader->raw_element) & html_has_references;
        const uint8_t *stop = has_references ? end_of_text(at, end) : find(at, end, '<');
        add_text(reader, at, (size_t)(stop - at));
        if (stop == end) return end;
        if (*stop == '&')
            begin_reference(reader, true);
        else
            reader->state = in_raw_tag_open;
        return stop + 1;
    }
    case in_raw_tag_open:
        if (*at == '/') {
            reader->state = in_raw_end_tag;
            reader->name_length = 0;
            return at + 1;
        }
        add_text(reader, (const uint8_t *)"<", 1);
        reader->state = in_raw_text;
        return at;
    default:
        for (; at < end && is_letter(*at); at++) {
            if (reader->name_length == html_name_limit) {
                give_back_raw_tag(reader);
                return at;
            }
            reader->name[reader->name_length++] = (char)*at;
        }
        if (at == end) return at;
        if ((is_space(*at) || *at == '/' || *at == '>') && names_raw_element(reader)) {
            html_element element = reader->raw_element;
            begin_tag(reader, true);
            reader->element = element;
            reader->state = in_tag;
        } else {
            give_back_raw_tag(reader);
        }
        return at;
    }
}

// One step elsewhere.
static const uint8_t *step(edic_html_reader *reader, const uint8_t *at, const uint8_t *end) {
    uint8_t c = *at;
    switch (reader->state) {
    case in_text: {
        const uint8_t *stop = end_of_text(at, end);
        add_text(reader, at, (size_t)(stop - at));
        if (stop == end) return end;
        if (*stop == '&')
            begin_reference(reader, false);
        else
            reader->state = in_tag_open;
        return stop + 1;
    }
    case in_reference:
        if (reader->name_length < html_reference_limit
            && (is_letter(c) || is_digit(c) || (c == '#' && reader->name_length == 0))) {
            reader->name[reader->name_length++] = (char)c;
            return at + 1;
        }
        end_reference(reader, c == ';');
        return c == ';' ? at + 1 : at;
    case in_tag_open:
        if (is_letter(c)) {
            begin_tag(reader, false);
        } else if (c == '/') {
            reader->state = in_end_tag_open;
            return at + 1;
        } else if (c == '!') {
            reader->state = in_declaration;
            return at + 1;
        } else if (c == '?') {
            reader->state = in_bogus_comment;
        } else {
            add_text(reader, (const uint8_t *)"<", 1);
            reader->state = in_text;
        }
        return at;
    case in_end_tag_open:
        if (is_letter(c)) {
            begin_tag(reader, true);
            return at;
        }
        reader->state = c == '>' ? in_text : in_bogus_comment;
        return c == '>' ? at + 1 : at;
    case in_declaration:
        reader->state = c == '-' ? in_declaration_dash : in_bogus_comment;
        return c == '-' ? at + 1 : at;
    case in_declaration_dash:
        if (c != '-') {
            reader->state = in_bogus_comment;
            return at;
        }
        begin_comment(reader);
        return at + 1;
    case in_comment: return skip_comment(reader, at, end);
    case in_bogus_comment: {
        const uint8_t *stop = find(at, end, '>');
        if (stop == end) return end;
        reader->state = in_text;
        return stop + 1;
    }
    case in_raw_text:
    case in_raw_tag_open:
    case in_raw_end_tag: return step_in_raw_text(reader, at, end);
    default: return step_in_tag(reader, at, end);
    }
}

// MARK: - The reader

edic_html_reader *edic_html_create(size_t text_limit, size_t depth_limit) {
    edic_html_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) return NULL;
    reader->open = malloc(depth_limit + 1);
    if (reader->open == NULL) {
        free(reader);
        return NULL;
    }
    reader->text_limit = text_limit;
    reader->depth_limit = depth_limit;
    reader->lines = 1;
    return reader;
}

void edic_html_free(edic_html_reader *reader) {
    free(reader->text.bytes);
    free(reader->title.bytes);
    free(reader->open);
    free(reader);
}

static size_t count_lines(const uint8_t *at, const uint8_t *end) {
    size_t count = 0;
    for (; at < end; at++) count += *at == '\n';
    return count;
}

int edic_html_feed(edic_html_reader *reader, const void *bytes, size_t count) {
    if (count == 0) return reader->fault;
    const uint8_t *at = bytes, *end = at + count;
    while (at < end && reader->fault == edic_html_ok) at = step(reader, at, end);
    reader->lines += count_lines(bytes, at);
    return reader->fault;
}

int edic_html_finish(edic_html_reader *reader) {
    switch (reader->state) {
    case in_reference: end_reference(reader, false); break;
    case in_tag_open:
    case in_raw_tag_open: add_text(reader, (const uint8_t *)"<", 1); break;
    case in_end_tag_open: add_text(reader, (const uint8_t *)"</", 2); break;
    case in_raw_end_tag: give_back_raw_tag(reader); break;
    default: break;
    }
    reader->state = in_text;
    return reader->fault;
}

const uint8_t *edic_html_text(const edic_html_reader *reader, size_t *count) {
    *count = reader->text.count;
    return reader->text.bytes;
}

const uint8_t *edic_html_title(const edic_html_reader *reader, size_t *count) {
    *count = reader->title.count;
    return reader->title.bytes;
}

const char *edic_html_language(const edic_html_reader *reader) {
    return reader->language[0] != 0 ? reader->language : NULL;
}

size_t edic_html_line(const edic_html_reader *reader) { return reader->lines; }
