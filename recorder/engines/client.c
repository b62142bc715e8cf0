/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/client.h"

#include "base/clock.h"
#include "base/error.h"
#include "recorder/engines/curl.h"
#include "recorder/engines/grpc.h"

#include <inttypes.h>
#include <strings.h>

enum { NSEC_PER_MSEC = 1000 * 1000, ENGINE_WORDS_MOST = 256 };

/* What is being received. */
struct answer {
    struct buffer *body;
    size_t body_most, header_bytes;
    bool has_status; /* grpc-status */
    uint64_t status;
    char words[ENGINE_WORDS_MOST]; /* grpc-message, as much of it as fits */
    int code;                      /* why no more of it is taken, negative errno; or 0 */
};

struct engine_client {
    const struct curl_library *curl;
    CURL *handle;
    char socket_path[ENGINE_CLIENT_SOCKET_PATH_MOST + 1];
    const char *name; /* in messages */
    struct engine_client_limits limits;
    int64_t deadline; /* of CLOCK_MONOTONIC, nanoseconds; 0 before the first request */
    struct answer answer;
    CURLcode refused; /* what libcurl said to an option of the request */
};

#define set(client, option, value)                                                                 \
    ((client)->refused |= (client)->curl->easy_setopt((client)->handle, option, value))

/* ---- opening and closing ---- */

int engine_client_open(const char *socket_path, const struct engine_client_limits *limits,
                       struct engine_client **ret_client)
{
    const struct engine_client_limits usual = {ENGINE_CLIENT_MILLISECONDS,
                                               ENGINE_CLIENT_ANSWER_MOST};
    const struct curl_library *curl;
    if (strlen(socket_path) > ENGINE_CLIENT_SOCKET_PATH_MOST)
        return error_set(ENAMETOOLONG, "cannot connect to %s: the path is too long for a socket",
                         socket_path);
    int r = curl_library(&curl);
    if (r < 0)
        return r;
    _cleanup_engine_client_ struct engine_client *client = calloc(1, sizeof(*client));
    if (!client)
        return error_memory();
    client->curl = curl;
    client->handle = curl->easy_init();
    if (!client->handle)
        return error_memory();
    strcpy(client->socket_path, socket_path);
    client->name = client->socket_path;
    client->limits = limits ? *limits : usual;
    if (!client->limits.milliseconds)
        client->limits.milliseconds = usual.milliseconds;
    if (!client->limits.answer_bytes)
        client->limits.answer_bytes = usual.answer_bytes;
    *ret_client = steal_pointer(client);
    return 0;
}

void engine_client_set_name(struct engine_client *client, const char *name)
{
    client->name = name;
}

void engine_client_close(struct engine_client *client)
{
    if (!client)
        return;
    if (client->handle)
        client->curl->easy_cleanup(client->handle);
    free(client);
}

uint32_t engine_client_milliseconds_left(const struct engine_client *client)
{
    if (!client->deadline)
        return client->limits.milliseconds;
    int64_t left = client->deadline - clock_now(CLOCK_MONOTONIC);
    return left < NSEC_PER_MSEC ? 0 : (uint32_t)(left / NSEC_PER_MSEC);
}

static void start_clock(struct engine_client *client)
{
    if (!client->deadline)
        client->deadline =
            clock_now(CLOCK_MONOTONIC) + client->limits.milliseconds * (int64_t)NSEC_PER_MSEC;
}

/* ---- receiving, called by libcurl ---- */

/* libcurl gives up when less was taken than it gave. */
static size_t give_up(struct answer *answer, int code)
{
    answer->code = code;
    return 0;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *userdata)
{
    struct answer *answer = userdata;
    size_t length = size * count;
    if (length > answer->body_most - answer->body->length)
        return give_up(answer, -EFBIG);
    buffer_append(answer->body, bytes, length);
    return answer->body->failed ? give_up(answer, -ENOMEM) : length;
}

static bool is_visible(char c)
{
    return c >= ' ' && c <= '~';
}

static bool header_is(struct span name, const char *wanted)
{
    return name.length == strlen(wanted) && strncasecmp(name.bytes, wanted, name.length) == 0;
}

/* The engine's words are ASCII, percent-encoded; but it may have put anything there. */
static void take_words(struct answer *answer, struct span value)
{
    size_t length = 0;
    for (; length < value.length && length < sizeof(answer->words) - 1; length++) {
        char c = value.bytes[length];
        answer->words[length] = is_visible(c) ? c : '?';
    }
    answer->words[length] = '\0';
}

/* One line of the header, or of the trailer, where gRPC's status stands unless there is no body. */
static size_t take_header(char *bytes, size_t size, size_t count, void *userdata)
{
    struct answer *answer = userdata;
    struct span rest = {bytes, size * count}, name, value;
    answer->header_bytes += rest.length;
    if (answer->header_bytes > ENGINE_CLIENT_HEADER_MOST)
        return give_up(answer, -EFBIG);
    if (!span_take(&rest, ':', &name) || !span_take(&rest, '\r', &value))
        return size * count;
    value = span_trim(value);
    if (header_is(name, "grpc-status"))
        answer->has_status = span_unsigned(value, 10, &answer->status);
    else if (header_is(name, "grpc-message"))
        take_words(answer, value);
    return size * count;
}

/* ---- asking ---- */

static int explain(const struct engine_client *client, const char *what, int code, const char *why)
{
    return error_set(code, "cannot ask %s for %s: %s", client->name, what, why);
}

static int explain_refusal(const struct engine_client *client, const char *what)
{
    return explain(client, what, client->refused == CURLE_OUT_OF_MEMORY ? ENOMEM : ENOSYS,
                   client->curl->easy_strerror(client->refused));
}

/* What a request was not answered for. */
static int code_of_failure(const struct engine_client *client, CURLcode failure)
{
    long number = 0;
    client->curl->easy_getinfo(client->handle, CURLINFO_OS_ERRNO, &number);
    switch (failure) {
    case CURLE_OPERATION_TIMEDOUT:
        return ETIMEDOUT;
    case CURLE_COULDNT_CONNECT:
        return number ? (int)number : ECONNREFUSED;
    case CURLE_RECV_ERROR: /* also what it says to chunks that are none */
        return number ? ECONNRESET : EPROTO;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
        return ECONNRESET;
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_OUT_OF_MEMORY: /* also what it says to a header line of more than 100 kB */
        return EFBIG;
    default:
        return EPROTO;
    }
}

static int explain_failure(const struct engine_client *client, const char *what, CURLcode failure)
{
    const struct answer *answer = &client->answer;
    if (answer->code == -EFBIG)
        return explain(client, what, EFBIG, "its answer is too long");
    if (answer->code < 0)
        return error_memory();
    return explain(client, what, code_of_failure(client, failure),
                   client->curl->easy_strerror(failure));
}

int engine_http_code(long status)
{
    switch (status) {
    case 400:
        return EINVAL;
    case 401:
    case 403:
        return EACCES;
    case 404:
        return ENOENT;
    case 405:
    case 501:
        return EOPNOTSUPP;
    case 409:
    case 503:
        return EBUSY;
    default:
        return status >= 400 && status < 600 ? EREMOTEIO : EPROTO;
    }
}

/* The media type (RFC 9110, 8.3.1) is `wanted`, whatever its parameters and suffix. */
static bool has_type(const struct engine_client *client, const char *wanted)
{
    const char *type = NULL;
    size_t length = strlen(wanted);
    client->curl->easy_getinfo(client->handle, CURLINFO_CONTENT_TYPE, &type);
    return type && strncasecmp(type, wanted, length) == 0 && strchr(" ;+", type[length]);
}

static int check_header(const struct engine_client *client, const char *what, const char *type)
{
    long status = 0;
    client->curl->easy_getinfo(client->handle, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return error_set(engine_http_code(status),
                         "cannot ask %s for %s: it answers with status %ld", client->name, what,
                         status);
    if (!has_type(client, type))
        return explain(client, what, EPROTO, "its answer has another type of content");
    return 0;
}

/* Characters that need no escape in a path with a query, RFC 3986. */
static bool is_path(const char *path)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~!$&'()*+,;=:@/?%";
    return path[0] == '/' && !path[strspn(path, plain)];
}

/* The options of every request. libcurl takes no other protocol than the one in the URL, since it
 * follows no redirect, and no proxy, whatever the environment says. */
static int prepare(struct engine_client *client, const char *path, struct buffer *body)
{
    _cleanup_buffer_ struct buffer url = {0};
    if (!is_path(path))
        return explain(client, "a path", EINVAL, "it has characters that no path may have");
    buffer_append_format(&url, "http://localhost%s", path);
    if (url.failed)
        return error_memory();
    buffer_clear(body);
    client->answer = (struct answer){.body = body, .body_most = client->limits.answer_bytes};
    client->refused = CURLE_OK;
    client->curl->easy_reset(client->handle);
    set(client, CURLOPT_URL, url.bytes);
    set(client, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
    set(client, CURLOPT_PATH_AS_IS, 1L);
    set(client, CURLOPT_PROXY, "");
    set(client, CURLOPT_NOSIGNAL, 1L);
    set(client, CURLOPT_HTTP09_ALLOWED, 0L);
    set(client, CURLOPT_USERAGENT, "nslapse/" NSLAPSE_VERSION);
    set(client, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)client->limits.answer_bytes);
    set(client, CURLOPT_WRITEFUNCTION, take_body);
    set(client, CURLOPT_WRITEDATA, &client->answer);
    set(client, CURLOPT_HEADERFUNCTION, take_header);
    set(client, CURLOPT_HEADERDATA, &client->answer);
    return 0;
}

/* With the header lines, in what remains of the client's time. */
static int perform(struct engine_client *client, const char *what, const struct curl_slist *lines)
{
    start_clock(client);
    uint32_t left = engine_client_milliseconds_left(client);
    if (!left)
        return explain(client, what, ETIMEDOUT, "the time for its answers is over");
    set(client, CURLOPT_TIMEOUT_MS, (long)left);
    set(client, CURLOPT_HTTPHEADER, lines);
    if (client->refused)
        return explain_refusal(client, what);
    CURLcode failure = client->curl->easy_perform(client->handle);
    return failure ? explain_failure(client, what, failure) : 0;
}

/* Adds a line to the header; false without memory. */
static bool add_line(const struct engine_client *client, struct curl_slist **lines,
                     const char *name, const char *value)
{
    _cleanup_buffer_ struct buffer line = {0};
    buffer_append_format(&line, "%s: %s", name, value);
    struct curl_slist *longer =
        line.failed ? NULL : client->curl->slist_append(*lines, buffer_text(&line));
    if (longer)
        *lines = longer;
    return longer;
}

/* ---- HTTP/1.1 ---- */

static int get(struct engine_client *client, const char *path, struct buffer *body)
{
    struct curl_slist *lines = NULL;
    int r = prepare(client, path, body);
    if (r < 0)
        return r;
    set(client, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    r = add_line(client, &lines, "Accept", "application/json") ? perform(client, path, lines)
                                                               : error_memory();
    client->curl->slist_free_all(lines);
    return r < 0 ? r : check_header(client, path, "application/json");
}

int engine_client_get(struct engine_client *client, const char *path, struct buffer *body)
{
    int r = get(client, path, body);
    if (r < 0)
        buffer_clear(body);
    return r;
}

/* ---- gRPC ---- */

/* RFC 9113 allows more, gRPC's ASCII-Value doesn't. */
static bool is_metadata(const char *value)
{
    size_t length = 0;
    while (is_visible(value[length]))
        length++;
    return length && !value[length];
}

/* The engine is told how long we wait, so that it doesn't go on for nobody. */
static bool add_call_lines(struct engine_client *client, const struct engine_metadata *metadata,
                           struct curl_slist **lines)
{
    char timeout[16];
    start_clock(client);
    snprintf(timeout, sizeof(timeout), "%" PRIu32 "m", engine_client_milliseconds_left(client));
    return add_line(client, lines, "content-type", "application/grpc") &&
           add_line(client, lines, "te", "trailers") &&
           add_line(client, lines, "grpc-timeout", timeout) &&
           (!metadata || add_line(client, lines, metadata->name, metadata->value));
}

/* Each call has a connection of its own: before 8.0, libcurl fails at the second one on a
 * connection of HTTP/2 with prior knowledge (curl's issue 10634). */
static int post(struct engine_client *client, const char *method,
                const struct engine_metadata *metadata, const struct buffer *request)
{
    struct curl_slist *lines = NULL;
    set(client, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    set(client, CURLOPT_FORBID_REUSE, 1L);
    set(client, CURLOPT_POSTFIELDS, request->bytes);
    set(client, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->length);
    int r =
        add_call_lines(client, metadata, &lines) ? perform(client, method, lines) : error_memory();
    client->curl->slist_free_all(lines);
    return r < 0 ? r : check_header(client, method, "application/grpc");
}

static int check_status(const struct engine_client *client, const char *method)
{
    const struct answer *answer = &client->answer;
    if (!answer->has_status)
        return explain(client, method, EPROTO, "its answer has no status");
    if (answer->status)
        return error_set(grpc_code(answer->status),
                         "cannot ask %s for %s: it answers with status %" PRIu64 " (%s)",
                         client->name, method, answer->status, answer->words);
    return 0;
}

/* Leaves the message alone of what `response` holds. */
static int unwrap(const struct engine_client *client, const char *method, struct buffer *response)
{
    struct span message;
    if (grpc_find_message((struct span){buffer_text(response), response->length}, &message) < 0)
        return explain(client, method, EPROTO, "its answer isn't one whole message");
    memmove(response->bytes, message.bytes, message.length);
    response->length = message.length;
    response->bytes[message.length] = '\0';
    return 0;
}

static int call(struct engine_client *client, const char *method,
                const struct engine_metadata *metadata, const void *request, size_t length,
                struct buffer *response)
{
    _cleanup_buffer_ struct buffer prefixed = {0};
    if (metadata && !is_metadata(metadata->value))
        return explain(client, method, EINVAL, "its metadata has characters that it may not have");
    if (grpc_append_message(&prefixed, request, length) < 0)
        return explain(client, method, EFBIG, "the request is too long");
    int r = prefixed.failed ? error_memory() : prepare(client, method, response);
    if (r < 0 || (r = post(client, method, metadata, &prefixed)) < 0 ||
        (r = check_status(client, method)) < 0)
        return r;
    return unwrap(client, method, response);
}

int engine_client_call(struct engine_client *client, const char *method,
                       const struct engine_metadata *metadata, const void *request, size_t length,
                       struct buffer *response)
{
    int r = call(client, method, metadata, request, length, response);
    if (r < 0)
        buffer_clear(response);
    return r;
}
