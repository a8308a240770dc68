#include "CEDICLanguageID.h"

// The model is a file of its own, model.bin beside this one, that the compiler takes in as it is.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
static const uint8_t model[] = {
#embed "model.bin"
};
#pragma clang diagnostic pop

const void *edic_language_model(size_t *count) {
    *count = sizeof model;
    return model;
}
