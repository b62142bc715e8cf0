/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/nspawn_config.h"

#include "base/error.h"
#include "recorder/engines/settings.h"

enum { FILE_MOST = 1 << 20 };

int nspawn_config_open(struct nspawn_config *config)
{
    *config = (struct nspawn_config){.document = cJSON_CreateObject(),
                                     .mounts = cJSON_CreateArray(),
                                     .capabilities = cJSON_CreateArray(),
                                     .security = cJSON_CreateArray()};
    config->environment = cJSON_AddArrayToObject(config->document, "environment");
    return config->environment && config->mounts && config->capabilities && config->security
               ? 0
               : error_memory();
}

void nspawn_config_close(struct nspawn_config *config)
{
    cJSON *owned[] = {config->document, config->command, config->mounts, config->capabilities,
                      config->security};
    for (size_t i = 0; i < sizeof(owned) / sizeof(*owned); i++)
        cJSON_Delete(owned[i]);
}

/* ---- what an option, or a setting, says ---- */

static bool is_true(struct span value)
{
    static const char *const words[] = {"1", "yes", "y", "true", "t", "on"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (span_is(value, words[i]))
            return true;
    return false;
}

static void take_network(struct nspawn_config *config, struct span value)
{
    (void)value;
    config->private_network = true;
}

static void take_private_network(struct nspawn_config *config, struct span value)
{
    config->private_network |= !value.bytes || is_true(value);
}

static void take_variable(struct nspawn_config *config, struct span value)
{
    cJSON_AddItemToArray(config->environment, json_of_span(value));
}

static void take_capabilities(struct nspawn_config *config, struct span value)
{
    struct span word, name;
    while (span_take_word(&value, &word))
        while (span_take(&word, ',', &name))
            cJSON_AddItemToArray(config->capabilities, span_is(name, "all")
                                                           ? cJSON_CreateString("ALL")
                                                           : json_of_span(name));
}

/* The path before the next ':', which may be in it with a '\' before it. NULL for none. */
static cJSON *take_path(struct span *rest)
{
    _cleanup_buffer_ struct buffer path = {0};
    size_t i = 0;
    for (; i < rest->length && rest->bytes[i] != ':'; i++) {
        i += rest->bytes[i] == '\\' && i + 1 < rest->length;
        buffer_append_char(&path, rest->bytes[i]);
    }
    i += i < rest->length;
    *rest = (struct span){rest->bytes + i, rest->length - i};
    return path.length ? json_of_span((struct span){path.bytes, path.length}) : NULL;
}

/* SOURCE[:TARGET[:OPTION,..]] */
static void add_bind(struct nspawn_config *config, struct span value, bool read_only)
{
    cJSON *source = take_path(&value), *target = take_path(&value), *mount = cJSON_CreateObject();
    cJSON_AddStringToObject(mount, "type", "bind");
    cJSON_AddItemToObject(mount, "target", target ? target : cJSON_Duplicate(source, true));
    cJSON_AddItemToObject(mount, "source", source);
    cJSON_AddBoolToObject(mount, "read_only", read_only);
    cJSON_AddItemToArray(config->mounts, mount);
}

static void take_bind(struct nspawn_config *config, struct span value)
{
    add_bind(config, value, false);
}

static void take_read_only_bind(struct nspawn_config *config, struct span value)
{
    add_bind(config, value, true);
}

/* As Docker writes them. */
static void add_security(struct nspawn_config *config, const char *option, struct span value)
{
    _cleanup_buffer_ struct buffer text = {0};
    buffer_append_format(&text, "%s=", option);
    buffer_append(&text, value.bytes, value.length);
    cJSON_AddItemToArray(config->security, json_of_span((struct span){text.bytes, text.length}));
}

static void take_system_calls(struct nspawn_config *config, struct span value)
{
    add_security(config, "seccomp", value);
}

static void take_label(struct nspawn_config *config, struct span value)
{
    add_security(config, "label", value);
}

static void take_no_new_privileges(struct nspawn_config *config, struct span value)
{
    add_security(config, "no-new-privileges", value);
}

/* Words in quotes are not put together: the document has the line as it is. */
static void take_parameters(struct nspawn_config *config, struct span value)
{
    struct span word;
    cJSON_Delete(config->command);
    config->command = cJSON_CreateArray();
    while (span_take_word(&value, &word))
        cJSON_AddItemToArray(config->command, json_of_span(word));
}

static void take_nothing(struct nspawn_config *config, struct span value)
{
    (void)config;
    (void)value;
}

static void take_ephemeral(struct nspawn_config *config, struct span value)
{
    config->ephemeral |= !value.bytes || is_true(value);
}

static const struct knob {
    const char *option;
    char letter;             /* '\0' where there is none */
    bool alone;              /* the option has no value, or only behind a '=' */
    const char *section_key; /* of the setting, NULL for none */
    void (*take)(struct nspawn_config *config, struct span value);
} knobs[] = {
    {"setenv", 'E', false, "Exec.Environment", take_variable},
    {"capability", '\0', false, "Exec.Capability", take_capabilities},
    {"system-call-filter", '\0', false, "Exec.SystemCallFilter", take_system_calls},
    {"no-new-privileges", '\0', false, "Exec.NoNewPrivileges", take_no_new_privileges},
    {"selinux-context", 'Z', false, NULL, take_label},
    {"bind", '\0', false, "Files.Bind", take_bind},
    {"bind-ro", '\0', false, "Files.BindReadOnly", take_read_only_bind},
    {"private-network", '\0', true, "Network.Private", take_private_network},
    {"network-veth", 'n', true, "Network.VirtualEthernet", take_private_network},
    {"network-veth-extra", '\0', false, "Network.VirtualEthernetExtra", take_network},
    {"network-interface", '\0', false, "Network.Interface", take_network},
    {"network-macvlan", '\0', false, "Network.MACVLAN", take_network},
    {"network-ipvlan", '\0', false, "Network.IPVLAN", take_network},
    {"network-bridge", '\0', false, "Network.Bridge", take_network},
    {"network-zone", '\0', false, "Network.Zone", take_network},
    {"network-namespace-path", '\0', false, "Network.NamespacePath", take_network},
    {"", '\0', true, "Exec.Parameters", take_parameters},
    /* These decide nothing here; but where an option has no value, the next word is none. */
    {"help", 'h', true, NULL, take_nothing},
    {"version", '\0', true, NULL, take_nothing},
    {"quiet", 'q', true, NULL, take_nothing},
    {"no-pager", '\0', true, NULL, take_nothing},
    {"ephemeral", 'x', true, "Exec.Ephemeral", take_ephemeral},
    {"read-only", '\0', true, NULL, take_nothing},
    {"volatile", '\0', true, NULL, take_nothing},
    {"as-pid2", 'a', true, NULL, take_nothing},
    {"boot", 'b', true, NULL, take_nothing},
    {"keep-unit", '\0', true, NULL, take_nothing},
    {"private-users", '\0', true, NULL, take_nothing},
    {"private-users-chown", '\0', true, NULL, take_nothing},
    {"", 'U', true, NULL, take_nothing},
    {"share-system", '\0', true, NULL, take_nothing},
    {"pipe", 'P', true, NULL, take_nothing},
    {"", 'j', true, NULL, take_nothing},
};
enum { KNOBS = sizeof(knobs) / sizeof(*knobs) };

/* ---- arguments ---- */

static const struct knob *find_option(struct span name, char letter)
{
    for (size_t i = 0; i < KNOBS; i++)
        if (letter ? knobs[i].letter == letter : name.length && span_is(name, knobs[i].option))
            return &knobs[i];
    return NULL;
}

/* An option and what it is given: `value` is NULL for one that stands alone. */
static void take_option(struct nspawn_config *config, struct span name, char letter,
                        const char *value)
{
    const struct knob *knob = find_option(name, letter);
    if (knob && !value && !knob->alone) /* it is the last word */
        value = "";
    if (knob)
        knob->take(config, (struct span){value, value ? strlen(value) : 0});
    else if (letter == 'M' || (!letter && span_is(name, "machine")))
        config->machine = value;
    else if (letter == 'D' || (!letter && span_is(name, "directory")))
        config->directory = value;
    else if (letter == 'i' || (!letter && span_is(name, "image")))
        config->image = value;
    else if (!letter && span_is(name, "settings"))
        config->settings = value;
}

static bool is_alone(struct span name, char letter)
{
    const struct knob *knob = find_option(name, letter);
    return knob && knob->alone;
}

/* "--name=value", or "--name value". Returns how many words it has. */
static size_t take_long_option(struct nspawn_config *config, const char *const *word)
{
    const char *name = *word + strlen("--"), *equals = strchr(name, '=');
    struct span named = {name, equals ? (size_t)(equals - name) : strlen(name)};
    bool with_next = !equals && !is_alone(named, '\0') && word[1];
    take_option(config, named, '\0', equals ? equals + 1 : with_next ? word[1] : NULL);
    return with_next ? 2 : 1;
}

/* "-abc", "-abD value", or "-Dvalue". */
static size_t take_short_options(struct nspawn_config *config, const char *const *word)
{
    const struct span none = {0};
    const char *letter = *word + 1;
    for (; *letter && is_alone(none, *letter); letter++)
        take_option(config, none, *letter, NULL);
    if (!*letter)
        return 1;
    bool with_next = !letter[1] && word[1];
    take_option(config, none, *letter, with_next ? word[1] : letter + 1);
    return with_next ? 2 : 1;
}

/* The options for the document, but for those whose values stand in its environment. */
static void keep_words(cJSON *list, const char *const *words, size_t count)
{
    bool variable = strncmp(words[0], "--setenv", strlen("--setenv")) == 0 ||
                    (words[0][0] == '-' && words[0][1] != '-' && strchr(words[0], 'E'));
    for (size_t i = 0; i < count && !variable; i++)
        cJSON_AddItemToArray(list, json_of_span((struct span){words[i], strlen(words[i])}));
}

void nspawn_config_take_arguments(struct nspawn_config *config, const char *const *arguments)
{
    cJSON *kept = cJSON_AddArrayToObject(config->document, "arguments");
    const char *const *word = arguments[0] ? arguments + 1 : arguments;
    config->known |= arguments[0] != NULL;
    while (*word && (*word)[0] == '-' && (*word)[1] && strcmp(*word, "--") != 0) {
        size_t count =
            (*word)[1] == '-' ? take_long_option(config, word) : take_short_options(config, word);
        keep_words(kept, word, count);
        word += count;
    }
    if (*word && strcmp(*word, "--") == 0)
        word++;
    if (!*word)
        return;
    cJSON_Delete(config->command);
    config->command = cJSON_CreateArray();
    for (; *word; word++)
        cJSON_AddItemToArray(config->command, json_of_span((struct span){*word, strlen(*word)}));
}

/* ---- settings ---- */

struct settings {
    struct nspawn_config *config;
    cJSON *lines;
};

static bool is_setting(const struct setting *setting, const char *section_key)
{
    size_t section = section_key ? strcspn(section_key, ".") : 0;
    return section_key && setting->section.length == section &&
           memcmp(setting->section.bytes, section_key, section) == 0 &&
           span_is(setting->key, section_key + section + 1);
}

static void keep_line(const struct settings *settings, const struct setting *setting)
{
    _cleanup_buffer_ struct buffer line = {0};
    buffer_append_char(&line, '[');
    buffer_append(&line, setting->section.bytes, setting->section.length);
    buffer_append_text(&line, "] ");
    buffer_append(&line, setting->key.bytes, setting->key.length);
    buffer_append_char(&line, '=');
    buffer_append(&line, setting->value.bytes, setting->value.length);
    cJSON_AddItemToArray(settings->lines, json_of_span((struct span){line.bytes, line.length}));
}

static int take_setting(void *userdata, const struct setting *setting)
{
    const struct settings *settings = userdata;
    for (size_t i = 0; i < KNOBS && setting->value.length; i++)
        if (is_setting(setting, knobs[i].section_key))
            knobs[i].take(settings->config, setting->value);
    if (!is_setting(setting, "Exec.Environment"))
        keep_line(settings, setting);
    return 0;
}

static int read_settings(struct nspawn_config *config, struct engine_reading *reading,
                         const char *path)
{
    _cleanup_buffer_ struct buffer text = {0};
    int r = engine_read_file(reading, path, FILE_MOST, &text);
    if (r < 0)
        return r;
    struct settings settings = {config, cJSON_AddArrayToObject(config->document, "settings")};
    cJSON_AddStringToObject(config->document, "file", path);
    config->known = true;
    return settings_parse(buffer_text(&text), text.length, take_setting, &settings);
}

int nspawn_config_read_settings(struct nspawn_config *config, struct engine_reading *reading,
                                const char *name)
{
    const char *folders[] = {"/etc/systemd/nspawn", "/run/systemd/nspawn",
                             engine_reading_place(reading)->folder};
    int r = -ENOENT;
    if (config->settings && !is_true((struct span){config->settings, strlen(config->settings)}) &&
        strcmp(config->settings, "override") != 0 && strcmp(config->settings, "trusted") != 0)
        return r;
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders) && r == -ENOENT; i++) {
        _cleanup_buffer_ struct buffer path = {0};
        buffer_append_format(&path, "%s/%s.nspawn", folders[i], name);
        r = path.failed ? error_memory() : read_settings(config, reading, path.bytes);
    }
    return r;
}

/* ---- what all of it says ---- */

static bool has_all(const cJSON *capabilities)
{
    const cJSON *element;
    cJSON_ArrayForEach (element, capabilities)
        if (strcmp(cJSON_GetStringValue(element), "ALL") == 0)
            return true;
    return false;
}

static void set_columns(const struct nspawn_config *config, struct engine_reading *reading)
{
    _cleanup_json_ cJSON *namespaces = cJSON_CreateArray();
    engine_set_json(reading, CONTAINER_COMMAND, config->command, NULL);
    engine_set_environment(reading, config->environment);
    engine_set_sorted(reading, CONTAINER_MOUNTS, config->mounts);
    engine_set_sorted(reading, CONTAINER_SECURITY_OPTIONS, config->security);
    engine_set_capabilities(reading, CONTAINER_ADDED_CAPABILITIES, config->capabilities);
    record_set_integer(engine_container(reading), CONTAINER_PRIVILEGED,
                       has_all(config->capabilities));
    if (!config->private_network)
        cJSON_AddItemToArray(namespaces, cJSON_CreateString("net"));
    engine_set_json(reading, CONTAINER_HOST_NAMESPACES, namespaces, NULL);
}

int nspawn_config_set(struct nspawn_config *config, struct engine_reading *reading)
{
    static const char *const environments[] = {"environment", NULL};
    if (config->known)
        set_columns(config, reading);
    _cleanup_free_ char *printed = cJSON_PrintUnformatted(config->document);
    struct buffer text = {.bytes = printed, .length = printed ? strlen(printed) : 0};
    if (!printed)
        return error_memory();
    engine_keep_document(reading, &text, config->document, environments);
    return 0;
}
