# SPDX-License-Identifier: Apache-2.0
# What every target is compiled with, and a function that makes a folder's library.

add_compile_definitions(_GNU_SOURCE NSLAPSE_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wformat=2 -Wundef -fno-common -fstack-protector-strong)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # With optimisation gcc guesses, not knowing that what error_set() returns is negative. clang is exact.
    add_compile_options(-Wno-maybe-uninitialized)
endif()
if(NSLAPSE_WERROR)
    add_compile_options(-Werror)
endif()
if(NSLAPSE_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=address,undefined)
endif()
if(NSLAPSE_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# room(NAME SOURCES.. LINKS targets..): the static library nslapse_NAME of one folder. It sees only what
# it links, so that the linker holds folders to who may use whom.
function(room name)
    cmake_parse_arguments(ROOM "" "" "SOURCES;LINKS" ${ARGN})
    add_library(nslapse_${name} STATIC ${ROOM_SOURCES})
    target_include_directories(nslapse_${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_include_directories(nslapse_${name} SYSTEM PUBLIC ${UTHASH_INCLUDE_DIR})
    target_link_libraries(nslapse_${name} PUBLIC ${ROOM_LINKS})
endfunction()
