#include "reader.h"

#include <stdlib.h>
#include <string.h>

static bool is_letter(uint8_t c) { return (uint8_t)((c | 0x20) - 'a') < 26; }
static bool is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }
static uint8_t lowered(uint8_t c) { return (uint8_t)(c - 'A') < 26 ? c | 0x20 : c; }

// MARK: - Tags

static void finish_tag(edic_html_reader *reader) {
    reader->state = in_text;
    if (reader->element == html_other) return;
    if (reader->is_end_tag)
        html_end_element(reader);
    else
        html_start_element(reader);
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
    if (taken == 0) html_show(reader, (const uint8_t *)"&", 1);
    html_show(reader, utf8, size);
    if (taken < reader->name_length)
        html_show(reader, (const uint8_t *)reader->name + taken, reader->name_length - taken);
    if (has_semicolon && taken <= reader->name_length) html_show(reader, (const uint8_t *)";", 1);
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
    html_show(reader, (const uint8_t *)"</", 2);
    html_show(reader, (const uint8_t *)reader->name, reader->name_length);
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
        for (; at < end && !html_is_space(c = *at) && c != '/' && c != '>'; at++)
            if (reader->name_length <= html_name_limit) reader->name[reader->name_length++] = (char)lowered(c);
        if (at < end) end_tag_name(reader);
        return at;
    case in_tag:
        if (c == '>') {
            finish_tag(reader);
        } else if (c == '/') {
            reader->ends_itself = true;
        } else if (!html_is_space(c)) {
            begin_attribute(reader);
            // A `=` here begins a name.
            reader->attribute[reader->attribute_length++] = (char)lowered(c);
        }
        return at + 1;
    case in_attribute_name:
        for (; at < end && !html_is_space(c = *at) && c != '/' && c != '>' && c != '='; at++)
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
        else if (!html_is_space(c)) {
            reader->state = in_tag;
            return at;
        }
        return at + 1;
    case before_value:
        if (html_is_space(c)) return at + 1;
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
        while (at < end && !html_is_space(*at) && *at != '>') at++;
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
        html_show(reader, at, (size_t)(stop - at));
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
        html_show(reader, (const uint8_t *)"<", 1);
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
        if ((html_is_space(*at) || *at == '/' || *at == '>') && names_raw_element(reader)) {
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
        html_show(reader, at, (size_t)(stop - at));
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
            html_show(reader, (const uint8_t *)"<", 1);
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
    case in_raw_tag_open: html_show(reader, (const uint8_t *)"<", 1); break;
    case in_end_tag_open: html_show(reader, (const uint8_t *)"</", 2); break;
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
