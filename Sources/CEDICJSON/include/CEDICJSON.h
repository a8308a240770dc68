#pragma once
// simdjson behind five C functions. No simdjson header is reachable from here, no exception crosses this line.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A simdjson DOM parser with the tape and string buffer of the last document it parsed.
typedef struct edic_json_parser edic_json_parser;

/// What `edic_json_parse` says.
enum {
    edic_json_parsed = 0,
    /// Not accepted, or accepted with a doubt that the caller has to clear up (a lone surrogate escape).
    edic_json_refused = 1,
    edic_json_no_memory = 2,
};

/// Null when there is no memory.
edic_json_parser *_Nullable edic_json_parser_create(int32_t max_depth);
void edic_json_parser_free(edic_json_parser *_Nullable parser);

/// Parses one document of less than 4 GiB. The bytes are copied first, so they need no padding.
int32_t edic_json_parse(edic_json_parser *_Nonnull parser, const void *_Nullable bytes, size_t count);

/// The tape and the strings of the last document that parsed; valid until the next call.
const uint64_t *_Nullable edic_json_tape(const edic_json_parser *_Nonnull parser);
const uint8_t *_Nullable edic_json_strings(const edic_json_parser *_Nonnull parser);

/// The index of the first byte at or after `from` that a JSON string has to escape (a control character, a quote
/// or a backslash), or `count`.
size_t edic_json_plain_prefix(const void *_Nullable bytes, size_t from, size_t count);

/// Whether the bytes are well-formed UTF-8.
int32_t edic_json_is_utf8(const void *_Nullable bytes, size_t count);

#ifdef __cplusplus
}
#endif
