# SPDX-License-Identifier: Apache-2.0
# Everything from outside, found by pkg-config; a missing one is named with the packages that bring it.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# need(TARGET MODULE VERSION DEBIAN FEDORA): the imported target PkgConfig::TARGET
function(need target module version debian fedora)
    pkg_check_modules(${target} IMPORTED_TARGET GLOBAL ${module}>=${version})
    if(NOT ${target}_FOUND)
        message(FATAL_ERROR
            "nslapse needs ${module} ${version} or newer, and pkg-config does not find it.\n"
            "Debian, Ubuntu: apt-get install ${debian}\n"
            "Fedora: dnf install ${fedora}\n"
            "tools/quickstart installs everything that is missing.")
    endif()
endfunction()

need(SQLITE sqlite3 3.37 libsqlite3-dev sqlite-devel)
need(MOUNT mount 2.33 libmount-dev libmount-devel)
need(SMARTCOLS smartcols 2.33 libsmartcols-dev libsmartcols-devel)
need(ZSTD libzstd 1.4 libzstd-dev libzstd-devel)
need(CJSON libcjson 1.7 libcjson-dev cjson-devel)
need(SODIUM libsodium 1.0.18 libsodium-dev libsodium-devel)
need(CAP libcap 2.25 libcap-dev libcap-devel)
need(CURL libcurl 7.66 libcurl4-openssl-dev libcurl-devel)
need(PROTOBUF_C libprotobuf-c 1.3 libprotobuf-c-dev protobuf-c-devel)
if(NSLAPSE_TESTS)
    need(CMOCKA cmocka 1.1 libcmocka-dev libcmocka-devel)
    need(SECCOMP libseccomp 2.4 libseccomp-dev libseccomp-devel)
endif()

find_path(UTHASH_INCLUDE_DIR uthash.h)
if(NOT UTHASH_INCLUDE_DIR)
    message(FATAL_ERROR
        "nslapse needs uthash.h.\n"
        "Debian, Ubuntu: apt-get install uthash-dev\n"
        "Fedora: dnf install uthash-devel")
endif()

find_program(PROTOC_C protoc-c)
if(NOT PROTOC_C)
    message(FATAL_ERROR
        "nslapse needs protoc-c.\n"
        "Debian, Ubuntu: apt-get install protobuf-c-compiler\n"
        "Fedora: dnf install protobuf-c-compiler")
endif()
