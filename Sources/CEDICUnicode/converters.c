#include "CEDICUnicode.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uclean.h>
#include <unicode/ucnv.h>
#include <unicode/ucnv_err.h>
#include <unicode/ucsdet.h>
#include <unicode/ustring.h>
#include <unicode/uversion.h>

_Static_assert(sizeof(UErrorCode) == sizeof(int32_t), "UErrorCode is passed as int32_t");

const char *edic_icu_version(void) { return U_ICU_VERSION; }

const char *edic_icu_error_name(int32_t status) { return u_errorName((UErrorCode)status); }

struct edic_converter {
    UConverter *icu;
    /// A high surrogate whose low half has not come yet.
    UChar pending;
    /// The converter holds output that found no room.
    int overflowed;
};

static UConverter *open_stopping(const char *name, UErrorCode *e) {
    UConverter *icu = ucnv_open(name, e);
    if (U_FAILURE(*e)) return NULL;
    // Stop at an invalid sequence, so that the caller learns where it is.
    ucnv_setToUCallBack(icu, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, e);
    return icu;
}

edic_converter *edic_converter_open(const char *name, int32_t *status) {
    UErrorCode e = U_ZERO_ERROR;
    UConverter *icu = open_stopping(name, &e);
    edic_converter *made = U_SUCCESS(e) ? calloc(1, sizeof *made) : NULL;
    if (U_SUCCESS(e) && !made) e = U_MEMORY_ALLOCATION_ERROR;
    *status = (int32_t)e;
    if (!made) {
        if (icu) ucnv_close(icu);
        return NULL;
    }
    made->icu = icu;
    return made;
}

void edic_converter_close(edic_converter *c) {
    if (!c) return;
    ucnv_close(c->icu);
    free(c);
}

edic_conversion edic_converter_to_utf8(
    edic_converter *c, const void *bytes, size_t count, int32_t flush, void *output, size_t capacity) {
    edic_conversion result = {0, 0, 0, 0, 0};
    enum { room = 2048 };
    UChar units[room + 1];
    const char *const start = bytes;
    const char *source = start;
    const char *const limit = count ? start + count : start;
    for (;;) {
        // Three bytes of UTF-8 at most come out of one UTF-16 unit.
        size_t fits = (capacity - result.produced) / 3;
        if (fits < 4) break;
        if (fits > room) fits = room;
        size_t used = 0;
        if (c->pending) units[used++] = c->pending;
        c->pending = 0;
        UErrorCode e = U_ZERO_ERROR;
        UChar *target = units + used;
        ucnv_toUnicode(c->icu, &target, units + fits, &source, limit, NULL, (UBool)flush, &e);
        used = (size_t)(target - units);
        if (used && U16_IS_LEAD(units[used - 1])) c->pending = units[--used];
        if (used) {
            UErrorCode encoding = U_ZERO_ERROR;
            int32_t length = 0;
            u_strToUTF8WithSub(
                (char *)output + result.produced, (int32_t)(capacity - result.produced), &length, units, (int32_t)used,
                0xFFFD, NULL, &encoding);
            if (encoding > U_ZERO_ERROR) {
                result.status = (int32_t)encoding;
                break;
            }
            result.produced += (size_t)length;
        }
        if (e == U_BUFFER_OVERFLOW_ERROR) continue;
        if (e == U_INVALID_CHAR_FOUND || e == U_ILLEGAL_CHAR_FOUND || e == U_TRUNCATED_CHAR_FOUND ||
            e == U_ILLEGAL_ESCAPE_SEQUENCE || e == U_UNSUPPORTED_ESCAPE_SEQUENCE) {
            char sequence[32];
            int8_t length = sizeof sequence;
            UErrorCode asking = U_ZERO_ERROR;
            ucnv_getInvalidChars(c->icu, sequence, &length, &asking);
            result.invalid = U_SUCCESS(asking) && length > 0 ? (size_t)length : 1;
            if (e == U_TRUNCATED_CHAR_FOUND) {
                ucnv_resetToUnicode(c->icu);
                result.done = source == limit;
            }
            break;
        }
        if (U_FAILURE(e)) {
            result.status = (int32_t)e;
            break;
        }
        result.done = 1;
        break;
    }
    result.consumed = (size_t)(source - start);
    return result;
}

int32_t edic_charset_table(const char *name, uint32_t *table) {
    UErrorCode e = U_ZERO_ERROR;
    UConverter *icu = open_stopping(name, &e);
    if (!icu) return 0;
    int single = ucnv_getMaxCharSize(icu) == 1 && ucnv_getMinCharSize(icu) == 1;
    for (int byte = 0; single && byte < 256; byte++) {
        char in = (char)byte;
        const char *source = &in;
        UChar out[4];
        UChar *target = out;
        e = U_ZERO_ERROR;
        ucnv_resetToUnicode(icu);
        ucnv_toUnicode(icu, &target, out + 4, &source, &in + 1, NULL, 1, &e);
        table[byte] = U_SUCCESS(e) && target == out + 1 ? out[0] : UINT32_MAX;
    }
    ucnv_close(icu);
    return single;
}

size_t edic_convert_bytes(
    const uint32_t *table, const void *bytes, size_t count, void *output, size_t *produced) {
    const uint8_t *in = bytes;
    uint8_t *const start = output;
    uint8_t *out = start;
    size_t i = 0;
    while (i < count) {
        // The table decides about ASCII too: in a few charsets of old computers it is not ASCII.
        uint32_t entry = table[in[i]];
        uint32_t length = entry >> 24;
        if (!length) break;
        out[0] = (uint8_t)entry;
        if (length > 1) out[1] = (uint8_t)(entry >> 8);
        if (length > 2) out[2] = (uint8_t)(entry >> 16);
        out += length;
        i++;
    }
    *produced = (size_t)(out - start);
    return i;
}

const char *edic_charset_standard_name(const char *alias) {
    UErrorCode e = U_ZERO_ERROR;
    const char *name = ucnv_getStandardName(alias, "MIME", &e);
    if (U_FAILURE(e) || !name) {
        e = U_ZERO_ERROR;
        name = ucnv_getStandardName(alias, "IANA", &e);
    }
    return U_SUCCESS(e) ? name : NULL;
}

int32_t edic_detect_charset(const void *bytes, size_t count, char *name, size_t capacity, int32_t *confidence) {
    UErrorCode e = U_ZERO_ERROR;
    UCharsetDetector *detector = ucsdet_open(&e);
    int32_t found = 0;
    if (U_SUCCESS(e)) {
        ucsdet_setText(detector, bytes, (int32_t)(count > INT32_MAX ? INT32_MAX : count), &e);
        const UCharsetMatch *match = ucsdet_detect(detector, &e);
        if (U_SUCCESS(e) && match) {
            const char *guess = ucsdet_getName(match, &e);
            *confidence = ucsdet_getConfidence(match, &e);
            if (U_SUCCESS(e) && guess && strlen(guess) < capacity) {
                strcpy(name, guess);
                found = 1;
            }
        }
        ucsdet_close(detector);
    }
    return found;
}
