/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[2048];

int error_set(int code, const char *format, ...)
{
    char text[sizeof(message)]; /* the arguments may hold the earlier message */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    memcpy(message, text, sizeof(message));
    return -code;
}

const char *error_message(void)
{
    return message;
}

const char *error_name(int code)
{
    switch ((enum error) - code) {
    case ERROR_USAGE:
        return "usage";
    case ERROR_NO_DATABASE:
        return "no such database";
    case ERROR_LOCKED:
        return "locked by another writer";
    case ERROR_NOT_A_DATABASE:
        return "not an nslapse database, or damaged";
    case ERROR_NO_SNAPSHOT:
        return "no such snapshot";
    case ERROR_SYNTAX:
        return "malformed";
    case ERROR_FIRST:
        break;
    }
    return strerror(-code);
}

int error_memory(void)
{
    return error_set(ENOMEM, "out of memory");
}
