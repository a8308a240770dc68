#ifndef CEDICHTML_H
#define CEDICHTML_H

// The visible text of HTML, from bytes that come in pieces.
//
// Tags, comments, raw text and character references are told apart as the HTML standard says
// (https://html.spec.whatwg.org/multipage/parsing.html, "Tokenization"), but that `<x/>` ends at once whatever `x` is,
// because much HTML was written as XHTML. Of the tree only a stack of the elements is kept that decide what is shown.
//
// Memory is the text's and one byte an open element, whatever the input; time is linear in it for documents as people
// write them, and bounded by the depth for any.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct edic_html_reader edic_html_reader;

enum {
    edic_html_ok = 0,
    /// More text than the limit.
    edic_html_too_long,
    /// More open elements than the limit.
    edic_html_too_deep,
    edic_html_no_memory,
};

/// A reader of one document, or null without memory.
///
/// `text_limit` bounds the bytes of text and title together, `depth_limit` the elements that are open at once.
edic_html_reader *_Nullable edic_html_create(size_t text_limit, size_t depth_limit);
void edic_html_free(edic_html_reader *_Nonnull reader);

/// Takes more of the document: UTF-8, cut anywhere. Anything but `edic_html_ok` is final.
int edic_html_feed(edic_html_reader *_Nonnull reader, const void *_Nullable bytes, size_t count);

/// Takes the end of the document.
int edic_html_finish(edic_html_reader *_Nonnull reader);

/// The text so far: a line for each block, each run of white space one space.
const uint8_t *_Nullable edic_html_text(const edic_html_reader *_Nonnull reader, size_t *_Nonnull count);

/// What the first `title` holds, as it stands.
const uint8_t *_Nullable edic_html_title(const edic_html_reader *_Nonnull reader, size_t *_Nonnull count);

/// The value of `lang` or `xml:lang` of the root or else the body; null where there is none.
const char *_Nullable edic_html_language(const edic_html_reader *_Nonnull reader);

/// The line where reading stands, the first being 1.
size_t edic_html_line(const edic_html_reader *_Nonnull reader);

#ifdef __cplusplus
}
#endif

#endif
