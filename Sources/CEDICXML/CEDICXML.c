#include "CEDICXML.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A hash table of the wanted names, open addressing; at most half full.
enum { table_size = 256 };

struct name {
    const char *text;
    size_t length;
};

struct edic_xml_parser {
    xmlParserCtxtPtr context;
    size_t depth;
    size_t depth_limit;
    size_t attribute_limit;

    char *vocabulary;
    struct name names[table_size];
    uint16_t codes[table_size];

    uint8_t *records;
    size_t count;
    size_t capacity;
    // Where the record of the text that is still growing begins, or SIZE_MAX.
    size_t open_text;

    int fault;
    size_t fault_line;
    char message[256];
};

// MARK: - Vocabulary

static uint32_t hash_of(const char *text, size_t length) {
    uint32_t hash = 2166136261u;  // FNV-1a
    for (size_t i = 0; i < length; i++) hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    return hash;
}

static uint16_t code_of(const edic_xml_parser *parser, const char *text, size_t length) {
    for (uint32_t slot = hash_of(text, length) % table_size;; slot = (slot + 1) % table_size) {
        const struct name *name = &parser->names[slot];
        if (name->text == NULL) return 0;
        if (name->length == length && memcmp(name->text, text, length) == 0) return parser->codes[slot];
    }
}

// The code of `local`, or of `space:local`.
static uint16_t code_of_attribute(const edic_xml_parser *parser, const char *space, const char *local) {
    size_t length = strlen(local);
    if (space == NULL) return code_of(parser, local, length);
    char full[32];
    size_t prefix = strlen(space);
    if (prefix + 1 + length > sizeof full) return 0;
    memcpy(full, space, prefix);
    full[prefix] = ':';
    memcpy(full + prefix + 1, local, length);
    return code_of(parser, full, prefix + 1 + length);
}

static bool learn(edic_xml_parser *parser, const char *vocabulary, size_t length) {
    parser->vocabulary = malloc(length + 1);
    if (parser->vocabulary == NULL) return false;
    memcpy(parser->vocabulary, vocabulary, length);
    parser->vocabulary[length] = 0;
    uint16_t code = 1;
    for (size_t at = 0; at < length && code <= table_size / 2; code++) {
        const char *text = parser->vocabulary + at;
        size_t size = strlen(text);
        uint32_t slot = hash_of(text, size) % table_size;
        while (parser->names[slot].text != NULL) slot = (slot + 1) % table_size;
        parser->names[slot] = (struct name){text, size};
        parser->codes[slot] = code;
        at += size + 1;
    }
    return true;
}

// MARK: - Faults

static void fail(edic_xml_parser *parser, int fault, const char *message) {
    if (parser->fault != edic_xml_ok) return;
    parser->fault = fault;
    const xmlParserInputPtr input = parser->context != NULL ? parser->context->input : NULL;
    parser->fault_line = input != NULL && input->line > 0 ? (size_t)input->line : 1;
    snprintf(parser->message, sizeof parser->message, "%s", message);
    for (char *c = parser->message; *c != 0; c++)
        if ((unsigned char)*c < 0x20) *c = ' ';
    for (size_t length = strlen(parser->message); length > 0 && parser->message[length - 1] == ' '; length--)
        parser->message[length - 1] = 0;
    if (parser->context != NULL) xmlStopParser(parser->context);
}

// MARK: - Records

static uint8_t *reserve(edic_xml_parser *parser, size_t more) {
    if (parser->capacity - parser->count < more) {
        size_t wanted = parser->count + more;
        size_t capacity = wanted + wanted / 2 + 4096;
        uint8_t *grown = realloc(parser->records, capacity);
        if (grown == NULL) {
            fail(parser, edic_xml_memory, "no memory");
            return NULL;
        }
        parser->records = grown;
        parser->capacity = capacity;
    }
    return parser->records + parser->count;
}

static size_t padded(size_t length) { return (length + 7) & ~(size_t)7; }

static uint32_t current_line(const edic_xml_parser *parser) {
    const xmlParserInputPtr input = parser->context->input;
    return input != NULL && input->line > 0 ? (uint32_t)input->line : 0;
}

static void close_text(edic_xml_parser *parser) {
    if (parser->open_text == SIZE_MAX) return;
    size_t end = parser->open_text + sizeof(edic_xml_record);
    size_t length = parser->count - end;
    edic_xml_record record = {edic_xml_text, 0, 0, current_line(parser), length};
    memcpy(parser->records + parser->open_text, &record, sizeof record);
    size_t padding = padded(length) - length;
    parser->open_text = SIZE_MAX;
    if (padding == 0) return;
    uint8_t *at = reserve(parser, padding);
    if (at == NULL) {
        parser->count = end - sizeof record;
        return;
    }
    memset(at, 0, padding);
    parser->count += padding;
}

static void add(edic_xml_parser *parser, uint8_t kind, uint16_t code, const void *payload, size_t length) {
    close_text(parser);
    size_t size = sizeof(edic_xml_record) + padded(length);
    uint8_t *at = reserve(parser, size);
    if (at == NULL) return;
    edic_xml_record record = {kind, 0, code, current_line(parser), length};
    memcpy(at, &record, sizeof record);
    if (length > 0) memcpy(at + sizeof record, payload, length);
    memset(at + sizeof record + length, 0, padded(length) - length);
    parser->count += size;
}

static void add_text(edic_xml_parser *parser, const void *text, size_t length) {
    if (parser->fault != edic_xml_ok || length == 0) return;
    if (parser->open_text == SIZE_MAX) {
        if (reserve(parser, sizeof(edic_xml_record)) == NULL) return;
        parser->open_text = parser->count;
        parser->count += sizeof(edic_xml_record);
    }
    uint8_t *at = reserve(parser, length);
    if (at == NULL) return;
    memcpy(at, text, length);
    parser->count += length;
}

static bool enter(edic_xml_parser *parser) {
    if (parser->fault != edic_xml_ok) return false;
    if (parser->depth >= parser->depth_limit) {
        fail(parser, edic_xml_depth, "elements are nested too deeply");
        return false;
    }
    parser->depth += 1;
    return true;
}

static void leave(edic_xml_parser *parser, const char *name) {
    if (parser->fault != edic_xml_ok) return;
    if (parser->depth > 0) parser->depth -= 1;
    add(parser, edic_xml_end, code_of(parser, name, strlen(name)), NULL, 0);
}

// MARK: - What libxml2 calls

static void on_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
                     const xmlChar **declared, int attributes, int defaulted, const xmlChar **values) {
    (void)prefix, (void)uri, (void)namespaces, (void)declared;
    edic_xml_parser *parser = user;
    if (!enter(parser)) return;
    add(parser, edic_xml_start, code_of(parser, (const char *)name, strlen((const char *)name)), NULL, 0);
    // The defaulted ones come last. They are nowhere in the document's elements, and could repeat a long value in each.
    size_t total = 0;
    for (int i = 0; i < attributes - defaulted; i++) {
        const xmlChar **attribute = values + 5 * i;
        const char *local = (const char *)attribute[0];
        const char *space = (const char *)attribute[1];
        size_t length = (size_t)(attribute[4] - attribute[3]);
        total += length;
        if (total > parser->attribute_limit) {
            fail(parser, edic_xml_attributes, "the attributes of an element are too long");
            return;
        }
        uint16_t code = code_of_attribute(parser, space, local);
        if (code != 0) add(parser, edic_xml_attribute, code, attribute[3], length);
    }
}

static void on_end(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
    (void)prefix, (void)uri;
    leave(user, (const char *)name);
}

static void on_text(void *user, const xmlChar *text, int length) {
    if (length > 0) add_text(user, text, (size_t)length);
}

static void on_entity(void *user, const xmlChar *name, int type, const xmlChar *public_id, const xmlChar *system_id,
                      xmlChar *content) {
    (void)name, (void)type, (void)public_id, (void)system_id, (void)content;
    fail(user, edic_xml_entity, "the document declares entities");
}

static void on_unparsed_entity(void *user, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id,
                               const xmlChar *notation) {
    (void)name, (void)public_id, (void)system_id, (void)notation;
    fail(user, edic_xml_entity, "the document declares entities");
}

static void describe_undeclared(char *message, size_t size, const char *name) {
    snprintf(message, size, "the entity \"%.64s\" is not one of XML's own; write the character itself", name);
}

static void on_reference(void *user, const xmlChar *name) {
    char message[128];
    describe_undeclared(message, sizeof message, (const char *)name);
    fail(user, edic_xml_entity, message);
}

static xmlEntityPtr no_entity(void *user, const xmlChar *name) {
    (void)user, (void)name;
    return NULL;
}

static void on_fault(void *user, xmlErrorPtr error) {
    edic_xml_parser *parser = user;
    if (parser->fault != edic_xml_ok || error == NULL) return;
    if (error->level != XML_ERR_FATAL) return;
    const char *message = error->message != NULL ? error->message : "not well-formed XML";
    char own[128];
    int fault = edic_xml_malformed;
    switch (error->code) {
    case XML_ERR_ENTITY_LOOP: fault = edic_xml_entity; break;
    case XML_ERR_UNDECLARED_ENTITY:
        fault = edic_xml_entity;
        if (error->str1 != NULL) {
            describe_undeclared(own, sizeof own, error->str1);
            message = own;
        }
        break;
    case XML_ERR_NAME_TOO_LONG: fault = edic_xml_size; break;
    case XML_ERR_NO_MEMORY: fault = edic_xml_memory; break;
    default:
        // libxml2 2.9 has no code for its limits, only words.
        if (strstr(message, "XML_PARSE_HUGE") != NULL || strstr(message, "Huge input") != NULL) fault = edic_xml_size;
        break;
    }
    // What libxml2 says of a document that was cut.
    if (error->code == XML_ERR_DOCUMENT_END && parser->depth > 0) message = "the document ends inside an element";
    fail(parser, fault, message);
    if (error->line > 0) parser->fault_line = (size_t)error->line;
}

// MARK: - The parser

static void initialise(void) { xmlInitParser(); }

edic_xml_parser *edic_xml_create(const char *vocabulary, size_t vocabulary_length, size_t depth_limit,
                                 size_t attribute_limit) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialise);

    edic_xml_parser *parser = calloc(1, sizeof *parser);
    if (parser == NULL) return NULL;
    parser->depth_limit = depth_limit;
    parser->attribute_limit = attribute_limit;
    parser->open_text = SIZE_MAX;
    parser->fault_line = 1;

    xmlSAXHandler handler = {0};
    handler.initialized = XML_SAX2_MAGIC;
    handler.characters = on_text;
    handler.ignorableWhitespace = on_text;
    handler.cdataBlock = on_text;
    handler.entityDecl = on_entity;
    handler.unparsedEntityDecl = on_unparsed_entity;
    handler.reference = on_reference;
    handler.getEntity = no_entity;
    handler.getParameterEntity = no_entity;
    handler.serror = on_fault;
    handler.startElementNs = on_start;
    handler.endElementNs = on_end;
    parser->context = xmlCreatePushParserCtxt(&handler, parser, NULL, 0, NULL);
    if (parser->context != NULL) {
        xmlCtxtUseOptions(parser->context, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
        xmlSwitchEncoding(parser->context, XML_CHAR_ENCODING_UTF8);
    }
    if (parser->context == NULL || !learn(parser, vocabulary, vocabulary_length)) {
        edic_xml_free(parser);
        return NULL;
    }
    return parser;
}

void edic_xml_free(edic_xml_parser *parser) {
    if (parser->context != NULL) {
        if (parser->context->myDoc != NULL) xmlFreeDoc(parser->context->myDoc);
        xmlFreeParserCtxt(parser->context);
    }
    free(parser->vocabulary);
    free(parser->records);
    free(parser);
}

int edic_xml_feed(edic_xml_parser *parser, const void *bytes, size_t count, int is_last) {
    parser->count = 0;
    parser->open_text = SIZE_MAX;
    const char *at = bytes;
    // libxml2 counts in int.
    enum { most = 1 << 20 };
    do {
        int size = count > most ? most : (int)count;
        int ends = is_last && (size_t)size == count;
        if (parser->fault != edic_xml_ok) break;
        xmlParseChunk(parser->context, at, size, ends);
        at += size;
        count -= (size_t)size;
    } while (count > 0);
    close_text(parser);
    return parser->fault;
}

const void *edic_xml_records(const edic_xml_parser *parser, size_t *count) {
    *count = parser->count;
    return parser->records;
}

size_t edic_xml_fault_line(const edic_xml_parser *parser) { return parser->fault_line; }

const char *edic_xml_fault_message(const edic_xml_parser *parser) { return parser->message; }
