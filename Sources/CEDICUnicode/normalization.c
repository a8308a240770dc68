#include "CEDICUnicode.h"
#include "classes.h"
#include "utf8.h"

#include <stdlib.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

static int is_stable(const uint8_t *table, uint32_t scalar) {
    return scalar < 0x10000 ? table[scalar] & edic_class_nfc_stable
                            : edic_character_class(scalar) & edic_class_nfc_stable;
}

size_t edic_nfc_clean_end(const void *text, size_t from, size_t count) {
    const uint8_t *bytes = text;
    const uint8_t *table = edic_bmp_classes();
    size_t i = from;
    while (i < count) {
        // Everything below U+0300 is in NFC as it stands, and so are Greek, Cyrillic and Latin punctuation but for a few
        // second bytes: a block of such bytes needs no closer look.
        //   C2-CB: U+0080-02FF. CE CF: U+0380-03FF but U+0387 (CE 87). D0 D1: U+0400-047F.
        while (i + 16 <= count) {
            edic_block b = edic_load(bytes + i);
            edic_mask odd = (edic_mask)(
                (b >= edic_splat(0xCC)) & (b != edic_splat(0xCE)) & (b != edic_splat(0xCF)) & (b != edic_splat(0xD0)) &
                (b != edic_splat(0xD1)));
            if (edic_any(odd)) break;
            edic_mask greek = (edic_mask)(b == edic_splat(0xCE));
            // A block may end between CE and 87, and then the next begins with the 87.
            if (edic_any(greek) && (bytes[i + 15] == 0xCE || edic_any((edic_mask)(b == edic_splat(0x87))))) break;
            i += 16;
        }
        // One block's worth (or the rest) character by character, then try blocks again.
        size_t stop = i + 16 < count ? i + 16 : count;
        // A block may have ended inside a character: its tail bytes belong to a character already judged.
        while (i < count && i > from && (bytes[i] & 0xC0) == 0x80) i++;
        while (i < stop) {
            size_t next = i;
            uint32_t scalar = bytes[next] < 0x80 ? bytes[next++] : edic_next_scalar(bytes, &next, count);
            if (!is_stable(table, scalar)) return i;
            i = next;
        }
    }
    return count;
}

size_t edic_nfc_dirty_end(const void *text, size_t from, size_t count) {
    const uint8_t *bytes = text;
    const uint8_t *table = edic_bmp_classes();
    for (size_t i = from; i < count;) {
        size_t next = i;
        uint32_t scalar = edic_next_scalar(bytes, &next, count);
        if (is_stable(table, scalar)) return i;
        i = next;
    }
    return count;
}

static const UNormalizer2 *instance(int32_t form, UErrorCode *e) {
    switch (form) {
    case edic_nfd: return unorm2_getNFDInstance(e);
    case edic_nfkc: return unorm2_getNFKCInstance(e);
    case edic_nfkd: return unorm2_getNFKDInstance(e);
    case edic_nfkc_casefold: return unorm2_getNFKCCasefoldInstance(e);
    default: return unorm2_getNFCInstance(e);
    }
}

/// UTF-16 of the text in a buffer that the caller frees, unless it is `small`.
static UChar *to_utf16(
    const void *bytes, size_t count, UChar *small, size_t room, int32_t *length, UErrorCode *e) {
    if (count > INT32_MAX / 4) {
        *e = U_INDEX_OUTOFBOUNDS_ERROR;
        return small;
    }
    UChar *units = count <= room ? small : malloc(count * sizeof *units);
    if (!units) {
        *e = U_MEMORY_ALLOCATION_ERROR;
        return small;
    }
    u_strFromUTF8WithSub(units, (int32_t)(count <= room ? room : count), length, bytes, (int32_t)count, 0xFFFD, NULL, e);
    if (*e == U_STRING_NOT_TERMINATED_WARNING) *e = U_ZERO_ERROR;
    return units;
}

int32_t edic_is_nfc(const void *bytes, size_t count, int32_t *status) {
    UErrorCode e = U_ZERO_ERROR;
    UChar small[256];
    int32_t length = 0;
    UChar *units = to_utf16(bytes, count, small, 256, &length, &e);
    int32_t result = U_SUCCESS(e) && unorm2_isNormalized(instance(edic_nfc, &e), units, length, &e);
    if (units != small) free(units);
    *status = (int32_t)e;
    return result;
}

size_t edic_normalize(
    int32_t form, const void *bytes, size_t count, void *output, size_t capacity, int32_t *status) {
    UErrorCode e = U_ZERO_ERROR;
    UChar small[256], small_result[512];
    UChar *result = small_result;
    int32_t length = 0, written = 0;
    UChar *units = to_utf16(bytes, count, small, 256, &length, &e);
    const UNormalizer2 *normalizer = instance(form, &e);
    int32_t needed = unorm2_normalize(normalizer, units, length, result, 512, &e);
    if (e == U_BUFFER_OVERFLOW_ERROR) {
        e = U_ZERO_ERROR;
        result = malloc((size_t)needed * sizeof *result);
        if (result)
            needed = unorm2_normalize(normalizer, units, length, result, needed, &e);
        else
            e = U_MEMORY_ALLOCATION_ERROR;
    }
    if (U_SUCCESS(e)) {
        e = U_ZERO_ERROR;
        int32_t room = capacity > INT32_MAX ? INT32_MAX : (int32_t)capacity;
        u_strToUTF8WithSub(output, room, &written, result, needed, 0xFFFD, NULL, &e);
        if (e == U_BUFFER_OVERFLOW_ERROR || e == U_STRING_NOT_TERMINATED_WARNING) e = U_ZERO_ERROR;
    }
    if (units != small) free(units);
    if (result != small_result) free(result);
    *status = (int32_t)e;
    return (size_t)written;
}
