/* SPDX-License-Identifier: Apache-2.0 */
/* What a client makes of an engine's answers, and of what only looks like answers. The engine is a
 * process that plays a script of bytes, so that it can say what no library would. */
#include "base/error.h"
#include "recorder/engines/client.h"
#include "tests/unit/script.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { SHORT = 200 /* milliseconds, for what never ends */, MEGABYTE = 1 << 20 };

static const struct engine_client_limits usual = {.milliseconds = 60000, .answer_bytes = MEGABYTE};
static const struct engine_client_limits hasty = {.milliseconds = SHORT, .answer_bytes = MEGABYTE};

struct row {
    const char *what;
    struct script_step steps[8];
    const struct engine_client_limits *limits;
    int code;
};

static struct engine_client *open_client(const struct script *script,
                                         const struct engine_client_limits *limits)
{
    struct engine_client *client;
    assert_int_equal(engine_client_open(script->path, limits, &client), 0);
    return client;
}

/* Called by AddressSanitizer: of what is freed it keeps no more than this. By itself it keeps 256
   MB, which would count as had. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=8";
}

/* How much memory this process has had at most, in kilobytes. */
static long memory_had(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

typedef int (*ask_function)(struct engine_client *client, struct buffer *answer);

static int ask_get(struct engine_client *client, struct buffer *answer)
{
    return engine_client_get(client, "/info", answer);
}

static int ask_call(struct engine_client *client, struct buffer *answer)
{
    return engine_client_call(client, "/a.Service/Method", NULL, "ask", 3, answer);
}

/* An answer that is refused leaves nothing of it, and a message. */
static void check_row(const struct row *row, ask_function ask)
{
    struct script script;
    _cleanup_buffer_ struct buffer answer = {0};
    buffer_append_text(&answer, "before");
    script_start(&script, row->steps);
    struct engine_client *client = open_client(&script, row->limits);
    int code = ask(client, &answer);
    if (code != row->code)
        fail_msg("%s: %d (%s) instead of %d", row->what, code, code ? error_message() : "",
                 row->code);
    if (code < 0) {
        assert_int_equal(answer.length, 0);
        assert_non_null(strstr(error_message(), script.path));
    }
    engine_client_close(client);
    script_end(&script);
}

static void check_rows(const struct row *rows, size_t count, ask_function ask)
{
    enum { KILOBYTES_MOST = 128 << 10 };
    long before = memory_had();
    for (size_t i = 0; i < count; i++)
        check_row(&rows[i], ask);
    assert_true(memory_had() - before < KILOBYTES_MOST);
}

/* ---- HTTP/1.1 ---- */

#define OK        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define LENGTH(n) "Content-Length: " #n "\r\n\r\n"
#define CHUNKED   "Transfer-Encoding: chunked\r\n\r\n"
#define STATUS(n) "HTTP/1.1 " #n " No\r\nContent-Type: application/json\r\n" LENGTH(2) "{}"
#define HEAD      RECEIVE_HEAD
#define THOUSAND  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void documents_are_taken_whole(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"by its length", {HEAD, SEND(OK LENGTH(2) "{}")}, &usual, 0},
        {"in chunks", {HEAD, SEND(OK CHUNKED "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")}, &usual, 0},
        {"until its end", {HEAD, SEND(OK "\r\n{}")}, &usual, 0},
        {"after a continue",
         {HEAD, SEND("HTTP/1.1 100 Continue\r\n\r\n" OK LENGTH(2) "{}")},
         &usual,
         0},
        {"with a character set",
         {HEAD, SEND("HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                     "Content-Length: 2\r\n\r\n{}")},
         &usual,
         0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct script script;
        _cleanup_buffer_ struct buffer body = {0};
        script_start(&script, rows[i].steps);
        struct engine_client *client = open_client(&script, &usual);
        assert_int_equal(engine_client_get(client, "/info", &body), 0);
        assert_string_equal(body.bytes, "{}");
        engine_client_close(client);
        script_end(&script);
    }
}

static void bad_answers_are_told_apart(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"a length of 1 GB", {HEAD, SEND(OK LENGTH(1073741824) "{"), HANG}, &usual, -EFBIG},
        {"an endless body", {HEAD, SEND(OK "\r\n"), SEND_FOREVER("{")}, &usual, -EFBIG},
        {"endless chunks", {HEAD, SEND(OK CHUNKED), SEND_FOREVER("1\r\n{\r\n")}, &usual, -EFBIG},
        {"an endless header", {HEAD, SEND(OK), SEND_FOREVER("X-Y: z\r\n")}, &usual, -EFBIG},
        {"an endless line", {HEAD, SEND(OK "X-Y: "), SEND_FOREVER("z")}, &usual, -EFBIG},
        {"endless continues",
         {HEAD, SEND_FOREVER("HTTP/1.1 100 Continue\r\n\r\n")},
         &usual,
         -EFBIG},
        {"garbage", {HEAD, SEND("\1\2\3garbage\n\n\n")}, &usual, -EPROTO},
        {"endless garbage", {HEAD, SEND_FOREVER("\xff\xfe garbage")}, &usual, -EPROTO},
        {"a chunk without length", {HEAD, SEND(OK CHUNKED "what\r\n")}, &usual, -EPROTO},
        {"a chunk longer than anything",
         {HEAD, SEND(OK CHUNKED "fffffffffffffffffffff\r\n{}")},
         &usual,
         -EPROTO},
        {"another protocol", {HEAD, SEND("SSH-2.0-OpenSSH_9.2\r\n")}, &usual, -EPROTO},
        {"an upgrade", {HEAD, SEND("HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n{}")}, &usual, -EPROTO},
        {"another type of content",
         {HEAD, SEND("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" LENGTH(2) "{}")},
         &usual,
         -EPROTO},
        {"a type that only begins so",
         {HEAD, SEND("HTTP/1.1 200 OK\r\nContent-Type: application/jsonp\r\n" LENGTH(2) "{}")},
         &usual,
         -EPROTO},
        {"no type of content", {HEAD, SEND("HTTP/1.1 200 OK\r\n" LENGTH(2) "{}")}, &usual, -EPROTO},
        {"closed before", {CLOSE}, &usual, -ECONNRESET},
        {"closed without an answer", {HEAD}, &usual, -ECONNRESET},
        {"closed in the middle", {HEAD, SEND(OK LENGTH(100) "{")}, &usual, -ECONNRESET},
        {"closed between chunks", {HEAD, SEND(OK CHUNKED "1\r\n{\r\n")}, &usual, -ECONNRESET},
        {"closed in a chunk", {HEAD, SEND(OK CHUNKED "9\r\n{")}, &usual, -ECONNRESET},
    };
    check_rows(rows, sizeof(rows) / sizeof(*rows), ask_get);
}

static void statuses_have_codes(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"400", {HEAD, SEND(STATUS(400))}, &usual, -EINVAL},
        {"401", {HEAD, SEND(STATUS(401))}, &usual, -EACCES},
        {"403", {HEAD, SEND(STATUS(403))}, &usual, -EACCES},
        {"404", {HEAD, SEND(STATUS(404))}, &usual, -ENOENT},
        {"405", {HEAD, SEND(STATUS(405))}, &usual, -EOPNOTSUPP},
        {"409", {HEAD, SEND(STATUS(409))}, &usual, -EBUSY},
        {"418", {HEAD, SEND(STATUS(418))}, &usual, -EREMOTEIO},
        {"500", {HEAD, SEND(STATUS(500))}, &usual, -EREMOTEIO},
        {"501", {HEAD, SEND(STATUS(501))}, &usual, -EOPNOTSUPP},
        {"503", {HEAD, SEND(STATUS(503))}, &usual, -EBUSY},
        {"999", {HEAD, SEND(STATUS(999))}, &usual, -EPROTO},
        {"nothing", {HEAD, SEND("HTTP/1.1 204 No\r\n\r\n")}, &usual, -EPROTO},
    };
    check_rows(rows, sizeof(rows) / sizeof(*rows), ask_get);
    assert_non_null(strstr(error_message(), "status 204"));
}

static void an_engine_that_hangs_is_left(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"before", {HANG}, &hasty, -ETIMEDOUT},
        {"in the header", {HEAD, SEND(OK), HANG}, &hasty, -ETIMEDOUT},
        {"in the body", {HEAD, SEND(OK LENGTH(100) "{"), HANG}, &hasty, -ETIMEDOUT},
        {"in a chunk", {HEAD, SEND(OK CHUNKED "9\r\n{"), HANG}, &hasty, -ETIMEDOUT},
        {"now and then a byte", {HEAD, SEND(OK "\r\n"), DRIP("{")}, &hasty, -ETIMEDOUT},
    };
    check_rows(rows, sizeof(rows) / sizeof(*rows), ask_get);
}

/* Whoever answers the redirect would be asked at once: the same connection waits for it. */
static void no_redirect_is_followed(void **state)
{
    (void)state;
    const struct row row = {
        "a redirect",
        {HEAD, SEND("HTTP/1.1 301 Elsewhere\r\nLocation: http://localhost/other\r\n" LENGTH(0)),
         HEAD, SEND(OK LENGTH(2) "{}")},
        &usual,
        -EPROTO};
    check_row(&row, ask_get);
}

/* ---- requests ---- */

static void requests_share_a_connection(void **state)
{
    (void)state;
    struct script script;
    _cleanup_buffer_ struct buffer body = {0};
    script_start(&script,
                 (struct script_step[8]){HEAD, SEND(OK LENGTH(2) "[]"), HEAD, SEND(STATUS(404)),
                                         HEAD, SEND(OK LENGTH(2) "{}")});
    struct engine_client *client = open_client(&script, &usual);
    assert_int_equal(engine_client_get(client, "/a", &body), 0);
    assert_string_equal(body.bytes, "[]");
    assert_int_equal(engine_client_get(client, "/b", &body), -ENOENT);
    assert_int_equal(engine_client_get(client, "/c", &body), 0);
    assert_string_equal(body.bytes, "{}");
    engine_client_close(client);
    script_end(&script);
}

/* It hangs at the second request; for the third one there is no time left, though it may connect
 * anew. */
static void time_is_for_all_requests_together(void **state)
{
    (void)state;
    enum { LONG = 2000 };
    const struct engine_client_limits limits = {.milliseconds = LONG};
    struct script script;
    _cleanup_buffer_ struct buffer body = {0};
    script_start(&script, (struct script_step[8]){HEAD, SEND(OK LENGTH(2) "[]"), HEAD, HANG});
    struct engine_client *client = open_client(&script, &limits);
    assert_int_equal(engine_client_milliseconds_left(client), LONG);
    assert_int_equal(engine_client_get(client, "/a", &body), 0);
    assert_int_equal(engine_client_get(client, "/b", &body), -ETIMEDOUT);
    assert_int_equal(engine_client_milliseconds_left(client), 0);
    assert_int_equal(engine_client_get(client, "/c", &body), -ETIMEDOUT);
    engine_client_close(client);
    script_end(&script);
}

static void a_client_is_bounded_unless_said_otherwise(void **state)
{
    (void)state;
    struct engine_client *client;
    assert_int_equal(engine_client_open("/nowhere", NULL, &client), 0);
    assert_int_equal(engine_client_milliseconds_left(client), ENGINE_CLIENT_MILLISECONDS);
    engine_client_close(client);
    const struct engine_client_limits none = {0};
    assert_int_equal(engine_client_open("/nowhere", &none, &client), 0);
    assert_int_equal(engine_client_milliseconds_left(client), ENGINE_CLIENT_MILLISECONDS);
    engine_client_close(client);
    engine_client_close(NULL);
}

static void odd_requests_are_not_sent(void **state)
{
    (void)state;
    const char *const paths[] = {"",     "info",  "/a b",      "/a\r\nX: y",
                                 "/a#b", "/\x7f", "/\xc3\xa9", "/a\"b"};
    _cleanup_buffer_ struct buffer body = {0};
    struct engine_client *client;
    assert_int_equal(engine_client_open("/nowhere", &usual, &client), 0);
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        assert_int_equal(engine_client_get(client, paths[i], &body), -EINVAL);
    const char *const values[] = {"", "a\r\nb: c", "\x7f", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        struct engine_metadata metadata = {"containerd-namespace", values[i]};
        assert_int_equal(engine_client_call(client, "/a/b", &metadata, NULL, 0, &body), -EINVAL);
    }
    engine_client_close(client);
}

static void paths_are_sent_as_they_are(void **state)
{
    (void)state;
    static const char path[] = "/a/../b/./c?filters=%7B%22id%22%3A%5B1%5D%7D&all=1";
    struct script script;
    _cleanup_buffer_ struct buffer body = {0};
    script_start(&script, (struct script_step[8]){RECEIVE(path), HEAD, SEND(OK LENGTH(2) "{}")});
    struct engine_client *client = open_client(&script, &usual);
    assert_int_equal(engine_client_get(client, path, &body), 0);
    engine_client_close(client);
    script_end(&script);
}

/* ---- whom it connects to ---- */

static int ask_path(const char *path)
{
    _cleanup_buffer_ struct buffer body = {0};
    _cleanup_engine_client_ struct engine_client *client = NULL;
    int r = engine_client_open(path, &usual, &client);
    return r < 0 ? r : engine_client_get(client, "/info", &body);
}

static void nobody_there_is_told_apart(void **state)
{
    (void)state;
    char path[] = "/tmp/nslapse-test-XXXXXX", longer[200] = "/tmp/";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ask_path(path), -ECONNREFUSED); /* no socket */
    unlink(path);
    fd_close(fd);
    assert_int_equal(ask_path(path), -ENOENT);
    memset(longer + 5, 'a', sizeof(longer) - 6);
    assert_int_equal(ask_path(longer), -ENAMETOOLONG);
    longer[ENGINE_CLIENT_SOCKET_PATH_MOST] = '\0';
    assert_int_equal(ask_path(longer), -ENOENT);
}

/* The socket may be anywhere, and its path anything: here it has none any more. */
static void a_socket_is_reached_by_a_descriptor(void **state)
{
    (void)state;
    char path[64];
    struct script script;
    script_start(&script, (struct script_step[8]){HEAD, SEND(OK LENGTH(2) "{}")});
    _cleanup_close_ int fd = open(script.path, O_PATH | O_CLOEXEC);
    assert_true(fd >= 0);
    unlink(script.path);
    snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
    assert_int_equal(ask_path(path), 0);
    script_end(&script);
}

static void the_environment_chooses_no_proxy(void **state)
{
    (void)state;
    static const char *const names[] = {"http_proxy", "all_proxy", "ALL_PROXY", "HTTP_PROXY"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        setenv(names[i], "http://127.0.0.1:9/", true);
    const struct row row = {
        "no proxy", {RECEIVE("GET /info "), HEAD, SEND(OK LENGTH(2) "{}")}, &usual, 0};
    check_row(&row, ask_get);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        unsetenv(names[i]);
}

/* ---- gRPC ---- */

/* Frames of HTTP/2 (RFC 9113) on stream 1. Their headers are literals without index (RFC
 * 7541, 6.2.2), but for ":status: 200", which is number 8 of the static table. */
#define FRAME(length, type, flags) "\0\0" length type flags "\0\0\0\1"
#define SETTINGS                   "\0\0\0\4\0\0\0\0\0"
#define HEADERS_OK                                                                                 \
    FRAME("\x20", "\1", "\4")                                                                      \
    "\x88\0\x0c"                                                                                   \
    "content-type\x10"                                                                             \
    "application/grpc"
#define DATA_OK                                                                                    \
    FRAME("\x7", "\0", "\0")                                                                       \
    "\0\0\0\0\2"                                                                                   \
    "hi"
#define STATUS_IS(digit)                                                                           \
    FRAME("\xf", "\1", "\5")                                                                       \
    "\0\x0b"                                                                                       \
    "grpc-status\1" digit
#define ANSWER_OK SETTINGS HEADERS_OK DATA_OK STATUS_IS("0")
#define CALL      RECEIVE_CALL

static void messages_are_taken_out(void **state)
{
    (void)state;
    struct script script;
    _cleanup_buffer_ struct buffer response = {0};
    script_start(&script,
                 (struct script_step[8]){RECEIVE("PRI * HTTP/2.0"), CALL, SEND(ANSWER_OK), STAY});
    struct engine_client *client = open_client(&script, &usual);
    struct engine_metadata metadata = {"containerd-namespace", "k8s.io"};
    assert_int_equal(
        engine_client_call(client, "/a.Service/Method", &metadata, "ask", 3, &response), 0);
    assert_int_equal(response.length, 2);
    assert_string_equal(response.bytes, "hi");
    engine_client_close(client);
    script_end(&script);
}

static void calls_have_statuses(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"ok", {CALL, SEND(ANSWER_OK), STAY}, &usual, 0},
        {"an empty message",
         {CALL, SEND(SETTINGS HEADERS_OK FRAME("\5", "\0", "\0") "\0\0\0\0\0" STATUS_IS("0")),
          STAY},
         &usual,
         0},
        {"in the trailer", {CALL, SEND(SETTINGS HEADERS_OK STATUS_IS("5")), STAY}, &usual, -ENOENT},
        {"in the only header",
         {CALL,
          SEND(SETTINGS FRAME("\x2f", "\1", "\5") "\x88\0\x0c"
                                                  "content-type\x10"
                                                  "application/grpc"
                                                  "\0\x0b"
                                                  "grpc-status\1"
                                                  "7"),
          STAY},
         &usual,
         -EACCES},
        {"unimplemented",
         {CALL,
          SEND(SETTINGS HEADERS_OK FRAME("\x10", "\1", "\5") "\0\x0b"
                                                             "grpc-status\2"
                                                             "12"),
          STAY},
         &usual,
         -EOPNOTSUPP},
        {"a number that there isn't",
         {CALL,
          SEND(SETTINGS HEADERS_OK FRAME("\x10", "\1", "\5") "\0\x0b"
                                                             "grpc-status\2"
                                                             "17"),
          STAY},
         &usual,
         -EPROTO},
        {"no number",
         {CALL, SEND(SETTINGS HEADERS_OK DATA_OK STATUS_IS("x")), STAY},
         &usual,
         -EPROTO},
        {"no status",
         {CALL,
          SEND(SETTINGS HEADERS_OK FRAME("\x7", "\0", "\1") "\0\0\0\0\2"
                                                            "hi"),
          STAY},
         &usual,
         -EPROTO},
    };
    check_rows(rows, sizeof(rows) / sizeof(*rows), ask_call);
}

/* What isn't HTTP/2 at all is to libcurl as if nothing had come. */
static void bad_messages_are_told_apart(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"no message", {CALL, SEND(SETTINGS HEADERS_OK STATUS_IS("0")), STAY}, &usual, -EPROTO},
        {"1 GB, it says",
         {CALL,
          SEND(SETTINGS HEADERS_OK FRAME("\x7", "\0", "\0") "\0\x40\0\0\0"
                                                            "hi" STATUS_IS("0")),
          STAY},
         &usual,
         -EPROTO},
        {"two messages",
         {CALL, SEND(SETTINGS HEADERS_OK DATA_OK DATA_OK STATUS_IS("0")), STAY},
         &usual,
         -EPROTO},
        {"a compressed message",
         {CALL,
          SEND(SETTINGS HEADERS_OK FRAME("\x7", "\0", "\0") "\1\0\0\0\2"
                                                            "hi" STATUS_IS("0")),
          STAY},
         &usual,
         -EPROTO},
        {"another type of content",
         {CALL,
          SEND(SETTINGS FRAME("\x19", "\1", "\4") "\x88\0\x0c"
                                                  "content-type\x9"
                                                  "text/html" DATA_OK STATUS_IS("0")),
          STAY},
         &usual,
         -EPROTO},
        {"no such path",
         {CALL, SEND(SETTINGS FRAME("\1", "\1", "\5") "\x8d"), STAY},
         &usual,
         -ENOENT},
        {"HTTP/1.1", {CALL, SEND("HTTP/1.1 400 Bad Request\r\n\r\n"), STAY}, &usual, -ECONNRESET},
        {"garbage", {CALL, SEND_FOREVER("garbage")}, &usual, -ECONNRESET},
        {"a stream that was given up",
         {CALL, SEND(SETTINGS HEADERS_OK FRAME("\4", "\3", "\0") "\0\0\0\2"), STAY},
         &usual,
         -EPROTO},
        {"endless data",
         {CALL,
          SEND(SETTINGS HEADERS_OK "\0\0\5\0\0\0\0\0\1"
                                   "\0\x40\0\0\0"),
          SEND_FOREVER("\0\0\x40\0\0\0\0\0\1" THOUSAND)},
         &usual,
         -EFBIG},
        {"endless trailers",
         {CALL, SEND(SETTINGS HEADERS_OK),
          SEND_FOREVER("\0\0\x48\1\4\0\0\0\1"
                       "\0\3"
                       "x-y\x42" THOUSAND "zz")},
         &usual,
         -EPROTO},
    };
    check_rows(rows, sizeof(rows) / sizeof(*rows), ask_call);
}

static void calls_are_cut_off(void **state)
{
    (void)state;
    const struct row rows[] = {
        {"closed before", {CLOSE}, &usual, -ECONNRESET},
        {"closed without an answer", {CALL}, &usual, -ECONNRESET},
        {"closed after the settings", {CALL, SEND(SETTINGS)}, &usual, -ECONNRESET},
        {"closed in a frame",
         {CALL, SEND(SETTINGS HEADERS_OK FRAME("\x7", "\0", "\0") "\0\0")},
         &usual,
         -ECONNRESET},
        {"closed before the trailer",
         {CALL, SEND(SETTINGS HEADERS_OK DATA_OK)},
         &usual,
         -ECONNRESET},
        {"goes away",
         {CALL,
          SEND(SETTINGS "\0\0\x8\7\0\0\0\0\0"
                        "\0\0\0\0"
                        "\0\0\0\0"),
          HANG},
         &usual,
         -EPROTO},
        {"hangs before", {HANG}, &hasty, -ETIMEDOUT},
        {"hangs before the answer", {CALL, SEND(SETTINGS), HANG}, &hasty, -ETIMEDOUT},
        {"hangs in the message", {CALL, SEND(SETTINGS HEADERS_OK), HANG}, &hasty, -ETIMEDOUT},
        {"hangs before the trailer",
         {CALL, SEND(SETTINGS HEADERS_OK DATA_OK), HANG},
         &hasty,
         -ETIMEDOUT},
        {"window updates for ever",
         {CALL, SEND(SETTINGS),
          SEND_FOREVER("\0\0\4\x8\0\0\0\0\1"
                       "\0\0\0\0")},
         &usual,
         -ECONNRESET},
        {"priorities for ever",
         {CALL, SEND(SETTINGS),
          SEND_FOREVER("\0\0\5\2\0\0\0\0\1"
                       "\0\0\0\0\1")},
         &hasty,
         -ETIMEDOUT},
    };
    check_rows(rows, sizeof(rows) / sizeof(*rows), ask_call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_taken_whole),
        cmocka_unit_test(bad_answers_are_told_apart),
        cmocka_unit_test(statuses_have_codes),
        cmocka_unit_test(an_engine_that_hangs_is_left),
        cmocka_unit_test(no_redirect_is_followed),
        cmocka_unit_test(requests_share_a_connection),
        cmocka_unit_test(time_is_for_all_requests_together),
        cmocka_unit_test(a_client_is_bounded_unless_said_otherwise),
        cmocka_unit_test(odd_requests_are_not_sent),
        cmocka_unit_test(paths_are_sent_as_they_are),
        cmocka_unit_test(nobody_there_is_told_apart),
        cmocka_unit_test(a_socket_is_reached_by_a_descriptor),
        cmocka_unit_test(the_environment_chooses_no_proxy),
        cmocka_unit_test(messages_are_taken_out),
        cmocka_unit_test(calls_have_statuses),
        cmocka_unit_test(bad_messages_are_told_apart),
        cmocka_unit_test(calls_are_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
