/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of cgroups, whose names whoever may make cgroups chooses. */
#include "base/text.h"
#include "recorder/cgroup_names.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct cgroup_name names[CGROUP_NAMES_MOST];
    struct span path = {(const char *)bytes, length};
    size_t count = cgroup_names_parse(path, names);
    fuzz_check(count <= CGROUP_NAMES_MOST);
    for (size_t i = 0; i < count; i++) {
        _cleanup_buffer_ struct buffer key = {0}, inner = {0};
        fuzz_check(names[i].engine && names[i].id.length);
        fuzz_check(fuzz_lies_in(names[i].id.bytes, names[i].id.length, bytes, length));
        fuzz_check(names[i].end <= length && (!i || names[i - 1].end < names[i].end));
        fuzz_check(names[i].end == length || bytes[names[i].end] == '/');
        /* A key is text, and the chain makes the same one at once or step by step. */
        cgroup_names_append_key(&key, NULL, names, i + 1);
        if (i) {
            _cleanup_buffer_ struct buffer outer = {0};
            cgroup_names_append_key(&outer, NULL, names, i);
            cgroup_names_append_key(&inner, buffer_text(&outer), &names[i], 1);
            fuzz_check(strcmp(buffer_text(&key), buffer_text(&inner)) == 0);
        }
        for (size_t at = 0; at < key.length;) {
            size_t character = text_utf8_sequence(key.bytes + at, key.length - at, NULL);
            fuzz_check(character);
            at += character;
        }
    }
    return 0;
}
