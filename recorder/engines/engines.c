/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/engine.h"

const struct engine *const engines[] = {
    &engine_docker,
    &engine_crio,
    &engine_podman,
    &engine_containerd,
    &engine_incus,
    &engine_lxd,
    &engine_lxc,
    &engine_nspawn,
    &engine_apptainer,
    &engine_flatpak,
    &engine_snap,
    /* who runs containers, but manages nobody's */
    &engine_runc,
    &engine_crun,
    NULL,
};
