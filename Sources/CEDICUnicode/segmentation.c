#include "CEDICUnicode.h"

#include <stdlib.h>
#include <unicode/ubrk.h>
#include <unicode/utext.h>

struct edic_segmenter {
    UBreakIterator *icu;
    UText text;
};

edic_segmenter *edic_segmenter_open(int32_t kind, const char *locale, int32_t *status) {
    UErrorCode e = U_ZERO_ERROR;
    UBreakIteratorType type = kind == edic_words ? UBRK_WORD : kind == edic_sentences ? UBRK_SENTENCE : UBRK_CHARACTER;
    edic_segmenter *made = calloc(1, sizeof *made);
    if (!made) {
        *status = U_MEMORY_ALLOCATION_ERROR;
        return NULL;
    }
    made->text = (UText)UTEXT_INITIALIZER;
    made->icu = ubrk_open(type, locale, NULL, 0, &e);
    *status = (int32_t)e;
    if (U_SUCCESS(e)) return made;
    free(made);
    return NULL;
}

void edic_segmenter_close(edic_segmenter *s) {
    if (!s) return;
    ubrk_close(s->icu);
    utext_close(&s->text);
    free(s);
}

void edic_segmenter_set_text(edic_segmenter *s, const void *bytes, size_t count, int32_t *status) {
    UErrorCode e = U_ZERO_ERROR;
    utext_openUTF8(&s->text, bytes, (int64_t)count, &e);
    ubrk_setUText(s->icu, &s->text, &e);
    if (U_SUCCESS(e)) ubrk_first(s->icu);
    *status = e > U_ZERO_ERROR ? (int32_t)e : 0;
}

int64_t edic_segmenter_next(edic_segmenter *s, int32_t *is_word) {
    int32_t end = ubrk_next(s->icu);
    *is_word = end != UBRK_DONE && ubrk_getRuleStatus(s->icu) >= UBRK_WORD_NUMBER;
    return end == UBRK_DONE ? -1 : end;
}
