// How a word that is not remembered is encoded.
#include "words.h"

#include <string.h>

#include "kernels.h"
#include "merges.h"
#include "tables.h"

static size_t bytes_word(const edic_tok_words *words, const uint8_t *word, size_t length, uint32_t *ids) {
    if (words->whole) {
        uint32_t id = edic_tok_trie_find(words->whole, word, length);
        if (id != UINT32_MAX) {
            ids[0] = id;
            return 1;
        }
    }
    const edic_tok_pairs *pairs = words->merges->pairs;
    int merges_bytes = pairs && pairs->has_bytes && length <= EDIC_TOK_SHORT;
    if (merges_bytes && !(pairs->lacks_bytes && edic_tok_lacks_bytes(words, word, length))) {
        for (size_t i = 0; i < length; i++) ids[i] = word[i];
        edic_tok_merging one = {ids, length};
        edic_tok_kernels_now()->merge(pairs, &one, 1);
        for (size_t i = 0; i < one.count; i++) ids[i] = pairs->outer[ids[i]];
        return one.count;
    }
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        ids[count] = words->byte_ids[word[i]];
        if (ids[count] == UINT32_MAX) {
            if (words->fuses_unknown && i > 0 && words->byte_ids[word[i - 1]] == UINT32_MAX) continue;
            ids[count] = words->unknown_id;
        }
        count += ids[count] != UINT32_MAX;
    }
    return edic_tok_merge(words->merges, ids, NULL, count);
}

static size_t put_scalar(uint32_t scalar, uint8_t *to) {
    if (scalar < 0x80) {
        to[0] = (uint8_t)scalar;
        return 1;
    }
    if (scalar < 0x800) {
        to[0] = (uint8_t)(0xC0 | scalar >> 6);
        to[1] = (uint8_t)(0x80 | (scalar & 0x3F));
        return 2;
    }
    to[0] = (uint8_t)(0xE0 | scalar >> 12);
    to[1] = (uint8_t)(0x80 | (scalar >> 6 & 0x3F));
    to[2] = (uint8_t)(0x80 | (scalar & 0x3F));
    return 3;
}

// BERT's normalization of a word of ASCII and of Latin, Greek and Cyrillic letters, whose accents stand behind them
// when decomposed, so that no order of marks matters; SIZE_MAX for any other.
static size_t bert_word(const edic_tok_words *words, const uint8_t *s, size_t n, uint8_t *out) {
    size_t written = 0;
    for (size_t i = 0; i < n;) {
        if (s[i] < 0x80) {
            if (s[i] < 0x21 || s[i] == 0x7F) return SIZE_MAX;
            uint8_t c = s[i++];
            out[written++] = words->lowercases && c >= 'A' && c <= 'Z' ? c + 32 : c;
            continue;
        }
        unsigned length;
        uint32_t scalar = edic_tok_decode(s, i, n, &length);
        if (length != 2 || scalar < 0xC0 || scalar >= 0x530 || (edic_tok_category(scalar) & 31) > 4) return SIZE_MAX;
        i += length;
        uint32_t parts[18] = {scalar};
        size_t count = words->strips_accents ? edic_tok_decompose(scalar, 0, parts) : 0;
        for (size_t k = 0; k < (count ? count : 1); k++) {
            uint32_t lower[3] = {parts[k]};
            if (words->strips_accents && (edic_tok_category(parts[k]) & 31) == 5) continue;
            size_t lowered = words->lowercases ? edic_tok_lowercase(parts[k], lower) : 0;
            for (size_t l = 0; l < (lowered ? lowered : 1); l++) {
                if (lower[l] > 0xFFFF) return SIZE_MAX;
                written += put_scalar(lower[l], out + written);
            }
        }
    }
    return written;
}

// In the order of edic_tok_category.
enum { FIRST_MARK = 5, LAST_MARK = 7, OTHER_NUMBER = 10, MODIFIER_SYMBOL = 28 };

// Letters, numbers and marks that BERT's normalizer neither takes away nor makes a word of their own, and the skin tones of
// pictures.
static int stays_in_word(uint32_t scalar, unsigned category) {
    return scalar != UINT32_MAX && (category <= OTHER_NUMBER || (category == MODIFIER_SYMBOL && scalar >= 0x1F000));
}

int edic_tok_is_overlong(const edic_tok_words *words, const uint8_t *s, size_t n) {
    size_t least = 0;                       // characters that are left whatever becomes of marks
    for (size_t i = 0; i < n;) {
        if ((uint8_t)((s[i] | 0x20) - 'a') < 26 || (uint8_t)(s[i] - '0') < 10) {
            least++;
            i++;
            continue;
        }
        unsigned length;
        uint32_t scalar = edic_tok_decode(s, i, n, &length);
        unsigned category = scalar == UINT32_MAX ? 0 : edic_tok_category(scalar) & 31;
        if (words->normalizes && !stays_in_word(scalar, category)) return 0;
        least += !words->normalizes || category < FIRST_MARK || category > LAST_MARK;
        i += length;
    }
    return least > words->longest;
}

static size_t pieces_word(const edic_tok_words *words, const uint8_t *word, size_t length, uint32_t *ids) {
    uint8_t normal[EDIC_TOK_LONGEST_WORD * 9];
    if (words->normalizes) {
        length = bert_word(words, word, length, normal);
        if (length == SIZE_MAX) return SIZE_MAX;
        word = normal;
    }
    if (length == 0) return 0;
    size_t characters = 0;
    for (size_t i = 0; i < length; i++) characters += (word[i] & 0xC0) != 0x80;
    size_t count = 0;
    if (characters <= words->longest && length <= EDIC_TOK_WORD_ROOM) {
        count = edic_tok_wordpiece(words->starting, words->continuing, word, length, ids, NULL);
    }
    if (count > 0) return count;
    ids[0] = words->unknown_id;
    return 1;
}

// A word by itself that no other way of normalizing would change.
static size_t plain_word(const edic_tok_words *words, const uint8_t *word, size_t length, uint32_t *ids) {
    uint8_t doubt;
    if (!edic_tok_sentence_is_plain(words->sentence, word, length)) return SIZE_MAX;
    size_t count = edic_tok_sentence_encode(words->sentence, word, length, words->prefixes, 0, ids, EDIC_TOK_WORD_ROOM, &doubt);
    return count == SIZE_MAX ? SIZE_MAX : edic_tok_settle_unknown(words, ids, count);
}

size_t edic_tok_settle_unknown(const edic_tok_words *words, uint32_t *ids, size_t count) {
    if (words->fuses_unknown) return edic_tok_fuse(ids, count, words->unknown_id);
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == words->unknown_id) return SIZE_MAX;
    }
    return count;
}

size_t edic_tok_encode_word_after(const edic_tok_words *words, const uint8_t *word, size_t length, double before,
                                  uint32_t *ids, uint8_t *doubt) {
    *doubt = 0;
    switch (words->kind) {
    case edic_tok_words_bytes: return bytes_word(words, word, length, ids);
    case edic_tok_words_pieces: return pieces_word(words, word, length, ids);
    case edic_tok_words_sentence:
        if (words->plain_only) return plain_word(words, word, length, ids);
        return edic_tok_sentence_encode(words->sentence, word, length, words->prefixes, before, ids, EDIC_TOK_WORD_ROOM, doubt);
    case edic_tok_words_elsewhere: break;
    }
    return SIZE_MAX;
}

size_t edic_tok_encode_word(const edic_tok_words *words, const uint8_t *word, size_t length, uint32_t *ids) {
    uint8_t doubt;
    return length > EDIC_TOK_LONGEST_WORD ? SIZE_MAX : edic_tok_encode_word_after(words, word, length, 0, ids, &doubt);
}
