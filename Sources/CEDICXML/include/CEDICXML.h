#pragma once

// libxml2's streaming parser behind a few functions of our own.
//
// Bytes of UTF-8 are pushed in; what they say comes out as a run of records in one buffer, so that no C function calls
// back into Swift. A record is an `edic_xml_record` and its payload, padded to a multiple of 8 bytes:
//
//   start      an element begins; its wanted attributes follow as records of their own
//   attribute  payload: the value
//   end        an element ends
//   text       payload: characters; the text between two other records may come in several pieces
//
// Elements and attributes are named by their place in the vocabulary given to the parser. Unknown elements have code
// 0; unknown attributes, comments and processing instructions are dropped.
//
// Nothing outside the pushed bytes is ever read: no network, no files, no DTD. Documents that declare entities are
// refused.

#include <stddef.h>
#include <stdint.h>

typedef struct edic_xml_parser edic_xml_parser;

enum { edic_xml_start = 1, edic_xml_attribute = 2, edic_xml_end = 3, edic_xml_text = 4 };

typedef struct {
    uint8_t kind;
    uint8_t reserved;
    uint16_t code;
    uint32_t line;
    uint64_t length;
} edic_xml_record;

enum {
    edic_xml_ok = 0,
    // The document is not well formed.
    edic_xml_malformed = 1,
    // The document declares an entity or refers to one that XML does not define.
    edic_xml_entity = 2,
    // More elements are open than allowed.
    edic_xml_depth = 3,
    // The attributes of an element are longer than allowed.
    edic_xml_attributes = 4,
    // A name, a text or the whole is longer than libxml2 allows.
    edic_xml_size = 5,
    edic_xml_memory = 6,
};

/// A parser of XML. Null when there is no memory.
///
/// `vocabulary` holds `vocabulary_length` bytes: names of elements and attributes, each ended by a zero byte. The first
/// has code 1. Attributes with a namespace prefix are named with it (`xml:lang`), elements without.
edic_xml_parser *_Nullable edic_xml_create(const char *_Nonnull vocabulary, size_t vocabulary_length, size_t depth_limit,
                                           size_t attribute_limit);

void edic_xml_free(edic_xml_parser *_Nonnull parser);

/// Parses more bytes; `is_last` not 0 ends the document. The records of the call before are gone after this. Returns
/// edic_xml_ok or what is wrong; after a fault the records hold what came before it, and every later call returns the
/// same fault.
int edic_xml_feed(edic_xml_parser *_Nonnull parser, const void *_Nullable bytes, size_t count, int is_last);

/// The records of the last call.
const void *_Nullable edic_xml_records(const edic_xml_parser *_Nonnull parser, size_t *_Nonnull count);

/// The line of the fault, the first being 1.
size_t edic_xml_fault_line(const edic_xml_parser *_Nonnull parser);

/// What is wrong, in libxml2's or our words, on one line; valid until the parser is freed.
const char *_Nonnull edic_xml_fault_message(const edic_xml_parser *_Nonnull parser);
