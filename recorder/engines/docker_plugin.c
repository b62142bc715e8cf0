/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/docker_plugin.h"

#include "base/error.h"
#include "recorder/engines/inspected.h"

#include <string.h>

static const char of_plugins[] = "plugins.moby";

/* What Docker keeps of it is beside its root: DATA-ROOT/plugins/ID/{config.json,rootfs}. */
static int read_config(struct engine_reading *reading, const cJSON *spec, cJSON **ret_config)
{
    static const char root[] = "/rootfs";
    _cleanup_buffer_ struct buffer path = {0}, text = {0};
    const char *of_spec = json_get_string(json_get(spec, "root"), "path");
    size_t length = of_spec ? strlen(of_spec) : 0;
    if (length <= strlen(root) || strcmp(of_spec + length - strlen(root), root) != 0)
        return -ENOENT;
    buffer_append(&path, of_spec, length - strlen(root));
    buffer_append_text(&path, "/config.json");
    return path.failed ? error_memory() : engine_read_json(reading, path.bytes, &text, ret_config);
}

static int report(struct engine_reading *reading, const char *id, int code)
{
    _cleanup_buffer_ struct buffer whole = {0};
    buffer_append_format(&whole, "%s/%s", of_plugins, id);
    int r = buffer_error(&whole);
    return r < 0 ? r
                 : engine_gap(reading, buffer_text(&whole), code,
                              "cannot read which plugin of Docker it is");
}

int docker_plugin_set(struct engine_reading *reading, const char *namespace, const char *id,
                      const cJSON *spec)
{
    _cleanup_json_ cJSON *config = NULL;
    if (strcmp(namespace, of_plugins) != 0)
        return 0;
    int r = read_config(reading, spec, &config);
    const cJSON *plugin = json_get(config, "plugin");
    const char *name = json_get_string(plugin, "Name");
    if (name)
        engine_set_text(reading, CONTAINER_NAME, name);
    engine_set_string(reading, CONTAINER_IMAGE, json_get(plugin, "PluginReference"));
    engine_add_group(reading, "docker-plugin", name ? name : id);
    return r >= 0 || r == -ENOENT ? 0 : r == -ENOMEM ? r : report(reading, id, -r);
}
