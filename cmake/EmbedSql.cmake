# SPDX-License-Identifier: Apache-2.0
# cmake -DOUTPUT=FILE -DFILES=a.sql;b.sql -P EmbedSql.cmake: the files as the table schema_migrations[].

set(TEXT "/* Generated from schema/sql/. */\n#include \"schema/migrations.h\"\n\n")
set(ROWS "")
list(SORT FILES)
foreach(FILE ${FILES})
    get_filename_component(NAME ${FILE} NAME_WE)
    string(REPLACE "-" "_" NAME ${NAME})
    file(READ ${FILE} HEX HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," BYTES "${HEX}")
    string(APPEND TEXT "static const char sql_${NAME}[] = {${BYTES}0};\n")
    string(APPEND ROWS "    sql_${NAME},\n")
endforeach()
string(APPEND TEXT "\nconst char *const schema_migrations[] = {\n${ROWS}    0,\n};\n")
file(WRITE ${OUTPUT} "${TEXT}")
