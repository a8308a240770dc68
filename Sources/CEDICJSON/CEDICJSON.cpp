#include "CEDICJSON.h"

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#include <cstring>
#include <new>

struct edic_json_parser {
    simdjson::dom::parser parser;
    simdjson::dom::document document;
    size_t max_depth;
};

// simdjson 3.0 turns a low surrogate escape without its high one into three bytes that are not UTF-8. This finds
// every `\uDC00`-`\uDFFF` that does not plainly follow a high one; the caller's exact scanner then has the last word.
static bool has_doubtful_surrogate(const unsigned char *bytes, size_t count) {
    const unsigned char *end = bytes + count;
    const unsigned char *at = bytes;
    auto is_escape = [](const unsigned char *p) { return p[0] == '\\' && p[1] == 'u' && (p[2] | 0x20) == 'd'; };
    auto is_low = [](unsigned char c) { return (c | 0x20) >= 'c' && (c | 0x20) <= 'f'; };
    auto is_high = [](unsigned char c) { return c == '8' || c == '9' || (c | 0x20) == 'a' || (c | 0x20) == 'b'; };
    while (at < end && (at = static_cast<const unsigned char *>(memchr(at, '\\', size_t(end - at))))) {
        if (end - at >= 4 && is_escape(at) && is_low(at[3])) {
            const unsigned char *high = at - 6;
            if (at - bytes < 7 || !is_escape(high) || !is_high(high[3]) || high[-1] == '\\') return true;
        }
        at += 1;
    }
    return false;
}

extern "C" {

edic_json_parser *edic_json_parser_create(int32_t max_depth) {
    auto *made = new (std::nothrow) edic_json_parser;
    if (made) made->max_depth = size_t(max_depth);
    return made;
}

void edic_json_parser_free(edic_json_parser *parser) { delete parser; }

int32_t edic_json_parse(edic_json_parser *p, const void *bytes, size_t count) {
    if (count > p->parser.capacity() || p->parser.capacity() == 0) {
        // Half as much again, so that slowly growing lines do not allocate each time.
        size_t capacity = count + count / 2 + 256;
        if (capacity > simdjson::SIMDJSON_MAXSIZE_BYTES) capacity = simdjson::SIMDJSON_MAXSIZE_BYTES;
        if (p->parser.allocate(capacity, p->max_depth)) return edic_json_no_memory;
        if (p->document.allocate(capacity)) return edic_json_no_memory;
    }
    auto error =
        p->parser.parse_into_document(p->document, static_cast<const uint8_t *>(bytes), count).error();
    if (error == simdjson::MEMALLOC) return edic_json_no_memory;
    if (error) return edic_json_refused;
    return has_doubtful_surrogate(static_cast<const unsigned char *>(bytes), count) ? edic_json_refused
                                                                                    : edic_json_parsed;
}

const uint64_t *edic_json_tape(const edic_json_parser *p) { return p->document.tape.get(); }

const uint8_t *edic_json_strings(const edic_json_parser *p) { return p->document.string_buf.get(); }

size_t edic_json_plain_prefix(const void *bytes, size_t from, size_t count) {
    const auto *p = static_cast<const unsigned char *>(bytes);
    size_t i = from;
    // Eight bytes at a time: a byte b needs an escape when b < 0x20, b == '"' or b == '\\'. Each test sets the top bit
    // of its lane exactly for the first such byte of the word, and a false alarm behind it changes nothing.
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    for (; i + 8 <= count; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        uint64_t quote = word ^ (ones * '"'), slash = word ^ (ones * '\\');
        uint64_t hits = ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
        if (hits & tops) break;
    }
    for (; i < count; i++)
        if (p[i] < 0x20 || p[i] == '"' || p[i] == '\\') break;
    return i;
}

int32_t edic_json_is_utf8(const void *bytes, size_t count) {
    return simdjson::validate_utf8(static_cast<const char *>(bytes), count);
}
}
