#include "CEDICUnicode.h"
#include "classes.h"
#include "utf8.h"

#include <pthread.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/ucasemap.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>

static uint8_t classes[0x10000];
static uint8_t scripts[0x10000];
static const UNormalizer2 *nfc;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint8_t classify(uint32_t scalar) {
    uint8_t bits = 0;
    uint32_t mask = U_MASK(u_charType((UChar32)scalar));
    if (mask & (U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK)) bits |= edic_class_word;
    if (mask & U_GC_L_MASK) bits |= edic_class_letter;
    if (mask & U_GC_M_MASK) bits |= edic_class_mark;
    if (mask & U_GC_ND_MASK) bits |= edic_class_digit;
    if (u_isUUppercase((UChar32)scalar) || (mask & U_GC_LT_MASK)) bits |= edic_class_upper;
    if (u_isULowercase((UChar32)scalar)) bits |= edic_class_lower;
    if (mask & U_GC_L_MASK) {
        int32_t linebreak = u_getIntPropertyValue((UChar32)scalar, UCHAR_LINE_BREAK);
        if (linebreak == U_LB_IDEOGRAPHIC || linebreak == U_LB_COMPLEX_CONTEXT ||
            linebreak == U_LB_CONDITIONAL_JAPANESE_STARTER)
            bits |= edic_class_single;
    }
    if (u_getIntPropertyValue((UChar32)scalar, UCHAR_NFC_QUICK_CHECK) == UNORM_YES &&
        u_getCombiningClass((UChar32)scalar) == 0)
        bits |= edic_class_nfc_stable;
    return bits;
}

static uint8_t script_number(uint32_t scalar) {
    UErrorCode e = U_ZERO_ERROR;
    int32_t script = uscript_getScript((UChar32)scalar, &e);
    return U_SUCCESS(e) && script >= 0 && script < 256 ? (uint8_t)script : USCRIPT_UNKNOWN;
}

static void fill(void) {
    for (uint32_t scalar = 0; scalar < 0x10000; scalar++) {
        classes[scalar] = classify(scalar);
        scripts[scalar] = script_number(scalar);
    }
}

const uint8_t *edic_bmp_classes(void) {
    pthread_once(&once, fill);
    return classes;
}

uint8_t edic_character_class(uint32_t scalar) {
    return scalar < 0x10000 ? edic_bmp_classes()[scalar] : classify(scalar);
}

int32_t edic_script(uint32_t scalar) {
    if (scalar >= 0x10000) return script_number(scalar);
    pthread_once(&once, fill);
    return scripts[scalar];
}

const char *edic_script_code(int32_t script) { return uscript_getShortName((UScriptCode)script); }

// A word is a run of letters, marks and numbers. One apostrophe, middle dot, or (between digits) full stop or comma
// that stands between two of them does not end it. Ideographs and the like are words of their own.
size_t edic_count_words(const void *text, size_t count) {
    const uint8_t *bytes = text;
    const uint8_t *table = edic_bmp_classes();
    size_t words = 0;
    uint8_t before = 0;  // the class of the character before, 0 outside words
    uint8_t joined = 0;  // the class of the character before a joiner that stands just before
    for (size_t i = 0; i < count;) {
        uint32_t scalar = bytes[i];
        if (scalar < 0x80)
            i++;
        else
            scalar = edic_next_scalar(bytes, &i, count);
        uint8_t class = scalar < 0x10000 ? table[scalar] : classify(scalar);
        if (class & edic_class_word) {
            if ((class & edic_class_single) || (before & edic_class_single)) {
                if (!(class & edic_class_mark)) words++;
            } else if (!before && !(joined & class)) {
                words++;
            }
            before = class;
            joined = 0;
            continue;
        }
        if (before && (scalar == '\'' || scalar == 0x2019 || scalar == 0xB7))
            joined = (before & (edic_class_letter | edic_class_mark)) ? edic_class_letter | edic_class_mark : 0;
        else if (before && (scalar == '.' || scalar == ','))
            joined = before & edic_class_digit;
        else
            joined = 0;
        before = 0;
    }
    return words;
}

size_t edic_count_scripts(const void *text, size_t count, edic_script_count *found) {
    const uint8_t *bytes = text;
    const uint8_t *table = edic_bmp_classes();
    uint64_t latin = 0;
    size_t scripts = 1, last = 0;
    found[0] = (edic_script_count){USCRIPT_LATIN, 0};
    for (size_t i = 0; i < count;) {
        uint32_t scalar = bytes[i];
        if (scalar < 0x80) {
            latin += (uint32_t)((scalar | 0x20) - 'a') < 26;
            i++;
            continue;
        }
        scalar = edic_next_scalar(bytes, &i, count);
        uint8_t class = scalar < 0x10000 ? table[scalar] : classify(scalar);
        if (!(class & (edic_class_letter | edic_class_mark))) continue;
        int32_t script = edic_script(scalar);
        // A text has one script or two, and its letters come in runs.
        if (found[last].script != script) {
            last = 0;
            while (last < scripts && found[last].script != script) last++;
            if (last == scripts) found[scripts++] = (edic_script_count){script, 0};
        }
        found[last].count++;
    }
    found[0].count += latin;
    return scripts;
}

size_t edic_plain_end(const void *text, size_t from, size_t count) {
    const uint8_t *bytes = text;
    size_t i = from;
    // C2: C1 controls, no-break space, soft hyphen. E1 E2 E3 EF: the special spaces and invisible characters.
#define EDIC_SPECIAL(b)                                                                                              \
    (((b) < 0x20 && (b) != '\t' && (b) != '\n') || (b) == 0x7F || (b) == 0xC2 || (b) == 0xE1 || (b) == 0xE2 ||       \
     (b) == 0xE3 || (b) == 0xEF)
    for (; i + 16 <= count; i += 16) {
        edic_block b = edic_load(bytes + i);
        edic_mask hits = (edic_mask)(((b < edic_splat(0x20)) & (b != edic_splat('\t')) & (b != edic_splat('\n'))) |
                                     (b == edic_splat(0x7F)) | (b == edic_splat(0xC2)) | (b == edic_splat(0xE1)) |
                                     (b == edic_splat(0xE2)) | (b == edic_splat(0xE3)) | (b == edic_splat(0xEF)));
        if (edic_any(hits)) break;
    }
    for (; i < count; i++)
        if (EDIC_SPECIAL(bytes[i])) break;
    return i;
#undef EDIC_SPECIAL
}

size_t edic_lowercase(
    const char *locale, const void *bytes, size_t count, void *output, size_t capacity, int32_t *status) {
    UErrorCode e = U_ZERO_ERROR;
    UCaseMap *map = ucasemap_open(locale, 0, &e);
    int32_t length = 0;
    if (count > INT32_MAX || capacity > INT32_MAX) e = U_INDEX_OUTOFBOUNDS_ERROR;
    if (U_SUCCESS(e)) length = ucasemap_utf8ToLower(map, output, (int32_t)capacity, bytes, (int32_t)count, &e);
    ucasemap_close(map);
    *status = e == U_BUFFER_OVERFLOW_ERROR ? 0 : (int32_t)e;
    return (size_t)length;
}
