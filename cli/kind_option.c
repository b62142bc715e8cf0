/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/kind_option.h"

#include "base/buffer.h"
#include "base/error.h"
#include "cli/suggestion.h"

int kind_option_parse(const char *word, enum kind *ret_kind)
{
    enum kind kind = kind_by_name(word);
    if (kind != KIND_COUNT) {
        *ret_kind = kind;
        return 0;
    }
    struct suggestion suggestion = {.word = word};
    _cleanup_buffer_ struct buffer names = {0};
    for (kind = 0; kind < KIND_COUNT; kind++) {
        suggestion_consider(&suggestion, kinds[kind].plural);
        buffer_append_format(&names, "%s%s", kind ? ", " : "", kinds[kind].plural);
    }
    return error_set(ERROR_USAGE, "there is no kind '%s'; there are: %s" SUGGESTION_FORMAT, word,
                     buffer_text(&names), SUGGESTION_ARGUMENTS(suggestion));
}

void kind_option_help(FILE *out)
{
    fputs("\nKIND is one of:", out);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        fprintf(out, " %s", kinds[kind].plural);
    fputc('\n', out);
}

int kind_option_mask(const struct option_list *words, unsigned otherwise, unsigned *ret_mask)
{
    unsigned mask = 0;
    for (size_t i = 0; i < words->count; i++) {
        enum kind kind;
        int r = kind_option_parse(words->words[i], &kind);
        if (r < 0)
            return r;
        mask |= 1u << kind;
    }
    *ret_mask = mask ? mask : otherwise;
    return 0;
}
